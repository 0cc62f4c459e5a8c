// Above MAX_ACTIVE, or the limit of Wiro's account, jobs are queued: first come, first served. Checks and retries are a
// minute apart here, so earlier events were caused by a free slot.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimTask } from '../../../sim/index.ts';
import { type Service, type ServiceOptions, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';
import { runsOf } from '../support/upstream-calls.ts';
import { mostAtOnce } from './line.ts';

const PLACES = 3;
const JOBS = 30;
const PATIENT = { POLL_SECONDS: '60', RETRY_SECONDS: '60' };

const limits: [string, ServiceOptions][] = [
  ['MAX_ACTIVE', { vars: { ...PATIENT, MAX_ACTIVE: String(PLACES) } }],
  ['code 96 of Wiro', { vars: PATIENT, sim: { maxActive: PLACES } }],
];

describe.each(limits)('%s', (_, options) => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ ...options, sim: { ...options.sim, speed: 6000 } });
    service.sim.script('', { holdAt: 'task_start' });
  });
  afterAll(() => service.close());

  /** Submits one after another. */
  async function submitted(what: string, count: number): Promise<Video[]> {
    const videos: Video[] = [];
    for (let index = 0; index < count; index += 1) {
      videos.push(await service.accepted({ prompt: `${what} ${index}.` }));
    }
    return videos;
  }

  async function positions(videos: Video[]): Promise<(number | null)[]> {
    const seen = await Promise.all(videos.map(({ id }) => service.video(id)));
    for (const { status, stage, queue_position } of seen) {
      if (queue_position !== null) expect([status, stage]).toEqual(['queued', 'waiting']);
    }
    return seen.map(({ queue_position }) => queue_position);
  }

  function taskOf(video: Video): Promise<SimTask> {
    return service.sim.waitForTask(video.input.prompt);
  }

  async function finish(video: Video): Promise<void> {
    const task = await taskOf(video);
    await task.reached('task_start');
    service.sim.release(task);
    expect(await service.ended(video.id)).toMatchObject({ status: 'completed', queue_position: null });
  }

  test('thirty jobs run three at a time, in order, and know their position', async () => {
    const videos = await submitted('penguin', JOBS);
    expect(videos.map(({ queue_position }) => queue_position)).toEqual(
      videos.map((_, index) => (index < PLACES ? null : index - PLACES + 1)),
    );
    for (let done = 0; done < JOBS; done += 1) {
      const waiting = videos.slice(done + PLACES);
      // A job that asks for a slot has no position at that moment.
      await expect.poll(() => positions(waiting)).toEqual(waiting.map((_, index) => index + 1));
      const unfinished = service.sim.tasks.filter(({ ended }) => !ended);
      expect(unfinished).toHaveLength(Math.min(PLACES, JOBS - done));
      await finish(videos[done]!);
      const next = videos[done + PLACES];
      if (next) await taskOf(next);
    }
    const started = service.sim.tasks.map(({ prompt }) => prompt);
    expect(started).toEqual(videos.map(({ input }) => input.prompt));
    expect(mostAtOnce(service.sim.tasks)).toBe(PLACES);
  });

  test('a queued job can be cancelled, and those after it move up', async () => {
    const videos = await submitted('seal', PLACES + 4);
    const [cancelled, ...behind] = videos.slice(PLACES + 1);
    const answer = await service.cancel(cancelled!.id);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ status: 'cancelled', stage: 'done', queue_position: null });
    // The dispatcher learns of it shortly afterwards.
    await expect.poll(() => positions([videos[PLACES]!, ...behind])).toEqual([1, 2, 3]);
    for (const video of [...videos.slice(0, PLACES + 1), ...behind]) await finish(video);
    expect(runsOf(service.sim, cancelled!.input.prompt)).toEqual([]);
    expect(await service.video(cancelled!.id)).toMatchObject({ status: 'cancelled' });
  });

  test('a job that fails or is cancelled at Wiro frees its slot', async () => {
    const videos = await submitted('walrus', PLACES + 2);
    const [failing, stopped, ...others] = videos;
    service.sim.script(failing!.input.prompt, { task: { pexit: '1' } });
    const failed = await taskOf(failing!);
    await failed.reached('task_start');
    service.sim.release(failed);
    await taskOf(videos[PLACES]!);
    expect(await service.ended(failing!.id)).toMatchObject({ error: { code: 'generation_failed' } });
    expect((await service.cancel(stopped!.id)).status).toBe(200);
    await taskOf(videos[PLACES + 1]!);
    expect(await service.ended(stopped!.id)).toMatchObject({ status: 'cancelled' });
    for (const video of others) await finish(video);
  });
});

describe('code 96 although we have no running job', () => {
  test('is retried with growing delays, for the first in the queue only', async () => {
    const service = await startService({ vars: { RETRY_SECONDS: '0.2,0.4' } });
    try {
      const full = {
        kind: 'error',
        code: 96,
        message: 'Concurrent task limit reached for your balance',
      } as const;
      service.sim.script('', { run: Array(4).fill(full) });
      const videos = await Promise.all(
        ['first', 'second', 'third'].map((prompt) =>
          service.accepted({ prompt: `${prompt} of the penguins` }),
        ),
      );
      for (const { id } of videos) {
        expect(await service.ended(id)).toMatchObject({ status: 'completed', error: null });
      }
      expect(service.sim.tasks).toHaveLength(3);
      expect(service.sim.callsTo('/Run/').filter(({ task }) => !task)).toHaveLength(4);
    } finally {
      await service.close();
    }
  });
});
