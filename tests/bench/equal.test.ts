// What is compared must be the same: the Worker and the reference that it is measured against are asked the same, and
// must answer the same, byte by byte but for times and random names.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KINDS } from '../../bench/pair.ts';
import { type Kind, type Subject, startSubject } from '../../bench/subject.ts';
import { type Faults, type Sim, startSim } from '../../sim/index.ts';
import { BOUNDARY, formBody, type Part } from '../worker/bodies.ts';
import { picture } from '../worker/pictures.ts';

interface Side {
  sim: Sim;
  subject: Subject;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
const MADE_UP = `vid_${'a'.repeat(40)}`;
const CLIENTS = JSON.stringify({ alice: 'token-of-alice' });
const ALICE = { authorization: 'Bearer token-of-alice' };

const sides = new Map<Kind, Side>();
beforeAll(async () => {
  for (const kind of KINDS) {
    const sim = await startSim({ speed: 600 });
    sim.script('held', { holdAt: 'task_start' });
    // The callback decides when it is looked at, the same on both sides.
    const subject = await startSubject(
      kind,
      { addresses: sim },
      { vars: { CLIENT_TOKENS: CLIENTS, RETRY_SECONDS: '0.1' } },
    );
    sides.set(kind, { sim, subject });
  }
});
afterAll(async () => {
  for (const { sim, subject } of sides.values()) {
    await subject.stop();
    await sim.close();
  }
});

async function onBoth<T>(ask: (side: Side) => Promise<T>): Promise<[T, T]> {
  const [rust, javascript] = KINDS.map((kind) => ask(sides.get(kind)!));
  return [await rust!, await javascript!];
}

type Init = RequestInit & { headers?: Record<string, string>; duplex?: 'half' };

function send({ subject }: Side, path: string, { headers = {}, ...init }: Init = {}): Promise<Response> {
  return fetch(subject.origin + path, { redirect: 'manual', headers: { ...ALICE, ...headers }, ...init });
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

/** What is there on both sides alike: the connection's own headers, times, random names and origins are not. */
async function answerOf(side: Side, response: Response): Promise<Answer> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = response.headers.get('content-type')?.includes('json');
  const ours = [...response.headers].filter(
    ([name]) => !['date', 'connection', 'transfer-encoding'].includes(name),
  );
  const headers = ours.map(([name, value]) => [name, masked(side, value, name)]);
  const body = isJson ? maskedJson(side, JSON.parse(bytes.toString())) : bytes.toString('base64');
  return { status: response.status, headers: Object.fromEntries(headers), body };
}

const TIMES = ['created_at', 'started_at', 'completed_at', 'expires_at'];

function maskedJson(side: Side, value: unknown): unknown {
  // The order of members is compared, too.
  return JSON.stringify(value, (name, member) => {
    if (TIMES.includes(name) && typeof member === 'number') return 'a time';
    if (name === 'request_id') return 'a request id';
    if (name === 'progress' && member > 0 && member < 100) return 'a percentage';
    return typeof member === 'string' ? masked(side, member, name) : member;
  });
}

function masked({ subject }: Side, text: string, name: string): string {
  if (name === 'last-modified') return new Date(text).toUTCString() === text ? 'a date' : text;
  return text
    .replaceAll(subject.origin, 'http://worker')
    .replace(/^req_[0-9a-f]{24}$/, 'a request id')
    .replace(/grant=[a-z2-7]{32}/, 'grant=')
    .replace(/vid_[a-z2-7]{40}/g, 'vid_')
    .replace(/^"[0-9a-f]{32}"$/, name === 'etag' ? '"a tag"' : '$&');
}

async function expectEqual(ask: (side: Side) => Promise<Response>, status: number): Promise<Answer> {
  const [rust, javascript] = await onBoth(async (side) => answerOf(side, await ask(side)));
  expect(javascript).toEqual(rust);
  expect(rust.status).toBe(status);
  return rust;
}

/** The ids on both sides. */
type Ids = Map<Side, string>;

async function submitted(prompt: string): Promise<Ids> {
  const entries = await onBoth(async (side): Promise<[Side, string]> => {
    const response = await send(side, '/v1/videos', post(JSON_TYPE, JSON.stringify({ prompt })));
    return [side, ((await response.json()) as { id: string }).id];
  });
  return new Map(entries);
}

function post(headers: Record<string, string>, body: string | Uint8Array<ArrayBuffer>): Init {
  return { method: 'POST', headers, body };
}

const videoPath = (ids: Ids, side: Side) => `/v1/videos/${ids.get(side)}`;

async function completed(ids: Ids): Promise<void> {
  await onBoth(async (side) => {
    for (;;) {
      const response = await send(side, videoPath(ids, side), { headers: { prefer: 'wait=20' } });
      if (((await response.json()) as { status: string }).status === 'completed') return;
    }
  });
}

describe('without a video', () => {
  test('health', async () => {
    await expectEqual((side) => send(side, '/health'), 200);
  });

  test('a page of another origin is told the same', async () => {
    const { headers } = await expectEqual(
      (side) => send(side, '/health', { headers: { origin: 'https://a.example' } }),
      200,
    );
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'x-content-type-options': 'nosniff',
    });
  });

  test('a made-up id is nobody’s, and no storage is asked', async () => {
    await expectEqual((side) => send(side, `/v1/videos/${MADE_UP}`), 404);
    await expectEqual((side) => send(side, `/v1/videos/${MADE_UP}/content`), 404);
  });

  test.each(['/', '/v1', '/v1/videos/', '/v1/videos//content', '/nothing'])(
    'there is nothing at %s',
    async (path) => {
      await expectEqual((side) => send(side, path), 404);
    },
  );

  test('methods that are not answered', async () => {
    await expectEqual((side) => send(side, '/health', { method: 'POST' }), 405);
    await expectEqual((side) => send(side, '/v1/videos', { method: 'PUT' }), 405);
  });

  test('who shows no token', async () => {
    await expectEqual((side) => fetch(`${side.subject.origin}/v1/videos`), 401);
  });

  test('a callback with a wrong proof', () =>
    expectEqual(
      (side) => send(side, `/hooks/wiro/${MADE_UP}/${'a'.repeat(32)}`, post(JSON_TYPE, '{}')),
      404,
    ));
});

describe('submit, JSON', () => {
  const submit =
    (body: string, headers: Record<string, string> = {}) =>
    (side: Side) =>
      send(side, '/v1/videos', post({ ...JSON_TYPE, ...headers }, body));

  test('taken', async () => {
    const body = { prompt: 'held: a boat', promptOptimizer: 'false', resolution: '1080P', duration: '6' };
    const { headers } = await expectEqual(submit(JSON.stringify(body)), 202);
    expect(headers).toMatchObject({ location: 'http://worker/v1/videos/vid_', 'retry-after': '3' });
  });

  test('with a link', () =>
    expectEqual(submit('{"prompt":"held: a boat","inputImageFirstUrl":"https://a.example/b.png"}'), 202));

  test.each([
    '{}',
    '{"prompt":""}',
    '{"prompt":"a\\u0000b"}',
    JSON.stringify({
      prompt: 'é'.repeat(2001),
      duration: 7,
      resolution: '4K',
      promptOptimizer: 'maybe',
      seed: 1,
    }),
    '{"prompt":"a","duration":10,"resolution":"1080P"}',
    '{"prompt":"a","inputImageFirst":"a.png"}',
    '{"prompt":"a","inputImageFirstUrl":"http://a.example/"}',
    '{"prompt":"a","inputImageFirstUrl":"https://127.0.0.1/"}',
    '{"prompt":"a","inputImageFirstUrl":"https://u@a.example/"}',
  ])('refused: %s', async (body) => {
    await expectEqual(submit(body), 400);
  });

  test('too large, or of another type', async () => {
    await expectEqual(submit(JSON.stringify({ prompt: 'a'.repeat(70_000) })), 413);
    await expectEqual((side) => send(side, '/v1/videos', post({ 'content-type': 'text/plain' }, 'a')), 415);
  });

  test('again with the same key, and with another request', async () => {
    const key = { 'idempotency-key': 'once' };
    await expectEqual(submit('{"prompt":"held: once"}', key), 202);
    const { headers } = await expectEqual(submit('{"prompt":"held: once"}', key), 202);
    expect(headers).toMatchObject({ 'idempotent-replayed': 'true' });
    await expectEqual(submit('{"prompt":"held: twice"}', key), 422);
    await expectEqual(submit('{"prompt":"held: once"}', { 'idempotency-key': 'a b' }), 400);
  });
});

describe('submit, form', () => {
  const image = (bytes: number, value = picture('image/png', bytes)): Part => ({
    name: 'inputImageFirst',
    filename: 'a.png',
    value,
  });
  const prompt = { name: 'prompt', value: 'held: a portrait' };
  const submit = (parts: Part[]) => (side: Side) =>
    send(side, '/v1/videos', post(FORM_TYPE, formBody(parts)));

  test.each([1000, 1024 * 1024, 6 * 1024 * 1024])(
    'an image of %i bytes reaches R2 and Wiro',
    async (bytes) => {
      const name = `held: ${bytes}`;
      await expectEqual(submit([{ name: 'prompt', value: name }, image(bytes)]), 202);
      const [rust, javascript] = await onBoth(async ({ sim, subject }) => {
        const { image, fields, callbackUrl } = await sim.waitForTask(name);
        const id = callbackUrl.split('/').at(-2);
        const object = await subject.bindings.VIDEOS.head(`inputs/${id}`);
        return { image, fields: { ...fields, callbackUrl: '' }, type: object?.httpMetadata?.contentType };
      });
      expect(javascript).toEqual(rust);
      expect(rust).toMatchObject({ image: { size: bytes }, type: 'image/png' });
    },
  );

  test('streamed, without a length', async () => {
    const body = () => new Blob([formBody([image(100_000), prompt])]).stream();
    await expectEqual(
      (side) =>
        send(side, '/v1/videos', { method: 'POST', headers: FORM_TYPE, body: body(), duplex: 'half' }),
      202,
    );
  });

  test('no file was chosen', () =>
    expectEqual(submit([prompt, { name: 'inputImageFirst', filename: '', value: '' }]), 202));

  test('refused', async () => {
    await expectEqual(submit([prompt, image(0, Buffer.from('this is no image at all'))]), 415);
    await expectEqual(submit([image(1000)]), 400);
    await expectEqual(submit([prompt, image(1000), image(1000)]), 400);
    await expectEqual(submit([prompt, image(21 * 1024 * 1024)]), 413);
    await expectEqual(submit([{ name: 'prompt', value: 'a'.repeat(70_000) }]), 413);
    await expectEqual((side) => send(side, '/v1/videos', post(FORM_TYPE, formBody([prompt], ''))), 400);
    await expectEqual(
      (side) => send(side, '/v1/videos', post({ 'content-type': 'multipart/form-data' }, 'a')),
      400,
    );
  });
});

describe('a job in flight', () => {
  let ids: Ids;
  beforeAll(async () => {
    ids = await submitted('held: in flight');
  });

  test('status', async () => {
    const { headers } = await expectEqual((side) => send(side, videoPath(ids, side)), 200);
    expect(headers).toMatchObject({
      etag: '"a tag"',
      'retry-after': '3',
      'cache-control': 'private, no-cache',
    });
  });

  test('content is not there yet', () =>
    expectEqual((side) => send(side, `${videoPath(ids, side)}/content`), 409));

  test('it is another’s', () =>
    expectEqual(
      (side) => send(side, videoPath(ids, side), { headers: { authorization: 'Bearer no' } }),
      401,
    ));

  test('a callback is a nudge, whatever it says', async () => {
    await expectEqual(async (side) => {
      const { callbackUrl } = await side.sim.waitForTask('held: in flight');
      const seen = side.sim.callsTo('/Task/Detail').length;
      const response = await send(side, new URL(callbackUrl).pathname, post(JSON_TYPE, '{"status":"done"}'));
      // It has asked Wiro, who knows better.
      await side.sim.waitForCall('/Task/Detail', seen + 1);
      return response;
    }, 200);
    const { body } = await expectEqual((side) => inStage(side, ids, 'task_start'), 200);
    expect(body).toContain('"stage":"task_start"');
  });
});

/** The status, once the video is seen there. */
async function inStage(side: Side, ids: Ids, stage: string): Promise<Response> {
  for (;;) {
    const response = await send(side, videoPath(ids, side));
    if (((await response.clone().json()) as { stage: string }).stage === stage) return response;
  }
}

describe('a job that ends otherwise', () => {
  const ended = async (side: Side, ids: Ids) => {
    for (;;) {
      const response = await send(side, videoPath(ids, side), { headers: { prefer: 'wait=20' } });
      const { status } = (await response.json()) as { status: string };
      if (status === 'failed' || status === 'completed') return send(side, videoPath(ids, side));
    }
  };
  const scripted = async (prompt: string, faults: Faults) => {
    await onBoth(async ({ sim }) => sim.script(prompt, faults));
    return submitted(prompt);
  };

  test('without a video', async () => {
    const ids = await scripted('pexit', { task: { pexit: '1' } });
    const { body } = await expectEqual((side) => ended(side, ids), 200);
    expect(body).toContain('generation_failed');
    await expectEqual((side) => send(side, `${videoPath(ids, side)}/content`), 404);
  });

  test('after a copy that is tried again, and one that has no length', async () => {
    const ids = await scripted('cdn', { cdn: [{ kind: 'html' }, { kind: 'no-length' }] });
    const { body } = await expectEqual((side) => ended(side, ids), 200);
    expect(body).toContain('"status":"completed"');
  });

  test('refused by Wiro: the parameters, the account', async () => {
    const refused = async (prompt: string, code: number, message: string, status: number) => {
      await onBoth(async ({ sim }) => sim.script(prompt, { run: [{ kind: 'error', code, message }] }));
      const body = JSON.stringify({ prompt });
      await expectEqual((side) => send(side, '/v1/videos', post(JSON_TYPE, body)), status);
    };
    await refused('refused', 0, 'Request parameter [prompt] is too rude', 422);
    await refused('unpaid', 97, 'Balance too low', 503);
  });

  test('after a Run that was not taken at first', async () => {
    const ids = await scripted('busy', { run: [{ kind: 'status', status: 429 }] });
    const { body } = await expectEqual((side) => ended(side, ids), 200);
    expect(body).toContain('"status":"completed"');
  });
});

describe('a completed video', () => {
  let ids: Ids;
  beforeAll(async () => {
    ids = await submitted('a finished one: très bien');
    await completed(ids);
  });
  const content =
    (headers: Record<string, string> = {}, method = 'GET') =>
    (side: Side) =>
      send(side, `${videoPath(ids, side)}/content`, { method, headers });

  test('status', async () => {
    await expectEqual((side) => send(side, videoPath(ids, side)), 200);
    await expectEqual(async (side) => {
      const etag = (await send(side, videoPath(ids, side))).headers.get('etag') ?? '';
      return send(side, videoPath(ids, side), { headers: { 'if-none-match': etag } });
    }, 304);
  });

  test('content', async () => {
    const { headers } = await expectEqual(content(), 200);
    expect(headers['repr-digest']).toMatch(/^sha-256=:.{44}:$/);
    await expectEqual(content({}, 'HEAD'), 200);
    await expectEqual((side) => send(side, `${videoPath(ids, side)}/content?download=1`), 200);
  });

  test.each([
    ['bytes=0-99', 206],
    ['bytes=-100', 206],
    ['bytes=100-', 206],
    ['bytes=0-999999999', 206],
    ['bytes=999999999-', 416],
    ['bytes=-0', 416],
    ['bytes=5-4', 200],
    ['bytes=0-1,5-6', 200],
    ['lines=1-2', 200],
  ])('range %s', async (range, status) => {
    await expectEqual(content({ range }), status);
  });

  test('under conditions', async () => {
    const etagOf = async (side: Side) => (await content({}, 'HEAD')(side)).headers.get('etag') ?? '';
    await expectEqual(
      async (side) => content({ range: 'bytes=0-9', 'if-range': await etagOf(side) })(side),
      206,
    );
    await expectEqual(content({ range: 'bytes=0-9', 'if-range': '"another"' }), 200);
    await expectEqual(async (side) => content({ 'if-none-match': await etagOf(side) })(side), 304);
    await expectEqual(content({ 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() }), 304);
  });

  test('it plays with a grant, without a token', () =>
    expectEqual(async (side) => {
      const video = (await (await send(side, videoPath(ids, side))).json()) as { urls: { content: string } };
      return fetch(video.urls.content);
    }, 200));

  test('the list', async () => {
    await expectEqual((side) => send(side, '/v1/videos?limit=1'), 200);
    await expectEqual((side) => send(side, '/v1/videos?limit=100&order=asc'), 200);
    await expectEqual((side) => send(side, '/v1/videos?limit=0&order=up&after=x'), 400);
  });

  test('the same is stored, and Wiro was asked the same', async () => {
    const [rust, javascript] = await onBoth(async (side) => {
      const { TASKS } = side.subject.bindings;
      const id = ids.get(side) ?? '';
      const { value, metadata } = await TASKS.getWithMetadata<Record<string, unknown>>(`video:${id}`);
      const { keys } = await TASKS.list({ prefix: 'owner:alice:' });
      const task = await side.sim.waitForTask('a finished one');
      const calls = side.sim.calls.filter((call) => call.task === task);
      return {
        record: maskedJson(side, JSON.parse(value ?? '')),
        metadata: maskedJson(side, metadata),
        isListed: keys.some(({ name }) => /^owner:alice:\d{10}:vid_/.test(name) && name.endsWith(id)),
        calls: calls.map(({ method, path }) => `${method} ${path.replace(/^\/cdn\/.*/, '/cdn/')}`),
      };
    });
    expect(javascript).toEqual(rust);
    expect(rust).toMatchObject({ isListed: true });
    expect(rust.calls).toEqual(['POST /v1/Run/minimax/hailuo-2-3', 'POST /v1/Task/Detail', 'GET /cdn/']);
  });
});
