// Whole videos: both services respond, store and call Wiro in the same way.
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { Faults } from '../../sim/index.ts';
import {
  expectEqual,
  type Ids,
  JSON_TYPE,
  maskedJson,
  onBoth,
  post,
  type Side,
  send,
  startBoth,
  submitted,
  videoPath,
} from './both.ts';

startBoth();

describe('a running job', () => {
  let ids: Ids;
  beforeAll(async () => {
    ids = await submitted('held: in flight');
  });

  test('GET returns its status', async () => {
    const { headers } = await expectEqual((side) => send(side, videoPath(ids, side)), 200);
    expect(headers).toMatchObject({
      etag: '"a tag"',
      'retry-after': '3',
      'cache-control': 'private, no-cache',
    });
  });

  test('its content is 409 not_ready', () =>
    expectEqual((side) => send(side, `${videoPath(ids, side)}/content`), 409));

  test('the video of another client is 404', () =>
    expectEqual(
      (side) => send(side, videoPath(ids, side), { headers: { authorization: 'Bearer no' } }),
      401,
    ));

  test('a callback with any body causes a check', async () => {
    await expectEqual(async (side) => {
      const { callbackUrl } = await side.sim.waitForTask('held: in flight');
      const seen = side.sim.callsTo('/Task/Detail').length;
      const response = await send(side, new URL(callbackUrl).pathname, post(JSON_TYPE, '{"status":"done"}'));
      // It has asked Wiro, whose answer counts.
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

describe('a job that does not complete at once', () => {
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

  test('a job that ends without a video', async () => {
    const ids = await scripted('pexit', { task: { pexit: '1' } });
    const { body } = await expectEqual((side) => ended(side, ids), 200);
    expect(body).toContain('generation_failed');
    await expectEqual((side) => send(side, `${videoPath(ids, side)}/content`), 404);
  });

  test('a copy that is retried, and an output without a length', async () => {
    const ids = await scripted('cdn', { cdn: [{ kind: 'html' }, { kind: 'no-length' }] });
    const { body } = await expectEqual((side) => ended(side, ids), 200);
    expect(body).toContain('"status":"completed"');
  });

  test('Wiro refuses the parameters or the account', async () => {
    const refused = async (prompt: string, code: number, message: string, status: number) => {
      await onBoth(async ({ sim }) => sim.script(prompt, { run: [{ kind: 'error', code, message }] }));
      const body = JSON.stringify({ prompt });
      await expectEqual((side) => send(side, '/v1/videos', post(JSON_TYPE, body)), status);
    };
    await refused('refused', 0, 'Request parameter [prompt] is too rude', 422);
    await refused('unpaid', 97, 'Balance too low', 503);
  });

  test('a Run that is accepted at the second attempt', async () => {
    const ids = await scripted('busy', { run: [{ kind: 'status', status: 429 }] });
    const { body } = await expectEqual((side) => ended(side, ids), 200);
    expect(body).toContain('"status":"completed"');
  });
});

async function completed(ids: Ids): Promise<void> {
  await onBoth(async (side) => {
    for (;;) {
      const response = await send(side, videoPath(ids, side), { headers: { prefer: 'wait=20' } });
      if (((await response.json()) as { status: string }).status === 'completed') return;
    }
  });
}

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

  test('GET returns its status', async () => {
    await expectEqual((side) => send(side, videoPath(ids, side)), 200);
    await expectEqual(async (side) => {
      const etag = (await send(side, videoPath(ids, side))).headers.get('etag') ?? '';
      return send(side, videoPath(ids, side), { headers: { 'if-none-match': etag } });
    }, 304);
  });

  test('GET returns its content', async () => {
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

  test('conditional requests', async () => {
    const etagOf = async (side: Side) => (await content({}, 'HEAD')(side)).headers.get('etag') ?? '';
    await expectEqual(
      async (side) => content({ range: 'bytes=0-9', 'if-range': await etagOf(side) })(side),
      206,
    );
    await expectEqual(content({ range: 'bytes=0-9', 'if-range': '"another"' }), 200);
    await expectEqual(async (side) => content({ 'if-none-match': await etagOf(side) })(side), 304);
    await expectEqual(content({ 'if-modified-since': new Date(Date.now() + 60_000).toUTCString() }), 304);
  });

  test('a grant plays it without a token', () =>
    expectEqual(async (side) => {
      const video = (await (await send(side, videoPath(ids, side))).json()) as { urls: { content: string } };
      return fetch(video.urls.content);
    }, 200));

  test('the list contains it', async () => {
    await expectEqual((side) => send(side, '/v1/videos?limit=1'), 200);
    await expectEqual((side) => send(side, '/v1/videos?limit=100&order=asc'), 200);
    await expectEqual((side) => send(side, '/v1/videos?limit=0&order=up&after=x'), 400);
  });

  test('both services store the same data and call Wiro in the same way', async () => {
    const [rust, javascript] = await onBoth(async (side) => {
      const { TASKS } = side.subject.bindings;
      const id = ids.get(side) ?? '';
      // The record is published shortly afterwards, and the owner's entry after that.
      const published = async () => {
        const stored = await TASKS.getWithMetadata<Record<string, unknown>>(`video:${id}`);
        expect(stored.metadata).toMatchObject({ status: 'completed' });
        const { keys } = await TASKS.list({ prefix: 'owner:alice:' });
        const own = keys.map(({ name }) => name).filter((name) => name.endsWith(id));
        expect(own).toEqual([expect.stringMatching(/^owner:alice:\d{10}:vid_/)]);
        return stored;
      };
      const { value, metadata } = await vi.waitFor(published, { timeout: 15_000 });
      const task = await side.sim.waitForTask('a finished one');
      const calls = side.sim.calls.filter((call) => call.task === task);
      return {
        record: maskedJson(side, JSON.parse(value ?? '')),
        metadata: maskedJson(side, metadata),
        calls: calls.map(({ method, path }) => `${method} ${path.replace(/^\/cdn\/.*/, '/cdn/')}`),
      };
    });
    expect(javascript).toEqual(rust);
    expect(rust.calls).toEqual(['POST /v1/Run/minimax/hailuo-2-3', 'POST /v1/Task/Detail', 'GET /cdn/']);
  });
});
