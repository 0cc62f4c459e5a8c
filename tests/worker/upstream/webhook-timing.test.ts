// Late, repeated and missing callbacks, while scheduled checks continue.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SimTask } from '../../../sim/index.ts';
import { anotherLife } from '../events/another-life.ts';
import { storedSample } from '../support/sample.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord, storedRecord, storedVideo } from '../support/stored.ts';
import { checked } from '../support/upstream-calls.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

/** Everything that is to be seen of a video, and how often Wiro was asked about it. */
async function whole(id: string, task: SimTask) {
  const { text, metadata } = (await storedRecord(service, id)) ?? {};
  const response = await service.fetch(`/v1/videos/${id}`);
  const etag = response.headers.get('etag');
  const calls = service.sim.calls.filter((call) => call.task === task).length;
  return {
    text,
    metadata,
    etag,
    video: await response.json(),
    stored: await storedVideo(service, id),
    calls,
  };
}

test('no callback: scheduled checks complete the video', async () => {
  service.sim.script('never told', { callback: { lost: true }, holdAt: 'task_start' });
  const { id } = await service.accepted({ prompt: 'a boat never told of' });
  const task = await service.sim.waitForTask('never told');
  await checked(service.sim, task, 2);
  service.sim.release(task);
  expect((await service.ended(id)).status).toBe('completed');
  expect(await storedVideo(service, id)).toEqual(storedSample);
  expect(task.callbacks).toEqual([]);
});

test('several callbacks at the end: it completes once', async () => {
  service.sim.script('told and told again', { callback: { times: 4 } });
  const { id } = await service.accepted({ prompt: 'a boat told and told again' });
  const task = await service.sim.waitForTask('told and told again');
  expect(await task.calledBack(4)).toMatchObject({ status: 200 });
  expect((await service.ended(id)).status).toBe('completed');
  expect(await storedVideo(service, id)).toEqual(storedSample);
  expect(
    service.sim.calls.filter((call) => call.task === task && call.path.startsWith('/cdn/')),
  ).toHaveLength(1);
});

test('a late callback changes nothing', async () => {
  service.sim.script('late news', { callback: { delaySeconds: 3600 } });
  const { id } = await service.accepted({ prompt: 'a boat, late news' });
  const task = await service.sim.waitForTask('late news');
  expect((await service.ended(id)).status).toBe('completed');
  await publishedRecord(service, id, 'completed');
  expect(task.callbacks).toEqual([]);
  const before = await whole(id, task);
  const { speed } = service.sim;
  service.sim.speed = 100_000;
  expect(await task.calledBack()).toMatchObject({ status: 200 });
  service.sim.speed = speed;
  await anotherLife(service, 'a boat after the late news');
  expect(await whole(id, task)).toEqual(before);
});

test.each([
  ['completed', {}],
  ['failed', { pexit: '1' }],
  ['cancelled', { end: 'task_cancel' as const }],
])('repeated callbacks after it was %s change nothing', async (status, task) => {
  const prompt = `a boat that long since ${status}`;
  service.sim.script(prompt, { task });
  const { id } = await service.accepted({ prompt });
  const simTask = await service.sim.waitForTask(prompt);
  await service.ended(id);
  await publishedRecord(service, id, status as 'completed' | 'failed' | 'cancelled');
  await simTask.calledBack();
  const before = await whole(id, simTask);
  expect(before.video).toMatchObject({ status });
  const row = { status: 'task_postprocess_end', pexit: status === 'completed' ? '1' : '0', outputs: [] };
  for (const body of ['', JSON.stringify(row), JSON.stringify({ result: true, tasklist: [row] })]) {
    expect((await fetch(simTask.callbackUrl, { method: 'POST', body })).status).toBe(200);
  }
  await anotherLife(service, `a boat after one that ${status}`);
  expect(await whole(id, simTask)).toEqual(before);
});
