// Attacks with a known callback URL, including its proof: repeated, in reverse order, a thousand times a second, about
// another job. The job ends as Task/Detail says, and is paid once.
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SimTask } from '../../../sim/index.ts';
import { expectMadeOnce } from '../support/job.ts';
import { type Service, startService } from '../support/service.ts';
import { isVideoStored, publishedRecord, storedRecord } from '../support/stored.ts';
import { checked, detailCalls } from '../support/upstream-calls.ts';
import { AttackTable } from './attacks.ts';

const table = new AttackTable();
let service: Service;
beforeAll(async () => {
  // Only a callback can cause a check in time.
  service = await startService({ vars: { POLL_SECONDS: '3600', RETRY_SECONDS: '1' } });
});
afterAll(async () => {
  table.print();
  await service.close();
});

/** Not by way of `service.fetch`: the URL holds the proof, which the search for secrets would find. */
const callBack = (url: string, body: string) => fetch(url, { method: 'POST', body });

const claim = ({ id }: SimTask, status: string) =>
  JSON.stringify({
    result: true,
    tasklist: [
      { id, status, pexit: '0', totalcost: '9.99', outputs: [{ url: 'https://evil.example/0.mp4' }] },
    ],
  });

/** A video whose task stays at `task_start`. */
async function held(prompt: string): Promise<{ id: string; task: SimTask }> {
  service.sim.script(prompt, { holdAt: 'task_start' });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  await task.reached('task_start');
  return { id, task };
}

test('a callback that is replayed after the end causes no check and no change', async () => {
  const prompt = 'a bell that is rung again and again';
  const { id } = await service.accepted({ prompt });
  await service.ended(id);
  const { text } = await publishedRecord(service, id, 'completed');
  const task = await service.sim.waitForTask(prompt);
  await task.calledBack();
  const calls = service.sim.calls.length;
  const bodies = [
    '',
    claim(task, 'task_postprocess_end'),
    claim(task, 'task_cancel'),
    claim(task, 'task_queue'),
  ];
  for (const body of Array.from({ length: 10 }, () => bodies).flat()) {
    expect((await callBack(task.callbackUrl, body)).status).toBe(200);
  }
  expect(await service.video(id)).toMatchObject({ status: 'completed', cost_usd: '0.28' });
  expect((await storedRecord(service, id))?.text).toBe(text);
  expect(service.sim.calls).toHaveLength(calls);
  table.add('a callback replayed 40 times', '200, no call to Wiro');
});

test('a callback that is replayed after a deletion does not bring the video back', async () => {
  const prompt = 'a bell whose tower was torn down';
  const { id } = await service.accepted({ prompt });
  await service.ended(id);
  await publishedRecord(service, id, 'completed');
  const task = await service.sim.waitForTask(prompt);
  await task.calledBack();
  expect((await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
  await expect.poll(() => isVideoStored(service, id), { timeout: 30_000 }).toBe(false);
  const calls = service.sim.calls.length;
  for (const status of ['task_postprocess_end', 'task_start']) {
    expect((await callBack(task.callbackUrl, claim(task, status))).status).toBe(200);
  }
  expect((await service.fetch(`/v1/videos/${id}`)).status).toBe(404);
  expect(await storedRecord(service, id)).toBeUndefined();
  expect(service.sim.calls).toHaveLength(calls);
  table.add('a callback of a deleted video', '200, it stays deleted');
});

test('callbacks in reverse order: the status only moves forward', async () => {
  const prompt = 'a story told backwards';
  const { id, task } = await held(prompt);
  const seen: string[] = [];
  for (const status of ['task_postprocess_end', 'task_end', 'task_start', 'task_assign', 'task_queue']) {
    expect((await callBack(task.callbackUrl, claim(task, status))).status).toBe(200);
    seen.push((await service.video(id)).status);
  }
  expect(new Set(seen)).toEqual(new Set(['in_progress']));
  service.sim.release(task);
  await expectMadeOnce(service, { id, prompt });
  await callBack(task.callbackUrl, claim(task, 'task_queue'));
  await expectMadeOnce(service, { id, prompt });
  table.add('callbacks in reverse order', '200, forward as Detail says');
});

test('callbacks that name the job of another video: each video keeps its own', async () => {
  const [one, other] = [await held('a twin who lies'), await held('a twin who is quiet')];
  const before = detailCalls(service.sim, one.task).length;
  const body = claim(other.task, 'task_postprocess_end');
  expect((await callBack(one.task.callbackUrl, body)).status).toBe(200);
  await checked(service.sim, one.task, before + 1);
  for (const { task } of [one, other]) service.sim.release(task);
  await expectMadeOnce(service, { id: one.id, prompt: 'a twin who lies' });
  await expectMadeOnce(service, { id: other.id, prompt: 'a twin who is quiet' });
  table.add('a callback that names another job', '200, its own job is asked for');
});

test('5,000 callbacks in five seconds: few checks, and the job ends correctly', async () => {
  const PER_SECOND = 1000;
  const SECONDS = 5;
  const TICKS_PER_SECOND = 50;
  const prompt = 'a village where everybody rings';
  const { id, task } = await held(prompt);
  const before = detailCalls(service.sim, task).length;
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const ring = () =>
    new Promise<number>((resolve) => {
      const call = request(task.callbackUrl, { method: 'POST', agent }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      });
      call.on('error', () => resolve(0)).end(claim(task, 'task_postprocess_end'));
    });
  const answers: Promise<number>[] = [];
  const began = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      // As many as should have been sent by now, even if the timer is late.
      const due = Math.min(((performance.now() - began) / 1000) * PER_SECOND, PER_SECOND * SECONDS);
      while (answers.length < due) answers.push(ring());
      if (answers.length < PER_SECOND * SECONDS) return;
      clearInterval(timer);
      resolve();
    }, 1000 / TICKS_PER_SECOND);
  });
  const sentWithin = (performance.now() - began) / 1000;
  const statuses = Map.groupBy(await Promise.all(answers), (status) => status);
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  const checks = detailCalls(service.sim, task).length - before;
  const counts = [...statuses].map(([status, all]) => `${all.length} × ${status}`).join(', ');
  table.add(
    `5,000 callbacks within ${sentWithin.toFixed(1)} s`,
    `${counts} within ${seconds.toFixed(1)} s, ${checks} checks`,
  );
  expect([...statuses.keys()]).toEqual([200]);
  expect(checks).toBeGreaterThan(0);
  expect(checks).toBeLessThanOrEqual(3 + 1.25 * seconds);
  service.sim.release(task);
  await expectMadeOnce(service, { id, prompt }, 30_000);
});
