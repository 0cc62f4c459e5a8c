// What public/ai-sdk.js sends and warns of, against a network that answers as each test says.
import { APICallError, experimental_generateVideo as generateVideo } from 'ai';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createHailuo, type HailuoSettings } from '../../public/ai-sdk.js';
import { ID, VIDEO } from '../page/support/fake-server.ts';

globalThis.AI_SDK_LOG_WARNINGS = false;

const BASE = 'https://videos.example.com';
const CONTENT = `${BASE}/v1/videos/${ID}/content`;

interface Asked {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
  at: number;
}

/** Each response is used once, the last one for all later requests. */
function network(...answers: Response[]) {
  const asked: Asked[] = [];
  const send = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init);
    const { method, url } = request;
    const headers = Object.fromEntries(request.headers);
    asked.push({ method, url, headers, body: await request.text(), at: Date.now() });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return (answer ?? Response.error()).clone();
  };
  const model = (settings: HailuoSettings = {}) =>
    createHailuo({ baseURL: BASE, fetch: send, ...settings }).video('hailuo-2.3');
  return { asked, model };
}

const urls = { ...VIDEO.urls, content: CONTENT };
const completed = (fields: object = {}) => Response.json({ ...VIDEO, urls, ...fields });
const pending = (headers: Record<string, string> = { 'preference-applied': 'wait=30' }) =>
  Response.json({ ...VIDEO, status: 'in_progress' }, { headers });
const download = async () => ({ data: new Uint8Array(8), mediaType: 'video/mp4' });

test('headers of the SDK and the provider are in every request, the key only in the submit', async () => {
  const { asked, model } = network(pending(), pending(), completed());
  await generateVideo({
    model: model({ token: 'secret', headers: { 'cf-access-client-id': 'a', 'x-trace': 'provider' } }),
    prompt: 'p',
    headers: { 'x-trace': 'call', 'Idempotency-Key': 'mine', 'content-type': 'text/plain' },
    download,
  });
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    `POST ${BASE}/v1/videos`,
    `GET ${BASE}/v1/videos/${ID}`,
    `GET ${BASE}/v1/videos/${ID}`,
  ]);
  for (const { headers } of asked)
    expect(headers).toMatchObject({
      ...{ authorization: 'Bearer secret', 'cf-access-client-id': 'a', 'x-trace': 'call' },
      'user-agent': expect.stringMatching(/^ai\//),
    });
  expect(asked.map(({ headers }) => headers['idempotency-key'])).toEqual(['mine', undefined, undefined]);
  expect(asked.map(({ headers }) => headers['content-type'])).toEqual([
    'application/json',
    undefined,
    undefined,
  ]);
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ model: 'hailuo-2.3', prompt: 'p' });
});

test('each call has its own key, and a retry by the SDK has the same one', async () => {
  const refused = Response.json({ code: 'rate_limited' }, { status: 429, headers: { 'retry-after': '0' } });
  const { asked, model } = network(refused, refused, completed());
  await generateVideo({ model: model(), prompt: 'p', download });
  await generateVideo({ model: model(), prompt: 'p', download });
  const keys = asked.map(({ headers }) => headers['idempotency-key']);
  expect(keys).toHaveLength(4);
  expect(new Set(keys.slice(0, 3)).size).toBe(1);
  expect(new Set(keys).size).toBe(2);
});

test('a call with the key of an ended call returns the same video', async () => {
  const { asked, model } = network(completed());
  const headers = { 'idempotency-key': 'mine' };
  const options = { prompt: 'p', n: 1, providerOptions: {}, headers };
  for (let count = 0; count < 2; count++) await model().doGenerate?.({ ...options, ...NOTHING });
  expect(asked.map(({ headers }) => headers['idempotency-key'])).toEqual(['mine', 'mine']);
});

const NOTHING = {
  ...{ aspectRatio: undefined, resolution: undefined, duration: undefined, fps: undefined, seed: undefined },
  ...{ image: undefined, frameImages: undefined, inputReferences: undefined, generateAudio: undefined },
};

test('an option that the model does not support is a warning and is not sent', async () => {
  const { asked, model } = network(completed({ size: '1366x768', warnings: ['first_frame_ignored'] }));
  const { warnings } = await generateVideo({
    model: model(),
    prompt: 'p',
    ...{ n: 2, maxVideosPerCall: 2, aspectRatio: '9:16', resolution: '1280x720', fps: 30, seed: 7 },
    ...{ generateAudio: true, inputReferences: ['https://images.example.com/a.png'] },
    download,
  });
  expect(warnings.map((warning) => ('feature' in warning ? warning.feature : warning.type))).toEqual([
    ...['n', 'aspectRatio', 'fps', 'seed', 'generateAudio', 'inputReferences', 'resolution', 'other'],
  ]);
  expect(warnings.at(-2)).toMatchObject({ type: 'compatibility', details: 'The video is 1366x768.' });
  expect(warnings.at(-1)).toMatchObject({ message: expect.stringContaining('first_frame_ignored') });
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ model: 'hailuo-2.3', prompt: 'p', size: '1280x720' });
});

test('with a first frame, only the aspect ratio “adaptive” has no warning', async () => {
  const { model } = network(completed());
  const prompt = { image: 'https://images.example.com/a.png', text: 'p' };
  for (const [aspectRatio, features] of [
    ['adaptive', []],
    ['16:9', ['aspectRatio']],
  ] as const) {
    const { warnings } = await generateVideo({ model: model(), prompt, aspectRatio, download });
    expect(warnings.map((warning) => 'feature' in warning && warning.feature)).toEqual(features);
  }
});

test.for([
  ['https://videos.example.com', 'url'],
  ['https://local.example.com', 'url'],
  ['http://localhost:8787', 'binary'],
  ['http://app.localhost.:8787', 'binary'],
  ['http://127.0.0.1:8787', 'binary'],
  ['http://192.168.1.7', 'binary'],
  ['http://[::1]:8787', 'binary'],
  ['http://nas.local', 'binary'],
  ['http://worker.internal', 'binary'],
] as const)('the video of %s comes as %s', async ([server, type]) => {
  const content = `${server}/v1/videos/${ID}/content`;
  const { asked, model } = network(completed({ urls: { ...VIDEO.urls, content } }), new Response('video'));
  const result = await model({ baseURL: server, token: 'secret' }).doGenerate?.({
    ...{ prompt: 'p', n: 1, providerOptions: {} },
    ...NOTHING,
  });
  expect(result?.videos).toMatchObject([
    type === 'url' ? { type, url: content } : { type, data: new Uint8Array(Buffer.from('video')) },
  ]);
  expect(asked).toHaveLength(type === 'url' ? 1 : 2);
});

test('no other server gets headers that are for the Worker', async () => {
  const content = 'http://127.0.0.1:1/video.mp4';
  const { asked, model } = network(completed({ urls: { ...VIDEO.urls, content } }), new Response('video'));
  await generateVideo({ model: model({ token: 'secret' }), prompt: 'p', headers: { cookie: 'a=b' } });
  const { url, headers } = asked[1] ?? {};
  expect([url, headers?.authorization, headers?.cookie]).toEqual([content, undefined, undefined]);
});

test('if a proxy drops `Prefer`, the provider still pauses between polls', async () => {
  const { asked, model } = network(pending(), pending({}), completed());
  await generateVideo({ model: model(), prompt: 'p', download });
  const [, first, second] = asked.map(({ at }) => at);
  expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(1000);
});

test('a response that is not the Worker’s is retried with the same key', async () => {
  const page = new Response('<h1>Log in</h1>', { headers: { 'content-type': 'text/html' } });
  const { asked, model } = network(page, page, completed());
  await generateVideo({ model: model(), prompt: 'p', download, maxRetries: 0 });
  expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  expect(asked).toHaveLength(3);
});

describe('with fake timers', () => {
  afterEach(() => void vi.useRealTimers());

  test('an unreachable server is a retryable error with the key', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const keys: (string | null)[] = [];
    const send = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      keys.push(new Request(input, init).headers.get('idempotency-key'));
      throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    };
    const model = createHailuo({ baseURL: BASE, fetch: send }).video('hailuo-2.3');
    const call = generateVideo({ model, prompt: 'p', maxRetries: 0 }).catch((error) => error);
    await vi.advanceTimersByTimeAsync(90_000);
    const error = await call;
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ code: 'unreachable', isRetryable: true, status: 0, key: keys[0] });
    expect([error.statusCode, error.message]).toEqual([undefined, expect.stringContaining('ECONNREFUSED')]);
    expect(keys.length).toBeGreaterThan(3);
    expect(new Set(keys).size).toBe(1);
  });

  test('an aborted call waits only briefly for the answer to its cancel', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const leaving = new AbortController();
    const cancelled: string[] = [];
    const send = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      const { method, url, signal } = new Request(input, init);
      if (method === 'POST' && url.endsWith('/v1/videos')) return pending();
      if (method === 'POST') cancelled.push(url);
      else leaving.abort();
      return new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    };
    const model = createHailuo({ baseURL: BASE, fetch: send }).video('hailuo-2.3');
    const before = Date.now();
    const call = generateVideo({ model, prompt: 'p', abortSignal: leaving.signal }).catch((error) => error);
    await vi.waitFor(() => expect(cancelled).toEqual([`${BASE}/v1/videos/${ID}/cancel`]));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await call).toMatchObject({ name: 'AbortError' });
    expect(Date.now() - before).toBeLessThan(6_000);
  });
});
