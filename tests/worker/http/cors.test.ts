// Pages of other origins: listed origins may read every response, others may change nothing.
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, type Refusal, traces } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';

const LISTED = 'https://app.example';
const LISTED_TOO = 'http://localhost:3000';
const ORIGIN_NOT_ALLOWED: Refusal = [403, 'origin_not_allowed'];
const STRANGERS = ['https://evil.example', 'null', 'http://app.example', 'https://app.example.evil.example'];

let service: Service;
let alice: Service;
/** A completed video of Alice's. */
let id: string;
beforeAll(async () => {
  service = await startService({
    sim: { speed: 600 },
    vars: { ALLOWED_ORIGINS: `${LISTED}, ${LISTED_TOO}` },
    secrets: { CLIENT_TOKENS },
  });
  alice = service.as(ALICE);
  ({ id } = await alice.accepted({ prompt: 'a window into another house' }));
  await alice.ended(id);
});
afterAll(() => service.close());

const answers = (): [string, string, number, Service?][] => [
  ['GET', '/health', 200],
  ['GET', `/v1/videos/${id}`, 200, alice],
  ['GET', `/v1/videos/${id}/content`, 200, alice],
  ['GET', '/v1/videos', 200, alice],
  ['GET', `/v1/videos/${id}`, 401],
  ['GET', `/v1/videos/vid_no`, 404, alice],
  ['PUT', '/v1/videos', 405],
  ['POST', '/v1/videos', 415, alice],
  ['POST', `/v1/videos/${id}/cancel`, 409, alice],
];

describe('a page of a listed origin', () => {
  test('may read every response, including errors', async () => {
    for (const [method, path, status, client = service] of answers()) {
      const answer = await client.fetch(path, { method, headers: { origin: LISTED } });
      expect(answer.status, `${method} ${path}`).toBe(status);
      expect(answer.headers.get('access-control-allow-origin')).toBe(LISTED);
      expect(answer.headers.get('vary')).toMatch(/\borigin\b/i);
      const exposed = answer.headers.get('access-control-expose-headers')?.split(', ');
      expect(exposed).toEqual(expect.arrayContaining(['x-request-id', 'retry-after', 'location', 'etag']));
    }
    const other = await service.fetch('/health', { headers: { origin: LISTED_TOO } });
    expect(other.headers.get('access-control-allow-origin')).toBe(LISTED_TOO);
  });

  test.for([
    ['/v1/videos', 'POST'],
    ['/v1/videos/:id', 'DELETE'],
    ['/v1/videos/:id/cancel', 'POST'],
    ['/v1/files', 'POST'],
  ] as const)('gets an allowing preflight: %s %s', async ([path, method]) => {
    const headers = {
      origin: LISTED,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization, content-type, idempotency-key, turnstile-token',
    };
    const answer = await service.fetch(path.replace(':id', id), { method: 'OPTIONS', headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(LISTED);
    expect(answer.headers.get('access-control-allow-methods')?.split(', ')).toContain(method);
    const allowed = answer.headers.get('access-control-allow-headers')?.split(', ');
    for (const name of headers['access-control-request-headers'].split(', ')) expect(allowed).toContain(name);
    expect(Number(answer.headers.get('access-control-max-age'))).toBeGreaterThan(0);
  });
});

describe.each(STRANGERS)('a page of the origin %s', (origin) => {
  test('may read nothing', async () => {
    for (const [method, path, , client = service] of answers()) {
      const answer = await client.fetch(path, { method, headers: { origin } });
      expect(answer.headers.get('access-control-allow-origin'), `${method} ${path}`).toBeNull();
      expect(answer.headers.get('vary')).toMatch(/\borigin\b/i);
    }
  });

  test('may change nothing, even with a token', async () => {
    const before = await traces(service);
    const headers = { origin, 'content-type': 'application/json' };
    const body = '{"prompt":"not to be made"}';
    for (const [method, path] of [
      ['POST', '/v1/videos'],
      ['POST', '/v1/files'],
      ['DELETE', `/v1/videos/${id}`],
      ['POST', `/v1/videos/${id}/cancel`],
    ] as const) {
      const init = method === 'POST' ? { method, headers, body } : { method, headers };
      await expectProblem(await alice.fetch(path, init), ORIGIN_NOT_ALLOWED);
    }
    const ask = { origin, 'access-control-request-method': 'POST' };
    const answer = await service.fetch('/v1/videos', { method: 'OPTIONS', headers: ask });
    await expectProblem(answer, ORIGIN_NOT_ALLOWED);
    expect(await traces(service)).toEqual(before);
  });

  test('may open no WebSocket', async () => {
    const { status } = await upgrade(`/v1/videos/${id}/events`, { origin, authorization: `Bearer ${ALICE}` });
    expect(status).toBe(403);
  });
});

test('a request without an origin gets no CORS headers', async () => {
  const headers = { 'content-type': 'application/json' };
  const answer = await service.fetch('/v1/videos', { method: 'POST', headers, body: '{"prompt":"no"}' });
  await expectProblem(answer, [401, 'unauthorized']);
});

test('the Worker’s own page is allowed under every host name', async () => {
  for (const headers of [
    { origin: service.origin },
    { origin: 'https://video.example', 'sec-fetch-site': 'same-origin' },
  ]) {
    const answer = await alice.fetch(`/v1/videos/${id}/cancel`, { method: 'POST', headers });
    expect(answer.status).toBe(409);
  }
});

test('pages of any origin may read the static files', async () => {
  for (const path of ['/openapi.json', '/client.js', '/page/words.js', '/icon.svg', '/']) {
    for (const headers of [{}, { origin: STRANGERS[0]! }]) {
      const answer = await service.fetch(path, { headers });
      expect(answer.status, path).toBe(200);
      expect(answer.headers.get('access-control-allow-origin'), path).toBe('*');
    }
  }
});

// A browser may use the cached response to a <video>, which sends no Origin, for a page of another origin.
test('a response to a request without Origin varies by origin', async () => {
  for (const [method, path, , client = service] of answers()) {
    const answer = await client.fetch(path, { method });
    expect(answer.headers.get('vary'), `${method} ${path}`).toMatch(/\borigin\b/i);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  }
});

describe('if every origin is allowed', () => {
  let open: Service;
  let video: string;
  beforeAll(async () => {
    open = await startService({ sim: { speed: 600 } });
    ({ id: video } = await open.accepted({ prompt: 'a window that stands open' }));
    await open.ended(video);
  });
  afterAll(() => open.close());

  test('every response allows every page, even if it was cached before', async () => {
    for (const [path, status, init] of [
      [`/v1/videos/${video}/content`, 200, {}],
      [`/v1/videos/${video}/content`, 206, { headers: { range: 'bytes=0-9' } }],
      [`/v1/videos/${video}/content`, 200, { method: 'HEAD' }],
      [`/v1/videos/${video}`, 200, {}],
      ['/v1/videos/vid_no', 404, {}],
      ['/v1/videos', 415, { method: 'POST' }],
      ['/health', 200, {}],
    ] as [string, number, RequestInit][]) {
      const answer = await open.fetch(path, init);
      expect(answer.status, path).toBe(status);
      expect(answer.headers.get('access-control-allow-origin'), path).toBe('*');
      expect(answer.headers.get('access-control-expose-headers'), path).toContain('x-request-id');
    }
    const first = await open.fetch(`/v1/videos/${video}/content`);
    const headers = { 'if-none-match': first.headers.get('etag')! };
    const unchanged = await open.fetch(`/v1/videos/${video}/content`, { headers });
    expect(unchanged.status).toBe(304);
    expect(unchanged.headers.get('access-control-allow-origin')).toBe('*');
  });

  test('a preflight allows all requested headers', async () => {
    const preflight = (asked: Record<string, string>) =>
      open.fetch('/v1/videos', {
        method: 'OPTIONS',
        headers: { origin: LISTED, 'access-control-request-method': 'POST', ...asked },
      });
    const names = 'authorization,content-type,openai-organization,x-stainless-os,x-stainless-retry-count';
    const answer = await preflight({ 'access-control-request-headers': names });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-headers')).toBe(names);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    const plain = await preflight({});
    expect(plain.headers.get('access-control-allow-headers')).toContain('idempotency-key');
  });
});

test('pages of all origins are allowed', async () => {
  const open = await startService();
  for (const origin of [LISTED, ...STRANGERS]) {
    const answer = await open.fetch('/v1/videos', { method: 'POST', headers: { origin } });
    expect(answer.status).toBe(415);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  }
  await open.close();
});

/** The response to an upgrade request, which fetch cannot send. */
function upgrade(path: string, headers: Record<string, string>): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const asked = request(service.origin + path, {
      headers: {
        ...headers,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    asked.on('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0 });
    });
    asked.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0 });
    });
    asked.on('error', reject);
    asked.end();
  });
}
