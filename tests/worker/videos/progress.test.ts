// The percentage between two stages: it rises with time for readers and subscribers, based on recent durations, and
// never falls.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { watch } from '../support/event-source.ts';
import { type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';

/** Of 60 simulated seconds each job takes six. */
const SPEED = 10;

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: SPEED } });
});
afterAll(() => service.close());

/** At work, until it is released; its socket tells no percentages. */
async function held(service: Service, prompt: string): Promise<Video> {
  service.sim.script(prompt, { holdAt: 'task_output', socket: 'noPercent' });
  const { id } = await service.accepted({ prompt });
  return service.until(id, ({ stage }) => stage === 'task_output');
}

async function release(service: Service, prompt: string, id: string): Promise<void> {
  service.sim.release(await service.sim.waitForTask(prompt));
  expect(await service.ended(id)).toMatchObject({ status: 'completed', progress: 100 });
}

/** Percent that a video was wrong by while it was made, on average. */
async function meanError(prompt: string): Promise<number> {
  const start = performance.now();
  const { id } = await service.accepted({ prompt, resolution: '1080P' });
  const seen: { at: number; progress: number }[] = [];
  await service.until(id, ({ status, progress, progress_source }) => {
    const isOver = status === 'completed';
    if (!isOver) expect([progress <= 99, progress_source]).toEqual([true, 'estimate']);
    seen.push({ at: performance.now() - start, progress });
    return isOver;
  });
  const progress = seen.map((sight) => sight.progress);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  const end = seen.at(-1)?.at ?? Number.NaN;
  const errors = seen.map(({ at, progress }) => Math.abs(progress - (100 * at) / end));
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
}

test('progress rises between two reads in the same stage', async () => {
  const prompt = 'a snail on its way';
  const { id, progress, progress_source } = await held(service, prompt);
  expect(progress_source).toBe('estimate');
  const later = await service.until(id, (video) => video.progress > progress);
  expect(later).toMatchObject({ stage: 'task_output', progress_source: 'estimate' });
  await release(service, prompt, id);
});

test('a subscriber gets one event per percent within one stage', async () => {
  // Wiro's socket reaches the Worker only there.
  const direct = await startService({ sim: { speed: SPEED } });
  try {
    const prompt = 'a snail that is watched';
    const { id } = await held(direct, prompt);
    const seen = await watch(direct, id);
    const progress = () =>
      seen.events.filter(({ data }) => data.stage === 'task_output').map(({ data }) => data.progress);
    await vi.waitUntil(() => progress().length > 3, 30_000);
    expect(progress()).toEqual([...new Set(progress())].toSorted((a, b) => a - b));
    await release(direct, prompt, id);
    await seen.ended;
  } finally {
    await direct.close();
  }
});

test('the second video of a kind uses the duration of the first one', async () => {
  const first = await meanError('a snail that nobody knows');
  await service.evictDispatcher();
  const second = await meanError('a snail like the one before');
  console.info(`wrong by ${first.toFixed(1)} % at first, by ${second.toFixed(1)} % with what was learned`);
  expect(second).toBeLessThan(first / 2);
});

test('an evicted object continues from the last progress', async () => {
  // No message is pending while the object is evicted.
  const quiet = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: SPEED } });
  try {
    quiet.sim.script('a snail put aside', { holdAt: 'task_queue' });
    const { id, progress } = await quiet.accepted({ prompt: 'a snail put aside' });
    const shown = await quiet.until(id, (video) => video.progress > progress);
    await quiet.evict(id);
    const evicted = await quiet.video(id);
    expect(evicted.progress).toBeGreaterThanOrEqual(shown.progress);
    const later = await quiet.until(id, (video) => video.progress > evicted.progress);
    expect(later.stage).toBe('task_queue');
    quiet.sim.release(await quiet.sim.waitForTask('a snail put aside'));
    expect(await quiet.ended(id)).toMatchObject({ status: 'completed', progress: 100 });
  } finally {
    await quiet.close();
  }
});
