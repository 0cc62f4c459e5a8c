// Attacks on access control: guessed ids, forged grants, headers and paths.
import { createHmac, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { traces } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';
import { SIGNING_KEY } from '../support/settings.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { AttackTable, rawRequest, sendRaw } from './attacks.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

const table = new AttackTable();
let service: Service;
let alice: Service;
let bob: Service;
/** Alice's, completed. */
let video: Video;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, secrets: { CLIENT_TOKENS } });
  [alice, bob] = [service.as(ALICE), service.as(BOB)];
  const { id } = await alice.accepted({ prompt: 'a safe with one key' });
  video = await alice.ended(id);
  await publishedRecord(service, id, 'completed');
});
afterAll(async () => {
  table.print();
  await service.close();
});

test('3,000 guessed ids: all are 404, and no storage is read', async () => {
  const before = await traces(service);
  const random = (length: number) =>
    Array.from(randomBytes(length), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
  const statuses = new Map<number, number>();
  const guess = async (index: number) => {
    // Half of them know the random part and guess the proof.
    const id = index % 2 ? `vid_${random(40)}` : `${video.id.slice(0, -14)}${random(14)}`;
    const { status } = await alice.fetch(`/v1/videos/${id}`);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  };
  for (let index = 0; index < 3000; index += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, at) => guess(index + at)));
  }
  expect([...statuses]).toEqual([[404, 3000]]);
  expect(await traces(service)).toEqual(before);
  table.add('3,000 guessed ids', '404, no storage asked');
});

describe.each([
  ['to play', 'playback-grant', 'events-grant', 'content'],
  ['to watch', 'events-grant', 'playback-grant', 'events'],
] as const)('grants %s', (what, own, other, path) => {
  const DAY = 86_400;
  const now = () => Math.floor(Date.now() / 1000);

  /** By another implementation, with the right key. */
  function grant(id: string, until: number, purpose: string = own): string {
    const time = Buffer.alloc(4);
    time.writeUInt32BE(until);
    const key = createHmac('sha256', SIGNING_KEY).update(`hailuo-worker/v1/${purpose}`).digest();
    const mac = createHmac('sha256', key).update(time).update(id).digest().subarray(0, 16);
    return base32(Buffer.concat([time, mac]));
  }

  const asked = (text: string) => service.fetch(`/v1/videos/${video.id}/${path}?grant=${text}`);
  const opened = async (text: string) => (await asked(text)).status;

  test('a valid grant opens the video, so the others below fail for their own reasons', async () => {
    expect(await opened(grant(video.id, now() + 60))).toBe(200);
  });

  test.runIf(path === 'events')('the grants in the events end with the grant that opened them', async () => {
    const until = now() + 60;
    const answer = await (await asked(grant(video.id, until))).text();
    const { urls } = JSON.parse(/^data: (.*)$/m.exec(answer)?.[1] ?? '{}') as Video;
    const grants = [urls.events, urls.content].map((link) => new URL(link ?? '').searchParams.get('grant'));
    expect(grants).toEqual([grant(video.id, until), grant(video.id, until, 'playback-grant')]);
    table.add('a grant to watch, to get a longer one', 'the same end');
  });

  test.for<[string, () => string]>([
    ['expired a second ago', () => grant(video.id, now() - 1)],
    ['expired a day ago', () => grant(video.id, now() - DAY)],
    ['expired in 1970', () => grant(video.id, 0)],
    ['for another video', () => grant(`vid_${'a'.repeat(40)}`, now() + DAY)],
    ['signed for a callback', () => grant(video.id, now() + DAY, 'wiro-callback')],
    ['signed for the other path', () => grant(video.id, now() + DAY, other)],
    ['with a NUL behind it', () => `${grant(video.id, now() + DAY)}%00`],
    ['with its time alone', () => grant(video.id, now() + DAY).slice(0, 8)],
    ['the id itself', () => video.id],
  ])('%s: 401', async ([name, text]) => {
    expect(await opened(text())).toBe(401);
    table.add(`grant ${what} ${name}`, 401);
  });

  test('of two grants the first counts, even if it is wrong', async () => {
    const right = grant(video.id, now() + 60);
    expect(await opened(`x&grant=${right}`)).toBe(401);
    table.add(`two grants ${what}, the first wrong`, 401);
  });
});

describe('forged headers', () => {
  const SPOOFS = [
    { 'x-forwarded-for': '127.0.0.1' },
    { 'x-forwarded-for': '127.0.0.1, 10.0.0.1', 'x-real-ip': '127.0.0.1', 'cf-connecting-ip': '127.0.0.1' },
    { forwarded: 'for=127.0.0.1;host=localhost;proto=https' },
    { 'x-original-url': '/health', 'x-rewrite-url': '/health' },
    { 'x-custom-ip-authorization': '127.0.0.1', 'x-authenticated-user': 'alice', 'x-remote-user': 'alice' },
    { cookie: `token=${ALICE}; authorization=${ALICE}` },
    { 'proxy-authorization': `Bearer ${ALICE}`, 'x-authorization': `Bearer ${ALICE}`, 'x-api-key': ALICE },
  ] as Record<string, string>[];

  test.for(SPOOFS)('%j give no access', async (headers) => {
    const before = await traces(service);
    for (const path of ['/v1/videos', `/v1/videos/${video.id}`, `/v1/videos/${video.id}/content`]) {
      expect((await service.fetch(path, { headers })).status).toBe(401);
    }
    expect(await traces(service)).toEqual(before);
    table.add(Object.keys(headers).join(', '), 401);
  });

  test('a token in the query gives no access', async () => {
    for (const name of ['token', 'access_token', 'authorization', 'api_key']) {
      expect((await service.fetch(`/v1/videos/${video.id}?${name}=${ALICE}`)).status).toBe(401);
    }
    table.add('token in the query', 401);
  });

  test('a forged host does not appear in the callback URL or in links', async () => {
    const PUBLIC_URL = 'https://video.example';
    const named = await startService({ vars: { PUBLIC_URL, POLL_SECONDS: '600' }, sim: { speed: 0 } });
    const spoofed = [
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: http',
      'Forwarded: host=evil.example',
      'X-Original-Host: evil.example',
    ];
    for (const [index, headers] of [[...spoofed, 'Host: evil.example'], spoofed].entries()) {
      const body = JSON.stringify({ prompt: `a letter with a false sender, ${index}` });
      const lines = ['Content-Type: application/json', ...headers];
      const { status, body: answer } = await sendRaw(
        named,
        rawRequest(named, 'POST /v1/videos', lines, body),
      );
      expect(status, answer).toBe(202);
      expect(answer).toContain(`${PUBLIC_URL}/v1/videos/`);
      expect(answer).not.toContain('evil.example');
      expect(named.sim.tasks[index]?.callbackUrl).toMatch(/^https:\/\/video\.example\/hooks\/wiro\//);
    }
    await named.close();
    table.add('Host and X-Forwarded-Host, PUBLIC_URL set', '202, links and callback by PUBLIC_URL');
  });
});

describe('method overrides', () => {
  const OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override', '_method'];

  test.for(OVERRIDES)('%s: the real method counts', async (name) => {
    const headers = { [name]: 'DELETE' };
    const read = await alice.fetch(`/v1/videos/${video.id}?_method=DELETE`, { headers });
    expect([read.status, (await read.json()).status]).toEqual([200, 'completed']);
    const cancel = await alice.fetch(`/v1/videos/${video.id}/cancel`, { method: 'POST', headers });
    expect(cancel.status).toBe(409);
    expect((await alice.video(video.id)).status).toBe('completed');
    table.add(`${name}: DELETE`, 'read as GET, the video is there');
  });

  test.for(['get', 'Post', 'TRACE', 'PROPFIND', 'GET\t'])('%j changes nothing', async (method) => {
    const sent = await sendRaw(service, rawRequest(service, `${method} /v1/videos/${video.id}`)).catch(
      () => null,
    );
    const status = sent?.status ?? 0;
    // The connection of a client that does not speak HTTP may be closed.
    expect([0, 400, 401, 404, 405, 501]).toContain(status);
    expect((await alice.video(video.id)).status).toBe('completed');
    table.add(`method ${JSON.stringify(method)}`, status || 'connection closed');
  });
});

describe('paths', () => {
  const bearer = (token: string) => [`Authorization: Bearer ${token}`];
  const paths = (): string[] => [
    `//v1/videos/${video.id}`,
    `/v1//videos/${video.id}`,
    `/v1/videos//${video.id}`,
    `/v1/videos/${video.id}/`,
    `/v1/videos/${video.id}//content`,
    `/V1/videos/${video.id}`,
    `/v1/VIDEOS/${video.id}/content`,
    `/v1/videos/${video.id.toUpperCase()}`,
    `/health/../v1/videos/${video.id}`,
    `/health/%2e%2e/v1/videos/${video.id}`,
    `/health/.%2E/v1/videos/${video.id}/content`,
    `/health\\..\\v1\\videos\\${video.id}`,
    `/health%2f..%2fv1%2fvideos%2f${video.id}`,
    `/health/..;/v1/videos/${video.id}`,
    `/%76%31/videos/${video.id}`,
    `/v1/videos/${video.id}%00`,
    `/v1/videos/${video.id}%00/content`,
    `/v1/videos/${video.id}%0d%0aX-Evil:%201`,
    `/v1/videos/${video.id};a=b`,
    `/v1/videos/${video.id}.json`,
    `/v1/videos/${video.id}#/content`,
    `/v1/videos/%2e%2e/videos/${video.id}`,
    `/hooks/wiro/%2e%2e/%2e%2e/v1/videos/${video.id}`,
    `/index.html/../v1/videos/${video.id}`,
    `http://evil.example/v1/videos/${video.id}`,
    `/operator/videos/${video.id}/redrive`,
    '/.dev.vars',
    '/..%2f.dev.vars',
    '/%2e%2e/wrangler.toml',
    '/_headers',
    '/.git/config',
  ];

  test('no spelling of a path gives another client access', async () => {
    const before = await traces(service);
    for (const path of paths()) {
      for (const [who, headers] of [
        ['stranger', []],
        ['another client', bearer(BOB)],
      ] as const) {
        for (const method of ['GET', 'DELETE']) {
          const { status, body } = await sendRaw(service, rawRequest(service, `${method} ${path}`, headers));
          expect([400, 401, 404, 405], `${who}: ${method} ${path}: ${body}`).toContain(status);
          if (who === 'stranger' && method === 'GET') table.add(path.replace(video.id, '{id}'), status);
        }
      }
    }
    expect(await traces(service)).toEqual(before);
    expect((await alice.video(video.id)).status).toBe('completed');
  });

  test('a path through one’s own video leads to no other video', async () => {
    const { id: own } = await bob.accepted({ prompt: 'a house next door' });
    await bob.ended(own);
    for (const dots of ['..', '%2e%2e', '.%2E', '%2e.']) {
      const path = `/v1/videos/${own}/${dots}/${video.id}`;
      const { status } = await sendRaw(service, rawRequest(service, `GET ${path}`, bearer(BOB)));
      expect(status, path).toBe(404);
    }
    table.add('/v1/videos/{own}/%2e%2e/{id} by another client', 404);
  });
});

/** RFC 4648, in small letters, without padding. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five, 2)]).join('');
}
