// The machine dies in the middle of a job, without a warning: after the restart the job goes on, and Run is not sent twice.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Faults, SimTask } from '../../sim/index.ts';
import { type DirectService, startDirect } from './direct.ts';
import { storedSample } from './sample.ts';
import { publishedRecord, storedVideo } from './stored.ts';
import { callsAbout, runsOf } from './upstream-calls.ts';

/** Work that was under way is looked at again after 10 s. */
const COMEBACK_MS = 20_000;
const TIMEOUT_MS = 60_000;

let service: DirectService;
beforeAll(async () => {
  service = await startDirect();
});
afterAll(() => service.close());

async function restart(whileDown: () => unknown = () => {}): Promise<void> {
  await service.dev.kill('SIGKILL');
  await whileDown();
  await service.dev.start();
}

async function submitted(prompt: string, faults: Faults): Promise<{ id: string; task: SimTask }> {
  service.sim.script(prompt, faults);
  const { id } = await service.accepted({ prompt });
  return { id, task: await service.sim.waitForTask(prompt) };
}

async function expectCompleted(id: string, prompt: string): Promise<void> {
  const video = await service.ended(id, COMEBACK_MS);
  expect(video).toMatchObject({ status: 'completed', cost_usd: '0.28', output: { size: storedSample.size } });
  expect(await storedVideo(service, id)).toEqual(storedSample);
  expect((await publishedRecord(service, id, 'completed')).metadata?.status).toBe('completed');
  expect(runsOf(service.sim, prompt)).toHaveLength(1);
}

test.each(['task_queue', 'task_output', 'task_postprocess_start'])(
  'killed while the task is at %s, it ending only afterwards',
  { timeout: TIMEOUT_MS },
  async (holdAt) => {
    const prompt = `a boat that sinks at ${holdAt}`;
    const { id, task } = await submitted(prompt, { holdAt });
    await service.until(id, ({ stage }) => stage === holdAt);
    await restart();
    expect(await service.video(id)).toMatchObject({ status: 'in_progress', stage: holdAt });
    service.sim.release(task);
    await expectCompleted(id, prompt);
  },
);

test('killed, and the callback finds nobody', { timeout: TIMEOUT_MS }, async () => {
  const prompt = 'a boat that arrives while nobody is there';
  const { id, task } = await submitted(prompt, { holdAt: 'task_output' });
  await service.until(id, ({ stage }) => stage === 'task_output');
  await restart(async () => {
    service.sim.release(task);
    expect(await task.calledBack(3)).toMatchObject({ status: null });
  });
  await expectCompleted(id, prompt);
});

test('killed in the middle of the copy', { timeout: TIMEOUT_MS }, async () => {
  const prompt = 'a boat that sinks on its way to the shelf';
  const { id, task } = await submitted(prompt, { cdn: [{ kind: 'hang' }] });
  await service.until(id, ({ stage }) => stage === 'storing');
  while (callsAbout(service.sim, task, '/cdn/').length === 0) {
    await service.sim.waitForCall('/cdn/', service.sim.callsTo('/cdn/').length + 1);
  }
  expect(await storedVideo(service, id)).toBeUndefined();
  await restart();
  expect(await service.video(id)).toMatchObject({ status: 'in_progress', stage: 'storing', output: null });
  await expectCompleted(id, prompt);
  expect(callsAbout(service.sim, task, '/cdn/')).toHaveLength(2);
});

test('killed while Run is on its way: it is not sent again', { timeout: TIMEOUT_MS }, async () => {
  const prompt = 'a boat that sinks before it was heard of';
  service.sim.script(prompt, { run: [{ kind: 'lost', how: 'hang' }], callback: { lost: true } });
  const lost = service.submit({ prompt }).catch((error: Error) => error);
  const task = await service.sim.waitForTask(prompt);
  await restart();
  expect(await lost).toBeInstanceOf(Error);
  // `/hooks/wiro/{id}/{proof}`: the answer that would have told the id was lost with the machine.
  const id = new URL(task.callbackUrl).pathname.split('/')[3] ?? '';
  const video = await service.until(id, ({ started_at }) => started_at !== null, COMEBACK_MS);
  expect(video).toMatchObject({ status: 'in_progress', error: null });
  expect(runsOf(service.sim, prompt)).toHaveLength(1);
});

test('killed after the end: everything is still there', { timeout: TIMEOUT_MS }, async () => {
  const { id } = await service.accepted({ prompt: 'a boat safe on the shelf' });
  const before = await service.ended(id);
  await publishedRecord(service, id, 'completed');
  await restart();
  expect(await service.video(id)).toEqual(before);
  const content = await service.fetch(`/v1/videos/${id}/content`);
  expect((await content.arrayBuffer()).byteLength).toBe(storedSample.size);
});
