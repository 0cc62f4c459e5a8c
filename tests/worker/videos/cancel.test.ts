// A video can be cancelled at any stage; Task/Detail decides how it ends.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimTask } from '../../../sim/index.ts';
import { expectProblem } from '../support/refusals.ts';
import { storedSample } from '../support/sample.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord, storedVideo } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { callsAbout, runsOf } from '../support/upstream-calls.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '60' } });
});
afterAll(() => service.close());

async function heldAt(stage: string, prompt: string): Promise<{ id: string; task: SimTask }> {
  service.sim.script(prompt, { holdAt: stage });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  await task.reached(stage);
  return { id, task };
}

async function cancelled(id: string): Promise<Video> {
  const answer = await service.cancel(id);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Video;
}

const stops = (task: SimTask) =>
  [...callsAbout(service.sim, task, '/Task/Cancel'), ...callsAbout(service.sim, task, '/Task/Kill')]
    .sort((a, b) => a.at - b.at)
    .map(({ path }) => path.replace('/v1/Task/', ''));

describe.concurrent('a job at Wiro', () => {
  test('in the queue is cancelled', async () => {
    const { id, task } = await heldAt('task_queue', 'an idea that is dropped early');
    expect(await cancelled(id)).toMatchObject({
      status: 'cancelled',
      stage: 'done',
      error: null,
      output: null,
    });
    expect([task.status, stops(task)]).toEqual(['task_cancel', ['Cancel']]);
    expect((await publishedRecord(service, id, 'cancelled')).record.completed_at).toEqual(expect.any(Number));
  });

  test('on a worker is killed, or cancelled if the kill is refused', async () => {
    const { id, task } = await heldAt('task_start', 'an idea that is dropped late');
    // The Worker has not checked since Run, so it assumes that the job is still queued.
    expect(await cancelled(id)).toMatchObject({ status: 'cancelled' });
    expect([task.status, stops(task)]).toEqual(['task_cancel', ['Cancel', 'Kill']]);
  });

  test('that does not stop is asked again until it does', async () => {
    const prompt = 'an idea that is hard to drop';
    const refusal = { kind: 'error', code: 1, message: 'Task is not cancellable' } as const;
    service.sim.script(prompt, { cancel: [refusal, refusal], kill: [refusal, refusal] });
    const { id, task } = await heldAt('task_start', prompt);
    expect(await cancelled(id)).toMatchObject({ status: 'cancelled' });
    expect(stops(task).length).toBeGreaterThanOrEqual(5);
  });

  test('that finishes first is kept', async () => {
    const prompt = 'an idea that is finished after all';
    const refusal = { kind: 'error', code: 1, message: 'Task is not cancellable' } as const;
    // There was no callback: the cancel itself finds the job finished.
    const callback = { lost: true };
    service.sim.script(prompt, { cancel: Array(9).fill(refusal), kill: Array(9).fill(refusal), callback });
    const { id, task } = await heldAt('task_postprocess_start', prompt);
    service.sim.release(task);
    await task.reached('task_postprocess_end');
    await cancelled(id);
    expect(await service.ended(id)).toMatchObject({ status: 'completed', error: null });
    expect(await storedVideo(service, id)).toEqual(storedSample);
  });
});

test('a job whose Run had no answer is stopped when it is found', async () => {
  const prompt = 'an idea that nobody heard of';
  service.sim.script(prompt, { run: [{ kind: 'lost', how: 'status' }], holdAt: 'task_start' });
  const { id } = await service.accepted({ prompt });
  const answer = service.cancel(id);
  const task = await service.sim.waitForTask(prompt);
  expect(await (await answer).json()).toMatchObject({
    status: expect.stringMatching(/in_progress|cancelled/),
  });
  await service.fetch(new URL(task.callbackUrl).pathname, { method: 'POST' });
  expect(await service.ended(id)).toMatchObject({ status: 'cancelled' });
  expect(task.status).toBe('task_cancel');
});

test('a cancel before Run sends nothing', async () => {
  const prompt = 'an idea that never got anywhere';
  service.sim.script(prompt, { run: [{ kind: 'status', status: 429, retryAfter: 3600 }] });
  const { id } = await service.accepted({ prompt });
  expect(await cancelled(id)).toMatchObject({ status: 'cancelled', started_at: null });
  expect(runsOf(service.sim, prompt)).toHaveLength(1);
});

test('a second cancel is 200, a cancel after the end is 409', async () => {
  const { id } = await heldAt('task_queue', 'an idea dropped twice');
  const [first, second] = await Promise.all([cancelled(id), cancelled(id)]);
  expect(second).toEqual(first);
  expect(await cancelled(id)).toEqual(first);

  const done = await service.accepted({ prompt: 'an idea that became a video' });
  const task = await service.sim.waitForTask('an idea that became');
  await task.calledBack();
  await service.ended(done.id);
  await expectProblem(await service.cancel(done.id), [409, 'already_finished']);
  expect(await service.video(done.id)).toMatchObject({ status: 'completed' });
});

test('a cancel of an unknown video is 404', async () => {
  await expectProblem(await service.cancel(`vid_${'a'.repeat(40)}`), [404, 'not_found']);
  const get = await service.fetch(`/v1/videos/vid_${'a'.repeat(40)}/cancel`);
  await expectProblem(get, [405, 'method_not_allowed']);
});
