// The runtime evicts idle objects from memory. Their state is in storage, so they continue. (An eviction never happens
// during an alarm; restart.test.ts covers crashes.)
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Faults } from '../../../sim/index.ts';
import { expectMadeOnce, type Job } from '../support/job.ts';
import { imageSha256, submitWithImage } from '../support/requests/image-submit.ts';
import { type Service, startService } from '../support/service.ts';
import { storedVideo } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { mostAtOnce, positions, submittedInLine } from '../upstream/line.ts';

/** A whole life at Wiro in a tenth of a second. */
const SPEED = 600;

/** Only a search can find it. */
const RUN_LOST: Faults = { run: [{ kind: 'lost', how: 'status' }], callback: { lost: true } };

let service: Service;

describe('a VideoTask object is evicted when', () => {
  beforeAll(async () => {
    // Delays that are long enough for an eviction.
    const vars = { POLL_SECONDS: '2', SEARCH_SECONDS: '2', RETRY_SECONDS: '2' };
    service = await startService({ vars, sim: { speed: SPEED } });
  });
  afterAll(() => service.close());

  type Step = [when: string, reach: (prompt: string) => Promise<Job>];
  const steps: Step[] = [
    ['the answer to its Run was lost', (prompt) => submitted(prompt, RUN_LOST)],
    ['the answer to its Run with an image was lost', runWithImageLost],
    // There may be work left then, or not.
    ...[1, 2, 3].map((time): Step => [`its Run was answered just now, ${time} of 3`, held]),
    ['it was called back just now', calledBack],
    ['its copy failed and is to be tried again', copyFailed],
    ['its copy lies in R2 just now', copied],
  ];
  test.each(steps)('%s', async (when, reach) => {
    const job = await reach(`A ship evicted when ${when}.`);
    await service.evict(job.id);
    service.sim.release(await service.sim.waitForTask(job.prompt));
    await expectMadeOnce(service, job);
  });

  async function submitted(prompt: string, faults: Faults = {}): Promise<Job> {
    service.sim.script(prompt, faults);
    return { id: (await service.accepted({ prompt })).id, prompt };
  }

  async function runWithImageLost(prompt: string): Promise<Job> {
    service.sim.script(prompt, RUN_LOST);
    const { id } = (await (await submitWithImage(service, prompt)).json()) as Video;
    return { id, prompt, imageSha256 };
  }

  function held(prompt: string): Promise<Job> {
    return submitted(prompt, { holdAt: 'task_start' });
  }

  /** The check that this causes is due a second after the one before. */
  async function calledBack(prompt: string): Promise<Job> {
    const job = await held(prompt);
    await service.until(job.id, ({ stage }) => stage === 'task_start');
    const task = await service.sim.waitForTask(prompt);
    service.sim.release(task);
    expect(await task.calledBack()).toMatchObject({ status: 200 });
    return job;
  }

  async function copyFailed(prompt: string): Promise<Job> {
    const job = await submitted(prompt, { cdn: [{ kind: 'short' }] });
    const isLogged = (line: string) => line.includes(job.id) && line.includes('copying the video failed');
    await vi.waitUntil(() => service.logs().some(isLogged), { timeout: 30_000 });
    return job;
  }

  async function copied(prompt: string): Promise<Job> {
    const job = await submitted(prompt);
    await vi.waitUntil(() => storedVideo(service, job.id), { timeout: 30_000, interval: 1 });
    return job;
  }
});

test('evicting the dispatcher and queued jobs at each step loses nothing', async () => {
  const service = await startService({ vars: { MAX_ACTIVE: '1' }, sim: { speed: SPEED } });
  try {
    service.sim.script('', { holdAt: 'task_start' });
    const jobs = await submittedInLine(service, 6);
    for (const [turn, job] of jobs.entries()) {
      const task = await service.sim.waitForTask(job.prompt);
      await task.reached('task_start');
      const waiting = jobs.slice(turn + 1);
      expect(await positions(service, waiting)).toEqual(waiting.map((_, index) => index + 1));
      await service.evictDispatcher();
      for (const { id } of waiting) await service.evict(id);
      service.sim.release(task);
      await expectMadeOnce(service, job);
    }
    expect(service.sim.tasks.map(({ prompt }) => prompt)).toEqual(jobs.map(({ prompt }) => prompt));
    expect(mostAtOnce(service.sim.tasks)).toBe(1);
  } finally {
    await service.close();
  }
});
