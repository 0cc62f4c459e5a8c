// The steps of a job at which a machine may crash. Each function brings a job to its step.
import { expect, vi } from 'vitest';
import type { Faults, SimTask } from '../../../sim/index.ts';
import type { DirectService } from '../support/direct.ts';
import { idOf, type Job } from '../support/job.ts';
import { imageSha256, submitWithImage } from '../support/requests/image-submit.ts';
import { onlyRun } from '../support/runs.ts';
import { sampleBytes } from '../support/sample.ts';
import { publishedRecord, storedRecord, storedVideo } from '../support/stored.ts';
import { checked, outputFetched } from '../support/upstream-calls.ts';
import { startOutage } from './storage-outage.ts';

/** A job at its step, and what the world does meanwhile. */
export interface Halted extends Job {
  whileDown?: () => unknown;
  whenUp?: () => unknown;
}

type Step = (service: DirectService, prompt: string) => Promise<Halted>;

/** The last but one takes KV away from everybody, the last one stops the Worker. */
export const STEPS: [string, Step][] = [
  ['Run sent, not answered', runSent],
  ['Run sent with an image, not answered', runWithImageSent],
  ['at work upstream', atWork],
  ['at work upstream, its callback finding nobody', unheard],
  ['called back, the check after it not answered', calledBack],
  ['copied half way', halfCopied],
  ['record written', published],
  ['copied, record not written', unpublished],
  ['Run answered, the answer not heard', runAnswered],
];

const HALF = Math.floor(sampleBytes.length / 2);

/** Nothing but Task/List can tell afterwards that it was made. */
const UNHEARD: Faults = { callback: { lost: true } };

export async function runSent(service: DirectService, prompt: string): Promise<Halted> {
  service.sim.script(prompt, { ...UNHEARD, run: [{ kind: 'lost', how: 'hang' }] });
  dyingWithTheWorker(service.submit({ prompt }));
  return { id: idOf(await service.sim.waitForTask(prompt)), prompt };
}

async function runWithImageSent(service: DirectService, prompt: string): Promise<Halted> {
  service.sim.script(prompt, { ...UNHEARD, run: [{ kind: 'lost', how: 'hang' }] });
  dyingWithTheWorker(submitWithImage(service, prompt));
  return { id: idOf(await service.sim.waitForTask(prompt)), prompt, imageSha256 };
}

/** Its end is seen without a callback. */
async function atWork(service: DirectService, prompt: string): Promise<Halted> {
  const { task, ...job } = await checkedOnce(service, prompt, UNHEARD);
  const whenUp = async () => {
    const video = await service.until(job.id, ({ stage }) => stage === 'task_start');
    expect(video.status).toBe('in_progress');
    service.sim.release(task);
  };
  return { ...job, whenUp };
}

async function unheard(service: DirectService, prompt: string): Promise<Halted> {
  const { task, ...job } = await checkedOnce(service, prompt);
  const whileDown = async () => {
    service.sim.release(task);
    expect(await task.calledBack(3)).toMatchObject({ status: null });
  };
  return { ...job, whileDown };
}

async function calledBack(service: DirectService, prompt: string): Promise<Halted> {
  const { task, ...job } = await checkedOnce(service, prompt);
  service.sim.script(prompt, { detail: [{ kind: 'hang' }] });
  service.sim.release(task);
  expect(await task.calledBack()).toMatchObject({ status: 200 });
  await checked(service.sim, task, 2);
  return job;
}

async function halfCopied(service: DirectService, prompt: string): Promise<Halted> {
  service.sim.script(prompt, { cdn: [{ kind: 'hang', bytes: HALF }] });
  const { id } = await service.accepted({ prompt });
  await outputFetched(service.sim, await service.sim.waitForTask(prompt), 1);
  expect(await storedVideo(service, id)).toBeUndefined();
  return { id, prompt };
}

async function published(service: DirectService, prompt: string): Promise<Halted> {
  const { id } = await service.accepted({ prompt });
  const video = await service.ended(id);
  await publishedRecord(service, id, 'completed');
  return { id, prompt, whenUp: async () => expect(await service.video(id)).toEqual(video) };
}

async function unpublished(service: DirectService, prompt: string): Promise<Halted> {
  const { task, ...job } = await checkedOnce(service, prompt);
  await publishedRecord(service, job.id, 'in_progress');
  const outage = startOutage(service, 'kv');
  service.sim.release(task);
  await service.ended(job.id);
  const whileDown = async () => {
    outage.end();
    expect((await storedRecord(service, job.id))?.record.status).toBe('in_progress');
  };
  return { ...job, whileDown };
}

/** The Worker stops in the moment in which Run arrives, and dies with the answer on the wire. */
async function runAnswered(service: DirectService, prompt: string): Promise<Halted> {
  service.sim.script(prompt, UNHEARD);
  dyingWithTheWorker(service.submit({ prompt }));
  const task = await service.sim.waitForTask(prompt);
  service.dev.freeze();
  const run = onlyRun(service.sim, prompt);
  expect(run.status).toBe(0);
  await vi.waitUntil(() => run.status === 200, 30_000);
  return { id: idOf(task), prompt };
}

/** A job that is held upstream and known to be there. */
async function checkedOnce(
  service: DirectService,
  prompt: string,
  faults: Faults = {},
): Promise<Job & { task: SimTask }> {
  service.sim.script(prompt, { ...faults, holdAt: 'task_start' });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  await checked(service.sim, task, 1);
  return { id, prompt, task };
}

/** The client waits for the answer to its first Run. */
function dyingWithTheWorker(submit: Promise<Response>): void {
  submit.catch(() => {});
}
