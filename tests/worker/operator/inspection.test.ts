// What the operator learns of one video: its client, its request, its job at Wiro, its removal; and the log lines of its
// life.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { NOT_FOUND } from '../support/refusals.ts';
import { storedSample } from '../support/sample.ts';
import { problem, type Service, startService } from '../support/service.ts';
import { sha256 } from '../support/stored.ts';
import type { Video } from '../support/types.ts';

const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';
const DAY_SECONDS = 86_400;

interface Inspection {
  video: Video;
  client: string | null;
  request_id: string | null;
  upstream: {
    task_id: string | null;
    attempts: number;
    last_error: string | null;
    next_check_at: number | null;
  };
  deliveries: unknown[];
  next_delivery_at: number | null;
}

let service: Service;
let alice: Service;
beforeAll(async () => {
  service = await startService({
    vars: { COPY_DEADLINE_SECONDS: '2' },
    secrets: { CLIENT_TOKENS, OPERATOR_TOKEN },
    sim: { speed: 600 },
  });
  alice = service.as(ALICE);
});
afterAll(() => service?.close());

function ask(path: string, init?: RequestInit, from = service): Promise<Response> {
  return from.as(OPERATOR_TOKEN).fetch(path, init);
}

async function inspect(id: string, from = service): Promise<Inspection> {
  const answer = await ask(`/operator/videos/${id}`, {}, from);
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Inspection;
}

/** Submits a video and returns its id and that of the request. */
async function submitted(
  client: Service,
  prompt: string,
  key?: string,
): Promise<[id: string, request: string]> {
  const answer = await client.submit({ prompt }, key);
  expect(answer.status).toBe(202);
  return [((await answer.json()) as Video).id, answer.headers.get('x-request-id')!];
}

/** The log lines about a video. */
function linesOf(id: string): Record<string, unknown>[] {
  const lines = service.logs().filter((line) => line.includes(id));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const loggedOf = (id: string, message: string) => linesOf(id).filter((line) => line.message === message);

describe('an inspection has', () => {
  test('client, request, job and grants of a completed video', async () => {
    const prompt = 'a parcel with a tracking number';
    const [id, request] = await submitted(alice, prompt);
    await alice.ended(id);
    const { video, ...rest } = await inspect(id);
    const task = await service.sim.waitForTask(prompt);
    expect(rest).toEqual({
      client: 'alice',
      request_id: request,
      upstream: { task_id: task.id, attempts: 1, last_error: null, next_check_at: null },
      deliveries: [],
      next_delivery_at: null,
    });
    expect(video).toMatchObject({ id, status: 'completed' });
    const content = await service.fetch(video.urls.content!.replace(service.origin, ''));
    expect(content.status).toBe(200);
  });

  test('the next check of a running video', async () => {
    const prompt = 'a parcel on its way';
    service.sim.script(prompt, { holdAt: 'task_start' });
    const [id] = await submitted(alice, prompt);
    await alice.until(id, ({ status }) => status === 'in_progress');
    const { upstream } = await inspect(id);
    expect(upstream).toMatchObject({ task_id: expect.any(String), attempts: 1 });
    expect(upstream.next_check_at).toBeGreaterThan(Date.now() / 1000 - 60);
    await alice.cancel(id);
  });

  test('the number of attempts and the last error, in the words of Wiro', async () => {
    const prompt = 'a parcel that the office refused twice';
    const words = 'Concurrent limit reached for this parcel office';
    const refusal = { kind: 'error', code: 96, message: words } as const;
    service.sim.script(prompt, { run: [refusal, { kind: 'status', status: 429 }] });
    const [id] = await submitted(alice, prompt);
    await alice.ended(id);
    const { upstream } = await inspect(id);
    expect(upstream).toMatchObject({ attempts: 3, last_error: expect.stringMatching(/no more requests/) });
  });

  test('what Wiro says of a failed run', async () => {
    const prompt = 'a parcel that was dropped';
    service.sim.script(prompt, { task: { pexit: '1', reason: 'The parcel fell into the canal' } });
    const [id] = await submitted(alice, prompt);
    expect(await alice.ended(id)).toMatchObject({ status: 'failed' });
    expect((await inspect(id)).upstream.last_error).toMatch(/fell into the canal/);
  });

  test('why the copy failed', async () => {
    const prompt = 'a parcel that did not fit';
    service.sim.script(prompt, { cdn: Array(100).fill({ kind: 'status', status: 503 }) });
    const [id] = await submitted(alice, prompt);
    expect(await alice.ended(id)).toMatchObject({ error: { code: 'storage_failed' } });
    expect((await inspect(id)).upstream.last_error).toBe('HTTP 503');
  });
});

describe('a request id', () => {
  test('finds the video that the request created, not one of a replay', async () => {
    const [id, request] = await submitted(alice, 'a parcel with a receipt', 'receipt-1');
    const [again, replay] = await submitted(alice, 'a parcel with a receipt', 'receipt-1');
    expect(again).toBe(id);
    const found = async (request: string) => {
      const answer = await ask(`/operator/videos?request_id=${request}`);
      expect(answer.status).toBe(200);
      return ((await answer.json()) as { data: (Video & { client: string })[] }).data;
    };
    expect(await found(request)).toMatchObject([{ id, client: 'alice' }]);
    expect(await found(replay)).toEqual([]);
    expect(await found(`req_${'0'.repeat(24)}`)).toEqual([]);
    expect((await inspect(id)).request_id).toBe(request);
    await alice.ended(id);
  });

  test('comes alone', async () => {
    const found = await problem(await ask('/operator/videos?request_id=req_1&client=alice'));
    expect([found.status, found.errors.map(({ field }) => field)]).toEqual([400, ['client']]);
  });
});

describe('the content', () => {
  test("is sent to the operator's token, whole and in ranges", async () => {
    const [id] = await submitted(service.as(BOB), 'a parcel to look into');
    await service.as(BOB).ended(id);
    const path = `/operator/videos/${id}/content`;
    const whole = await ask(path);
    expect(whole.headers.get('content-type')).toBe('video/mp4');
    expect(sha256(new Uint8Array(await whole.arrayBuffer()))).toBe(storedSample.sha256);
    const part = await ask(path, { headers: { range: 'bytes=0-99' } });
    expect([part.status, part.headers.get('content-length')]).toEqual([206, '100']);
    expect((await service.fetch(path)).status).toBe(401);
    expect((await service.as(BOB).fetch(path)).status).toBe(401);
  });

  test('of a failed video is 404', async () => {
    const prompt = 'a parcel that was lost';
    service.sim.script(prompt, { task: { pexit: '1' } });
    const [id] = await submitted(alice, prompt);
    await alice.ended(id);
    expect((await ask(`/operator/videos/${id}/content`)).status).toBe(404);
  });
});

describe('a removed video', () => {
  async function removed(id: string, path = '') {
    const answer = await ask(`/operator/videos/${id}${path}`);
    const body = (await answer.json()) as Record<string, unknown>;
    return { status: answer.status, code: body.code, removed: body.removed };
  }

  test('is told from one that never existed, with what the tombstone knows', async () => {
    const [id, request] = await submitted(alice, 'a parcel to be burnt');
    const { created_at } = await alice.ended(id);
    expect((await alice.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    const known = {
      reason: 'deleted',
      removed_at: expect.any(Number),
      client: 'alice',
      model: 'hailuo-2.3',
      status: 'completed',
      created_at,
      cost_usd: '0.28',
      request_id: request,
    };
    // At once, and when its data is removed.
    expect(await removed(id)).toEqual({ status: 410, code: 'deleted', removed: known });
    await expect.poll(() => loggedOf(id, 'video removed'), { timeout: 30_000 }).toHaveLength(1);
    expect(await removed(id)).toEqual({ status: 410, code: 'deleted', removed: known });
    expect(await removed(id, '/content')).toEqual({ status: 410, code: 'deleted', removed: known });
    // Its client learns nothing.
    expect((await alice.fetch(`/v1/videos/${id}`)).status).toBe(404);
    expect((await alice.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(404);
  });

  test('that expired says so', async () => {
    const [id] = await submitted(alice, 'a parcel that nobody fetched');
    const { expires_at } = await alice.ended(id);
    await service.sweep(expires_at! + DAY_SECONDS);
    await expect.poll(() => loggedOf(id, 'video removed'), { timeout: 30_000 }).toHaveLength(1);
    expect(await removed(id)).toMatchObject({ status: 410, removed: { reason: 'expired', client: 'alice' } });
  });

  test('that never existed is 404', async () => {
    for (const path of ['', '/content']) {
      const answer = await ask(`/operator/videos/vid_${'a'.repeat(40)}${path}`);
      expect([answer.status, (await problem(answer)).code]).toEqual(NOT_FOUND);
    }
  });
});

describe('the log has', () => {
  test('one line for an accepted submit and none for its replay', async () => {
    const [id, request] = await submitted(alice, 'a parcel with a stamp', 'stamp-1');
    await submitted(alice, 'a parcel with a stamp', 'stamp-1');
    await alice.ended(id);
    const accepted = {
      level: 'info',
      message: 'video accepted',
      'video.id': id,
      request_id: request,
      client: 'alice',
      model: 'hailuo-2.3',
    };
    expect(loggedOf(id, 'video accepted')).toEqual([accepted]);
  });

  test.for([
    ['video completed', 'info', {}, { cost_usd: '0.28' }],
    ['video failed', 'info', { task: { pexit: '1' } }, { code: 'generation_failed', cost_usd: null }],
    [
      'video failed',
      'warn',
      { cdn: Array(100).fill({ kind: 'status', status: 503 }) },
      { code: 'storage_failed', cost_usd: '0.28' },
    ],
  ] as const)('one line for an end: %s, level %s', async ([message, level, faults, known]) => {
    const prompt = `a parcel that ends, ${JSON.stringify(known)}`;
    service.sim.script(prompt, faults);
    const [id] = await submitted(service.as(BOB), prompt);
    await service.as(BOB).ended(id);
    const end = { level, message, 'video.id': id, client: 'bob', model: 'hailuo-2.3', ...known };
    expect(loggedOf(id, message)).toEqual([{ ...end, after_seconds: expect.any(Number) }]);
  });

  test('one line for a cancelled video', async () => {
    const prompt = 'a parcel that was called back';
    service.sim.script(prompt, { holdAt: 'task_start' });
    const [id] = await submitted(alice, prompt);
    await (await service.sim.waitForTask(prompt)).reached('task_start');
    await alice.cancel(id);
    await alice.ended(id);
    expect(loggedOf(id, 'video cancelled')).toMatchObject([{ level: 'info', client: 'alice' }]);
  });

  test('no line of acceptance for a refused submit, but its end', async () => {
    const prompt = 'a parcel without an address';
    const refusal = { kind: 'error', code: 0, message: 'Request parameter [prompt] required' } as const;
    service.sim.script(prompt, { run: [refusal] });
    expect((await alice.submit({ prompt })).status).toBe(422);
    const failed = service.logs().filter((line) => line.includes('upstream_rejected'));
    const { 'video.id': id } = JSON.parse(failed.at(-1) ?? '{}') as { 'video.id': string };
    expect(linesOf(id).map(({ message }) => message)).toContain('video failed');
    expect(loggedOf(id, 'video accepted')).toEqual([]);
  });
});
