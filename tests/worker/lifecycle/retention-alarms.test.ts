// Videos remove themselves at the end of their retention, without the cron trigger; the sweep removes those that have lost
// their alarm. VIDEOS=10000 makes as many of them.
import { afterEach, expect, test } from 'vitest';
import { inParallel } from '../../../scripts/soak/parallel.ts';
import { type DirectService, startDirect } from '../support/direct.ts';
import type { Video } from '../support/types.ts';
import { dispatcherRows, loseAlarms, queueEnded, storedValues } from './object-databases.ts';

const VIDEOS = Number(process.env.VIDEOS ?? 24);
/** Of every eight videos one fails. */
const FAILING = 8;
const CONNECTIONS = 32;
const TIMEOUT = 180_000 + VIDEOS * 300;

const CLIENT = { authorization: 'Bearer a-token-of-24-characters' };
const HOUR_SECONDS = 3600;

let service: DirectService;
afterEach(() => service.close());

async function makeVideos(retentionSeconds: number): Promise<Video[]> {
  service = await startDirect({
    vars: { RETENTION_DAYS: (retentionSeconds / 86_400).toFixed(6), POLL_SECONDS: '600' },
    secrets: { CLIENT_TOKENS: JSON.stringify({ alice: 'a-token-of-24-characters' }) },
  });
  service.sim.script('failing', { task: { pexit: '1' } });
  const prompts = Array.from({ length: VIDEOS }, (_, index) =>
    index % FAILING === 0 ? `a failing kite ${index}` : `a kite ${index}`,
  );
  const videos = await inParallel(prompts, CONNECTIONS, async (prompt) => {
    const answer = await service.fetch('/v1/videos', {
      method: 'POST',
      headers: { ...CLIENT, 'content-type': 'application/json' },
      body: JSON.stringify({ prompt }),
    });
    expect(answer.status).toBe(202);
    const { id } = (await answer.json()) as Video;
    return await ended(id);
  });
  expect(videos.filter(({ status }) => status === 'failed')).toHaveLength(Math.ceil(VIDEOS / FAILING));
  return videos;
}

async function ended(id: string): Promise<Video> {
  for (;;) {
    const headers = { ...CLIENT, prefer: 'wait=30' };
    const answer = await service.fetch(`/v1/videos/${id}`, { headers });
    const video = (await answer.json()) as Video;
    if (video.completed_at) return video;
  }
}

/** What is left of all videos, counted. */
async function left() {
  const { TASKS, VIDEOS: files } = service.bindings;
  const list = await service.fetch('/v1/videos?limit=1', { headers: CLIENT });
  return {
    records: (await TASKS.list({ prefix: 'video:' })).keys.length,
    'entries in KV': (await TASKS.list({ prefix: 'owner:' })).keys.length,
    files: (await files.list()).objects.length,
    listed: ((await list.json()) as { data: Video[] }).data.length,
    ...dispatcherRows(service, ['jobs', 'ended', 'owned']),
  };
}

const NOTHING = { records: 0, 'entries in KV': 0, files: 0, listed: 0, jobs: 0, ended: 0, owned: 0 };

/** Only the tombstones are left in the objects. */
function expectTombstones(): void {
  const values = storedValues(service);
  expect(values.filter((key) => key === 'task')).toEqual([]);
  expect(values.filter((key) => key === 'tombstone')).toHaveLength(VIDEOS);
}

test('videos remove themselves without the cron trigger', { timeout: TIMEOUT }, async () => {
  await makeVideos(5);
  await expect.poll(left, { timeout: 60_000 + VIDEOS * 150, interval: 500 }).toEqual(NOTHING);
  await whileDown(expectTombstones);
});

test('the sweep removes expired videos that have lost their alarm', { timeout: TIMEOUT }, async () => {
  const videos = await makeVideos(HOUR_SECONDS);
  await whileDown(() => loseAlarms(service, 'VideoTask'));
  expect(dispatcherRows(service, ['jobs', 'ended'])).toEqual({ jobs: 0, ended: VIDEOS });
  await expectSwept(videos);
});

test('videos that ended under an earlier version are removed, although they have no alarm', {
  timeout: TIMEOUT,
}, async () => {
  const videos = await makeVideos(HOUR_SECONDS);
  const checked = VIDEOS / 2;
  await whileDown(() => {
    loseAlarms(service, 'VideoTask');
    // It checked a video ten minutes after its end, and again at its expiry.
    queueEnded(service, checked);
  });
  expect(dispatcherRows(service, ['jobs', 'ended'])).toEqual({ jobs: VIDEOS, ended: 0 });
  await service.sweep(Math.floor(Date.now() / 1000));
  expect(dispatcherRows(service, ['jobs', 'ended'])).toEqual({ jobs: checked, ended: VIDEOS - checked });
  await expectSwept(videos);
});

async function whileDown(change: () => void): Promise<void> {
  await service.dev.kill('SIGKILL');
  change();
  await service.dev.start();
}

/** A sweep asks at most 10,000 videos of each table. */
async function expectSwept(videos: Video[]): Promise<void> {
  const expiry = Math.max(...videos.map(({ expires_at }) => expires_at!));
  await service.sweep(expiry + HOUR_SECONDS);
  await expect.poll(left, { timeout: 60_000 + VIDEOS * 50, interval: 500 }).toEqual(NOTHING);
  await whileDown(expectTombstones);
}
