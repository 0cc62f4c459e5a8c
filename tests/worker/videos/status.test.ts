// A video during and after generation: the responses of the API, and the contents of KV and R2.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleSha256, storedSample } from '../support/sample.ts';
import { problem, type Service, startService } from '../support/service.ts';
import { publishedRecord, recordExpiration, storedRecord, storedVideo } from '../support/stored.ts';
import type { Video } from '../support/types.ts';

const RETENTION_SECONDS = 30 * 86_400;

/** Every stage, in the order in which a video passes them. */
const STAGES = [
  'waiting',
  'task_queue',
  'task_accept',
  'task_preprocess_start',
  'task_preprocess_end',
  'task_assign',
  'task_start',
  'task_output',
  'task_output_full',
  'task_end',
  'task_postprocess_start',
  'task_postprocess_end',
  'storing',
  'done',
];
const STATUSES = ['queued', 'in_progress', 'completed'];

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

describe('the state in KV and R2', () => {
  test('of a waiting job: a queued record', async () => {
    service.sim.script('limited', { run: [{ kind: 'status', status: 429, retryAfter: 3600 }] });
    const { id, created_at } = await service.accepted({ prompt: 'a limited boat' });
    const { record, metadata } = await publishedRecord(service, id, 'queued');
    expect(metadata).toEqual({ status: 'queued', created_at });
    expect(record).toMatchObject({ id, status: 'queued', stage: 'waiting', started_at: null });
    expect(await service.video(id)).toMatchObject({ status: 'queued', stage: 'waiting', progress: 0 });
  });

  test('of a running job: a record in progress, which is not written at every stage', async () => {
    service.sim.script('half done', { holdAt: 'task_output' });
    const { id, created_at } = await service.accepted({ prompt: 'a boat half done' });
    const first = await publishedRecord(service, id, 'in_progress');
    expect(first.metadata).toEqual({ status: 'in_progress', created_at });
    expect(first.record).toMatchObject({ id, status: 'in_progress', output: null, completed_at: null });
    await expectExpiration(id, created_at);

    await service.until(id, ({ stage }) => stage === 'task_output');
    expect(await storedRecord(service, id)).toEqual(first);
    expect(await storedVideo(service, id)).toBeUndefined();

    service.sim.release(await service.sim.waitForTask('half done'));
    expect((await service.ended(id)).status).toBe('completed');
  });

  test('of a completed video: its record and the exact bytes', async () => {
    const { id } = await service.accepted({ prompt: 'a boat to be kept', resolution: '768P', duration: 6 });
    const { urls, ...shown } = await service.ended(id);
    const { prompt, seconds, size, remixed_from_video_id, metadata: kept, ...video } = shown;
    // The size is that of the file.
    expect([prompt, seconds, size]).toEqual(['a boat to be kept', '6', '768x432']);
    expect([remixed_from_video_id, kept]).toEqual([null, {}]);
    expect(video).toMatchObject({
      ...{ id, object: 'video', model: 'hailuo-2.3', status: 'completed', stage: 'done' },
      ...{ queue_position: null, progress: 100, error: null, cost_usd: '0.28' },
      output: {
        ...{ content_type: 'video/mp4', size: storedSample.size, sha256: sampleSha256 },
        ...{ width: 768, height: 432 },
      },
    });
    const { created_at, started_at, completed_at, expires_at } = video;
    expect(started_at).toBeGreaterThanOrEqual(created_at);
    expect(completed_at).toBeGreaterThanOrEqual(started_at ?? Number.NaN);
    expect(expires_at).toBe((completed_at ?? Number.NaN) + RETENTION_SECONDS);

    expect(await storedVideo(service, id)).toEqual(storedSample);
    const object = await service.bindings.VIDEOS.head(`videos/${id}/0.mp4`);
    expect(object?.httpEtag).toBe(video.output?.etag);
    const { record, metadata } = await publishedRecord(service, id, 'completed');
    expect(metadata).toEqual({ status: 'completed', created_at });
    expect(record).toMatchObject(video);
    await expectExpiration(id, completed_at ?? Number.NaN);
    expect([urls.content, urls.download]).toEqual([
      `${urls.self}/content`,
      `${urls.self}/content?download=1`,
    ]);
    expect((await fetch(urls.self)).status).toBe(200);
  });
});

describe('over the whole life', () => {
  test('status, stage and progress only move forward, and Retry-After is set until the end', async () => {
    const prompt = 'a boat that is watched all the time';
    // Even slow reads see these.
    const stations = ['task_start', 'task_postprocess_start'];
    service.sim.script(prompt, { holdAt: stations[0]! });
    const { id } = await service.accepted({ prompt });
    const task = await service.sim.waitForTask(prompt);
    const seen: { video: Video; retryAfter: string | null }[] = [];
    do {
      if (seen.at(-1)?.video.stage === stations[0]) {
        stations.shift();
        if (stations[0]) service.sim.script(prompt, { holdAt: stations[0] });
        service.sim.release(task);
      }
      const response = await service.fetch(`/v1/videos/${id}`);
      seen.push({
        video: (await response.json()) as Video,
        retryAfter: response.headers.get('retry-after'),
      });
    } while (seen.at(-1)?.video.status === 'in_progress');

    for (const { video, retryAfter } of seen.slice(0, -1)) {
      expect(video).toMatchObject({ status: 'in_progress', output: null, error: null, completed_at: null });
      expect(retryAfter).toMatch(/^[1-9]\d*$/);
    }
    expect(seen.at(-1)).toMatchObject({ video: { status: 'completed' }, retryAfter: null });
    const videos = seen.map(({ video }) => video);
    const stages = videos.map(({ stage }) => stage);
    expect(STAGES).toEqual(expect.arrayContaining(stages));
    expect(new Set(stages).size).toBeGreaterThan(3);
    expectNeverFalling(stages.map((stage) => STAGES.indexOf(stage)));
    expectNeverFalling(videos.map(({ status }) => STATUSES.indexOf(status)));
    expectNeverFalling(videos.map(({ progress }) => progress));
  });

  test('progress does not fall if Wiro returns to an earlier status', async () => {
    const statuses = ['task_queue', 'task_output', 'task_accept', 'task_postprocess_end'];
    service.sim.script('to and fro', { task: { statuses }, holdAt: 'task_output' });
    const { id } = await service.accepted({ prompt: 'a ferry to and fro' });
    const task = await service.sim.waitForTask('to and fro');
    const ahead = await service.until(id, ({ stage }) => stage === 'task_output');
    service.sim.script('to and fro', { holdAt: 'task_accept' });
    service.sim.release(task);
    const back = await service.until(id, ({ stage }) => stage === 'task_accept');
    expect(ahead.progress).toBeGreaterThan(0);
    expect(back.status).toBe('in_progress');
    expect(back.progress).toBeGreaterThanOrEqual(ahead.progress);
    service.sim.release(task);
    expect(await service.ended(id)).toMatchObject({ status: 'completed', progress: 100 });
  });

  test.concurrent.each([
    'task_queue',
    'task_accept',
    'task_preprocess_start',
    'task_preprocess_end',
    'task_assign',
    'task_start',
    'task_output',
    'task_output_full',
    'task_end',
    'task_postprocess_start',
  ])('a job held at %s shows it, then continues', async (holdAt) => {
    const prompt = `a boat that stays at ${holdAt}.`;
    service.sim.script(prompt, { holdAt });
    const { id } = await service.accepted({ prompt });
    const held = await service.until(id, ({ stage }) => stage === holdAt);
    expect(held).toMatchObject({ status: 'in_progress', progress_source: 'estimate', output: null });
    expect(held.progress).toBeLessThan(100);
    service.sim.release(await service.sim.waitForTask(prompt));
    expect((await service.ended(id)).status).toBe('completed');
    expect(await storedVideo(service, id)).toEqual(storedSample);
  });
});

describe('the ETag of a video', () => {
  test('changes with the Video, and gives 304 while it matches', async () => {
    // The job is held and does not change.
    service.sim.script('compared', { run: [{ kind: 'status', status: 429, retryAfter: 3600 }] });
    const { id } = await service.accepted({ prompt: 'a boat that is compared' });
    const get = (tags?: string) =>
      service.fetch(`/v1/videos/${id}`, tags === undefined ? {} : { headers: { 'if-none-match': tags } });
    const etag = (await get()).headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[^"]+"$/);
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const unchanged = await get(tags);
      expect([unchanged.status, unchanged.headers.get('etag'), await unchanged.text()], tags).toEqual([
        304,
        etag,
        '',
      ]);
      expect(unchanged.headers.get('retry-after'), tags).not.toBeNull();
    }
    expect((await get('"other"')).status).toBe(200);

    expect((await service.cancel(id)).status).toBe(200);
    const changed = await get(etag);
    expect(changed.status).toBe(200);
    const final = await get(changed.headers.get('etag') ?? '');
    expect([final.status, final.headers.get('retry-after')]).toEqual([304, null]);
  });
});

test.each([
  ['short', 'vid_a'],
  ['as long as a real one', `vid_${'a'.repeat(40)}`],
  ['of another kind', 'file_2dzyuhay3cikmlz2dpg6dl3rs63nbbf3vel4i63n'],
])('an invalid id (%s) is 404 and starts no object', async (_, id) => {
  const before = await service.objectIds();
  const response = await service.fetch(`/v1/videos/${id}`);
  const { status, code, request_id } = await problem(response);
  expect([response.status, status, code]).toEqual([404, 404, 'not_found']);
  expect(request_id).toBe(response.headers.get('x-request-id'));
  expect((await service.objectIds()).toSorted()).toEqual(before.toSorted());
});

/** The record expires in KV a retention period after it was written, which was between `since` and now. */
async function expectExpiration(id: string, since: number): Promise<void> {
  const expiration = await recordExpiration(service, id);
  expect(expiration).toBeGreaterThanOrEqual(since + RETENTION_SECONDS);
  expect(expiration).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000) + RETENTION_SECONDS);
}

function expectNeverFalling(values: number[]): void {
  expect(values).toEqual(values.toSorted((a, b) => a - b));
}
