// With Turnstile, requests that cost money need a challenge that was just solved on our page. Others are refused before
// their body is read, and leave nothing behind.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type AnswerFault, TURNSTILE_SECRET } from '../../../sim/index.ts';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, type Refusal, refused, traces } from '../support/refusals.ts';
import { BOUNDARY, formBody, postBody, submitForm } from '../support/requests/bodies.ts';
import { MIB, picture } from '../support/requests/pictures.ts';
import { FORM_TYPE, filePart } from '../support/requests/uploads.ts';
import { type Service, type ServiceOptions, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';

const CHALLENGE_FAILED: Refusal = [403, 'challenge_failed'];
const SITE_KEY = '0x4AAA-test_key';

const challenged: ServiceOptions = {
  vars: { TURNSTILE_SITE_KEY: SITE_KEY, ALLOWED_ORIGINS: 'https://app.example,http://localhost:3000' },
  secrets: { TURNSTILE_SECRET },
  sim: { speed: 600 },
};

let service: Service;
beforeAll(async () => {
  service = await startService(challenged);
});
afterAll(() => service.close());
afterEach(() => service.sim.clearScripts());

const hostOf = ({ origin }: Service) => new URL(origin).hostname;
const solved = (of = service) => of.sim.solve({ hostname: hostOf(of) });
const showing = (token: string, of = service) => of.saying({ 'turnstile-token': token });
const asked = (of = service) => of.sim.callsTo('/turnstile/');

/** All that is kept: an object that was asked, and knew nothing, is none. */
async function lasting(of: Service) {
  const { objects: _, ...kept } = await traces(of);
  return kept;
}

/** All that costs money. */
const spending: [string, (client: Service) => Promise<Response>][] = [
  ['a submit', (client) => client.submit({ prompt: 'a door that opens' }, randomUUID())],
  [
    'a submit with a picture',
    (client) =>
      submitForm(client, [
        { name: 'inputImageFirst', filename: 'door.png', value: picture('image/png', MIB) },
        { name: 'prompt', value: 'a painted door' },
      ]),
  ],
  [
    'an upload',
    (client) => postBody(client, '/v1/files', FORM_TYPE, formBody([filePart(picture('image/png', MIB))])),
  ],
];

describe('a solved challenge', () => {
  test.each(spending)('allows %s, only one', async (_name, send) => {
    const token = solved();
    const count = asked().length;
    const answer = await send(showing(token));
    expect(answer.ok, await answer.clone().text()).toBe(true);
    if (answer.status === 202) await service.ended(((await answer.json()) as Video).id);
    const questions = asked().slice(count);
    expect(questions).toMatchObject([{ fields: { secret: TURNSTILE_SECRET, response: token } }]);
    // A token that can be verified twice could be used twice.
    expect(questions[0]?.fields).not.toHaveProperty('idempotency_key');
    await refused(service, CHALLENGE_FAILED, () => showing(token).submit({ prompt: 'another door' }));
  });

  test('makes one video in many concurrent submits', async () => {
    const client = showing(solved());
    const prompt = 'a crowd before a door';
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.submit({ prompt })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([202, ...Array(19).fill(403)]);
    expect(service.sim.tasks.filter((task) => task.prompt === prompt)).toHaveLength(1);
    await Promise.all(service.sim.tasks.map((task) => task.reached('task_postprocess_end')));
  });

  test('may come from a page of a listed origin', async () => {
    for (const hostname of ['app.example', 'localhost', 'APP.example']) {
      const answer = await showing(service.sim.solve({ hostname })).submit({ prompt: 'a door elsewhere' });
      expect(answer.status).toBe(202);
      await service.ended(((await answer.json()) as Video).id);
    }
  });

  test('is not needed for requests that cost nothing', async () => {
    service.sim.script('a door ajar', { holdAt: 'task_start' });
    const { id } = await showing(solved()).accepted({ prompt: 'a door ajar' });
    const count = asked().length;
    expect((await service.fetch(`/v1/videos/${id}`)).status).toBe(200);
    expect((await service.cancel(id)).status).toBe(200);
    expect((await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect(asked()).toHaveLength(count);
  });
});

describe('an impossible token is refused without a call to the verifier:', () => {
  const shown: [string, string | undefined][] = [
    ['none', undefined],
    ['nothing', ''],
    ['words', 'let me in'],
    ['two', `${'a'.repeat(20)}, ${'b'.repeat(20)}`],
    ['2,049 characters', 'a'.repeat(2049)],
  ];
  test.each(shown)('%s', async (_name, token) => {
    const client = token === undefined ? service : showing(token);
    const count = asked().length;
    for (const [, send] of spending) await refused(service, CHALLENGE_FAILED, () => send(client));
    expect(asked()).toHaveLength(count);
  });

  test('a token in the body, or in a client’s header', async () => {
    const token = solved();
    const body = { prompt: 'a door', 'cf-turnstile-response': token };
    await refused(service, CHALLENGE_FAILED, () => service.submit(body));
    await refused(service, CHALLENGE_FAILED, () => service.as(token).submit({ prompt: 'a door' }));
  });
});

describe('a submit is refused if the verifier answers:', () => {
  const wrong: [string, () => string][] = [
    ['a token that was made up', () => 'XXXX.MADE.UP.XXXX'],
    ['one that is too old', () => service.sim.solve({ hostname: hostOf(service), at: Date.now() - 301_000 })],
    ['one of another page', () => service.sim.solve({ hostname: 'evil.example' })],
    ['one of a page below', () => service.sim.solve({ hostname: 'evil.app.example' })],
    ['one of nowhere', () => service.sim.solve({ hostname: '' })],
    ['one for something else', () => service.sim.solve({ hostname: hostOf(service), action: 'login' })],
  ];
  test.each(wrong)('%s', async (_name, token) => {
    for (const [, send] of spending) {
      const before = await lasting(service);
      await expectProblem(await send(showing(token())), CHALLENGE_FAILED);
      expect(await lasting(service)).toEqual(before);
    }
  });

  const yes = { success: true, 'error-codes': [], hostname: '127.0.0.1', action: 'submit' };
  const says = (status: number, body: unknown): AnswerFault => ({
    kind: 'status',
    status,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const faults: [string, AnswerFault][] = [
    ['an error of its own', says(200, { success: false, 'error-codes': ['internal-error'] })],
    ['that our secret is wrong', says(200, { success: false, 'error-codes': ['invalid-input-secret'] })],
    ['500', { kind: 'status', status: 500 }],
    ['500 and yes', says(500, yes)],
    ['403 and yes', says(403, yes)],
    ['almost yes', says(200, { ...yes, success: 'true' })],
    ['nothing', says(200, '')],
    ['a page', says(200, '<html>yes</html>')],
    ['half of an answer', { kind: 'garbage' }],
    ['2 MiB of blanks, and yes', says(200, `{${' '.repeat(2 * MIB)}${JSON.stringify(yes).slice(1)}`)],
    ['nothing, and the connection breaks', { kind: 'reset' }],
    ['yes, which is lost', { kind: 'lost', how: 'status' }],
  ];
  test.each(faults)('%s', async (_name, fault) => {
    for (const [, send] of spending) {
      service.sim.script('', { siteverify: [fault] });
      await refused(service, CHALLENGE_FAILED, () => send(showing(solved())));
    }
    const line = service.logs().findLast((line) => line.includes('verifying a Turnstile token failed'));
    expect(line).toContain('"level":"error"');
  });

  test('nothing in time', async () => {
    service.sim.script('', { siteverify: [{ kind: 'hang' }] });
    await refused(service, CHALLENGE_FAILED, () =>
      showing(solved()).submit({ prompt: 'a door that sticks' }),
    );
    expect(asked().at(-1)).toMatchObject({ status: 0 });
  });

  test('a redirect, even to a host that would accept', async () => {
    let target = '';
    const server = createServer(
      (_request, response) => void response.writeHead(307, { location: target }).end(),
    );
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const vars = { ...challenged.vars, TURNSTILE_VERIFY_URL: `http://127.0.0.1:${port}/siteverify` };
    const bare = await startService({ ...challenged, vars });
    target = bare.sim.verifyUrl;
    try {
      const answer = await showing(solved(bare), bare).submit({ prompt: 'a door that moved' });
      await expectProblem(answer, CHALLENGE_FAILED);
      expect(bare.sim.calls).toEqual([]);
    } finally {
      await bare.close();
      server.close();
    }
  });
});

describe('a lost response', () => {
  const prompt = 'a door that was knocked at twice';

  test('is repeated for the used token, which allows nothing else', async () => {
    const token = solved();
    const client = showing(token);
    const first = await client.submit({ prompt }, 'knocking');
    const { id } = (await first.json()) as Video;
    for (const again of [token, solved(), token]) {
      const answer = await showing(again).submit({ prompt }, 'knocking');
      expect(answer.status).toBe(202);
      expect(answer.headers.get('idempotent-replayed')).toBe('true');
      expect(await answer.json()).toMatchObject({ id });
    }
    await service.ended(id);
    const others: [() => Promise<Response>, Refusal][] = [
      [() => client.submit({ prompt }), CHALLENGE_FAILED],
      [() => client.submit({ prompt }, 'knocking-elsewhere'), CHALLENGE_FAILED],
      [() => client.submit({ prompt: 'a window' }, 'knocking'), [422, 'idempotency_key_reused']],
      [() => showing('XXXX.MADE.UP.XXXX').submit({ prompt }, 'knocking'), CHALLENGE_FAILED],
      [() => service.submit({ prompt }, 'knocking'), CHALLENGE_FAILED],
    ];
    for (const [send, refusal] of others) {
      const before = await lasting(service);
      await expectProblem(await send(), refusal);
      expect(await lasting(service)).toEqual(before);
    }
    // The video is in KV by now; its token still gets the response.
    const late = await client.submit({ prompt }, 'knocking');
    expect(await late.json()).toMatchObject({ id, status: 'completed' });
    expect((await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    await expectProblem(await client.submit({ prompt }, 'knocking'), CHALLENGE_FAILED);
    expect(service.sim.tasks.filter((task) => task.prompt === prompt)).toHaveLength(1);
  });

  test('is not given to the used token of another user, who does not learn which keys exist', async () => {
    const words = 'a door with a number on it';
    const owner = showing(solved());
    const first = await owner.submit({ prompt: words }, 'order-1');
    const { id } = (await first.json()) as Video;
    const stranger = showing(solved());
    const own = (await (await stranger.submit({ prompt: 'a door of my own' })).json()) as Video;
    const tell = async (key: string, body: object) => {
      const answer = await stranger.submit(body, key);
      const { request_id: _, ...found } = await expectProblem(answer, CHALLENGE_FAILED);
      return found;
    };
    const unknown = await tell('order-2', { prompt: words });
    for (const during of ['made', 'completed']) {
      expect(await tell('order-1', { prompt: words }), during).toEqual(unknown);
      expect(await tell('order-1', { prompt: 'in other words' })).toEqual(unknown);
      expect(await tell('order-1', {})).toEqual(unknown);
      await service.ended(id);
    }
    // A token that only replayed the submit did not create the video.
    const again = solved();
    expect((await showing(again).submit({ prompt: words }, 'order-1')).status).toBe(202);
    await expectProblem(await showing(again).submit({ prompt: words }, 'order-1'), CHALLENGE_FAILED);
    expect((await owner.submit({ prompt: words }, 'order-1')).status).toBe(202);
    await service.ended(own.id);
  });

  test('creates nothing new if its video is deleted during the request', async () => {
    // With no proxy in front of the Worker, the unread part of the body is not sent.
    const bare = await startService(challenged);
    try {
      const image = picture('image/png', 16 * MIB);
      const form = formBody([
        { name: 'prompt', value: prompt },
        { name: 'inputImageFirst', filename: 'door.png', value: image },
      ]);
      const headers = {
        'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
        'idempotency-key': 'a-foot-in-the-door',
        'turnstile-token': solved(bare),
      };
      const send = (body: BodyInit) => {
        const init: RequestInit & { duplex: 'half' } = { method: 'POST', headers, body, duplex: 'half' };
        return bare.fetch('/v1/videos', init);
      };
      const first = await send(form);
      expect(first.status).toBe(202);
      const { id } = (await first.json()) as Video;
      await bare.ended(id);

      const isInside = Promise.withResolvers<void>();
      const isDeleted = Promise.withResolvers<void>();
      let at = 0;
      const slowly = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            if (at >= form.length) return controller.close();
            if (at + MIB >= form.length) {
              isInside.resolve();
              await isDeleted.promise;
            }
            controller.enqueue(form.subarray(at, at + MIB));
            at += MIB;
          },
        },
        { highWaterMark: 0 },
      );
      const second = send(slowly);
      await isInside.promise;
      expect((await bare.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
      isDeleted.resolve();
      await expectProblem(await second, [410, 'deleted']);
      expect(bare.sim.callsTo('/Run/')).toHaveLength(1);
      expect((await bare.bindings.VIDEOS.list()).objects).toEqual([]);
    } finally {
      await bare.close();
    }
  });
});

describe('configuration of Turnstile', () => {
  async function withService(options: ServiceOptions, use: (service: Service) => Promise<void>) {
    const other = await startService({ sim: { speed: 600 }, ...options });
    try {
      await use(other);
    } finally {
      await other.close();
    }
  }
  const health = async (of: Service) => (await of.fetch('/health')).json();

  test('/health has what a page needs', async () => {
    const found = await health(service);
    expect(found).toMatchObject({ protection: 'turnstile', turnstile_site_key: SITE_KEY });
    const openapi = JSON.parse(readFileSync('public/openapi.json', 'utf8'));
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const isHealth = ajv.addSchema(openapi, 'openapi').getSchema('openapi#/components/schemas/Health');
    expect(isHealth?.(found), JSON.stringify(isHealth?.errors)).toBe(true);
    expect(service.logs().filter((line) => line.includes('anyone can submit'))).toEqual([]);
  });

  test('the secret alone protects the API', () =>
    withService({ secrets: { TURNSTILE_SECRET } }, async (other) => {
      const found = await health(other);
      expect(found).toMatchObject({ protection: 'turnstile' });
      expect(found).not.toHaveProperty('turnstile_site_key');
      expect(other.logs().filter((line) => line.includes('set TURNSTILE_SITE_KEY'))).toHaveLength(1);
      await refused(other, CHALLENGE_FAILED, () => other.submit({ prompt: 'a door without a bell' }));
      expect((await showing(solved(other), other).submit({ prompt: 'a door with a key' })).status).toBe(202);
      // An origin that may use the API because all may is not our page.
      const elsewhere = other.sim.solve({ hostname: 'app.example' });
      await expectProblem(await showing(elsewhere, other).submit({ prompt: 'a door' }), CHALLENGE_FAILED);
    }));

  test('PUBLIC_URL is the host of the page', () => {
    const vars = { ...challenged.vars, PUBLIC_URL: 'https://video.example/under/a/path' };
    return withService({ ...challenged, vars }, async (other) => {
      const there = other.sim.solve({ hostname: 'video.example' });
      expect((await showing(there, other).submit({ prompt: 'a door in public' })).status).toBe(202);
      const here = await showing(solved(other), other).submit({ prompt: 'a door in private' });
      await expectProblem(here, CHALLENGE_FAILED);
    });
  });

  test('with client tokens there is no challenge, and a challenge gives no access', () =>
    withService({ ...challenged, secrets: { TURNSTILE_SECRET, CLIENT_TOKENS } }, async (other) => {
      const found = await health(other);
      expect(found).toMatchObject({ protection: 'tokens' });
      expect(found).not.toHaveProperty('turnstile_site_key');
      const { id } = await other.as(ALICE).accepted({ prompt: "alice's own door" });
      await other.as(ALICE).ended(id);
      const unauthorized: Refusal = [401, 'unauthorized'];
      await refused(other, unauthorized, () => showing(solved(other), other).submit({ prompt: 'a door' }));
      expect(asked(other)).toEqual([]);
    }));
});
