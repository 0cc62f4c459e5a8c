// The requests, retries and errors of public/client.js.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  cancel,
  get,
  list,
  remove,
  run,
  submit,
  subscribe,
  upload,
  usage,
  type VideoError,
  watch,
} from '../../public/client.js';
import { type Asked, FakeServer, html, ID, json, VIDEO } from './support/fake-server.ts';

const server = new FakeServer();
beforeEach(() => server.start());
afterEach(() => server.stop());

const fail = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it succeeded'),
    (error: VideoError) => error,
  );
const first = async (video: string | { id: string }, options: object) =>
  (await watch(video, options).next()).value;

describe('fields that are null or undefined are left out', () => {
  const NOTHING = { resolution: undefined, duration: null, inputImageFirstUrl: null };

  test('of a JSON body', async () => {
    server.answers = [json(VIDEO)];
    await submit({ prompt: 'p', ...NOTHING, inputImageFirst: null }, { base: server.base });
    expect(JSON.parse(`${server.asked[0]?.body}`)).toEqual({ prompt: 'p' });
  });

  test('of a form, in which metadata has one field per pair', async () => {
    server.answers = [json(VIDEO)];
    const inputImageLast = new Blob(['last'], { type: 'image/png' });
    const request = { prompt: 'p', ...NOTHING, inputImageLast, metadata: { shot: '7' } };
    await submit(request, { base: server.base });
    const form = await formOf(server.asked[0]);
    expect([...form.keys()].sort()).toEqual(['inputImageLast', 'metadata[shot]', 'prompt']);
    expect(form.get('metadata[shot]')).toBe('7');
  });

  function formOf(asked: Asked | undefined): Promise<FormData> {
    const headers = { 'content-type': `${asked?.headers['content-type']}` };
    return new Response(new Uint8Array(asked?.body ?? []), { headers }).formData();
  }
});

describe('list', () => {
  const page = json({ object: 'list', data: [VIDEO], first_id: ID, last_id: ID, has_more: false });
  const asked = () => Object.fromEntries(new URL(server.asked.at(-1)?.url ?? '', server.base).searchParams);

  test('sends the filters that were given', async () => {
    server.answers = [page];
    const filters = { status: 'failed', model: 'owner/a model', created_after: 1_700_000_000 } as const;
    expect((await list({ base: server.base, after: ID, limit: 5, ...filters })).data).toHaveLength(1);
    expect(asked()).toEqual({ ...filters, after: ID, limit: '5', created_after: '1700000000' });
  });

  test('sends nothing for those that are null, undefined or empty', async () => {
    server.answers = [page];
    await list({
      base: server.base,
      after: '',
      status: undefined as never,
      model: null,
      created_after: null,
    });
    expect(asked()).toEqual({ limit: '20' });
    await list({ base: server.base, created_after: 0 });
    expect(asked()).toEqual({ limit: '20', created_after: '0' });
  });
});

describe('submit', () => {
  test('sends a callback_url in JSON and in a form', async () => {
    server.answers = [json(VIDEO)];
    const request = { prompt: 'p', callback_url: 'https://app.example/hook?a=1&b' };
    await submit(request, { base: server.base });
    expect(JSON.parse(`${server.asked[0]?.body}`)).toEqual(request);
    await submit({ ...request, inputImageFirst: new Blob(['first']) }, { base: server.base });
    expect(`${server.asked[1]?.body}`).toContain(`name="callback_url"\r\n\r\n${request.callback_url}`);
  });

  const keys = () => new Set(server.asked.map(({ headers }) => headers['idempotency-key']));

  test.for([502, 503, 504, 520, 522, 524])(
    'retries with the same key after an HTML response %s of a proxy',
    async (status) => {
      server.answers = [html(status), json(VIDEO)];
      expect((await submit({ prompt: 'p' }, { base: server.base })).id).toBe(ID);
      expect(server.asked).toHaveLength(2);
      expect(keys().size).toBe(1);
    },
  );

  test('retries after a response that was cut off', async () => {
    server.answers = [
      (response) => {
        response.writeHead(202, { 'content-length': '1000' }).write('{"id":');
        setTimeout(() => response.destroy(), 50);
      },
      json(VIDEO),
    ];
    expect((await submit({ prompt: 'p' }, { base: server.base })).id).toBe(ID);
    expect(keys().size).toBe(1);
  });

  test('waits for the Retry-After of a proxy', async () => {
    server.answers = [html(503, { 'retry-after': '2' }), json(VIDEO)];
    await submit({ prompt: 'p' }, { base: server.base });
    const [before, after] = server.asked;
    expect((after?.at ?? 0) - (before?.at ?? 0)).toBeGreaterThanOrEqual(1990);
  });

  test.for([
    [503, 'upstream_unavailable'],
    [500, 'misconfigured'],
    [429, 'rate_limited'],
  ] as const)('does not retry an error of the Worker: %s %s', async ([status, code]) => {
    server.answers = [json({ status, code, detail: 'in its own words' }, status)];
    const error = await fail(submit({ prompt: 'p' }, { base: server.base, key: 'my-key' }));
    expect(server.asked).toHaveLength(1);
    expect(error).toMatchObject({ name: 'VideoError', status, code, message: 'in its own words' });
    expect(error.key).toBe('my-key');
  });

  test('throws an error with the key and the cause if the Worker cannot be reached', async () => {
    const { base } = server;
    await server.stop();
    const error = await fail(submit({ prompt: 'p' }, { base, patienceMs: 0 }));
    expect(error).toMatchObject({ name: 'VideoError', status: 0, code: 'unreachable' });
    expect(error.message).toContain('ECONNREFUSED');
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.key).toMatch(/^[0-9a-f]{32}$/);
    await server.start();
  });
});

describe('a call that cannot succeed fails at once', () => {
  test('without a base URL outside of a page', async () => {
    for (const call of [submit({ prompt: 'p' }), get(ID), first(ID, {}), run({ prompt: 'p' })]) {
      const error = await fail(call);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain('`base`');
    }
  });

  test.for([
    ['a base that is no address', { base: 'videos.example.com' }],
    ['a token that is no header', { base: 'http://127.0.0.1:9', token: 'line\nbreak' }],
  ] as const)('%s', { timeout: 5000 }, async ([, options]) => {
    for (const call of [submit({ prompt: 'p' }, options), first(ID, options)])
      expect(await fail(call)).toBeInstanceOf(TypeError);
  });
});

describe('a Video can be passed instead of its id', () => {
  test('to get, watch, cancel and remove', async () => {
    server.answers = [json(VIDEO)];
    const options = { base: server.base };
    for (const video of [ID, VIDEO]) {
      server.asked = [];
      await get(video, options);
      await first(video, options);
      await cancel(video, options);
      await remove(video, options);
      expect(server.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
        `GET /v1/videos/${ID}`,
        `GET /v1/videos/${ID}/events`,
        `GET /v1/videos/${ID}`,
        `POST /v1/videos/${ID}/cancel`,
        `DELETE /v1/videos/${ID}`,
      ]);
    }
  });
});

describe('upload and usage', () => {
  test('upload sends an image as a form, with its name', async () => {
    const uploaded = {
      id: 'file_1',
      filename: 'sky.png',
      bytes: 3,
      content_type: 'image/png',
      url: 'https://x/',
    };
    server.answers = [json(uploaded)];
    const file = new File(['sky'], 'sky.png', { type: 'image/png' });
    const options = { base: server.base, token: 'a-token', challenge: 'solved' };
    expect(await upload(file, options)).toEqual(uploaded);
    const [asked] = server.asked;
    expect(asked).toMatchObject({ method: 'POST', url: '/v1/files' });
    expect(asked?.headers).toMatchObject({ authorization: 'Bearer a-token', 'turnstile-token': 'solved' });
    expect(`${asked?.body}`).toContain('name="file"; filename="sky.png"');
    server.answers = [json({ status: 'ok' })];
    expect(await fail(upload(file, options))).toMatchObject({ status: 502 });
  });

  test('usage returns the response of the Worker', async () => {
    const spent = { object: 'usage', spent_usd: '1.50', reserved_usd: '0', limit_usd: null, resets_at: 1 };
    server.answers = [json(spent)];
    expect(await usage({ base: server.base, token: 'a-token' })).toEqual(spent);
    expect(server.asked[0]).toMatchObject({ method: 'GET', url: '/v1/usage' });
  });
});

describe('run', () => {
  const ends = (video: object) => {
    server.answers = [
      json({ ...VIDEO, status: 'queued', stage: 'waiting', progress: 0 }, 202),
      (response) =>
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .end(`id: 5\nevent: video\ndata: ${JSON.stringify({ ...VIDEO, ...video })}\n\n`),
    ];
  };

  test('returns the completed Video and reports its events', async () => {
    expect(subscribe).toBe(run);
    ends({});
    const events: unknown[] = [];
    const onEvent = (event: unknown) => events.push(event);
    expect(await run({ prompt: 'p' }, { base: server.base, onEvent })).toEqual(VIDEO);
    expect(events).toEqual([
      { type: 'connection', state: 'live' },
      { type: 'video', video: VIDEO, id: '5' },
    ]);
  });

  test.for([
    [
      { status: 'failed', error: { code: 'upstream_rejected', message: 'in its words' } },
      'upstream_rejected',
      'in its words',
    ],
    [{ status: 'cancelled' }, 'cancelled', 'The video was cancelled.'],
  ] as const)('throws an error for a video that did not complete: %j', async ([video, code, message]) => {
    ends(video);
    const error = await fail(run({ prompt: 'p' }, { base: server.base }));
    expect(error).toMatchObject({ name: 'VideoError', code, message, isUnclear: false, video: { id: ID } });
  });

  test('after an aborted wait, the error contains the video', async () => {
    server.answers = [json({ ...VIDEO, status: 'queued' }, 202), json({ code: 'unauthorized' }, 401)];
    const error = await fail(run({ prompt: 'p' }, { base: server.base }));
    expect(error).toMatchObject({ status: 401, video: { id: ID } });
  });
});
