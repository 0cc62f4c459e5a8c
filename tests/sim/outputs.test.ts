// The outputs of a task in rows, the socket and the CDN.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sim, type SimTask, startSim } from '../../sim/index.ts';
import { ask, detail, run } from './support/client.ts';

let sim: Sim;
beforeEach(async () => {
  sim = await startSim({ speed: 2000 });
});
afterEach(() => sim.close());

async function finished(): Promise<SimTask> {
  await run(sim);
  const task = sim.tasks.at(-1)!;
  await task.reached('task_postprocess_end');
  return task;
}

test('preview: an entry without a URL and an image come before the video', async () => {
  sim.script('', { output: { preview: true } });
  const task = await finished();
  const { outputs, size } = await detail(sim, task.token);
  expect(outputs.map(({ contenttype, name, url }) => [contenttype, name, typeof url])).toEqual([
    ['raw', undefined, 'undefined'],
    ['image/png', 'preview.png', 'string'],
    ['video/mp4', '0.mp4', 'string'],
  ]);
  expect(Number(size)).toBe(Number(outputs[1]!.size) + Number(outputs[2]!.size));
  const image = await fetch(outputs[1]!.url!);
  expect([image.status, image.headers.get('content-type')]).toEqual([200, 'image/png']);
  expect((await image.bytes()).subarray(1, 4)).toEqual(new Uint8Array(Buffer.from('PNG')));
  expect(task.outputs.map(({ url }) => url)).toEqual([outputs[2]!.url]);
  expect(sim.secrets()).toEqual(expect.arrayContaining([outputs[1]!.url, outputs[2]!.url]));
  await ask(sim, '/Task/InputOutputDelete', { tasktoken: task.token });
  expect((await fetch(outputs[1]!.url!)).status).toBe(404);
  expect((await detail(sim, task.token)).outputs).toEqual([]);
});

test('delaySeconds: the CDN answers 404 until then, which is not a client error', async () => {
  sim.script('', { output: { delaySeconds: 120 } });
  await run(sim);
  const task = sim.tasks[0]!;
  await task.reached('task_postprocess_end');
  sim.speed = 0;
  const { url } = task.outputs[0]!;
  expect((await fetch(url)).status).toBe(404);
  sim.speed = 2000;
  await expect.poll(async () => (await fetch(url)).status, { interval: 5 }).toBe(200);
  expect(sim.callsTo('/cdn/')[0]).toMatchObject({ status: 404, task });
  expect(sim.rejections()).toEqual([]);
});

test('delaySeconds: an output that was deleted meanwhile never appears', async () => {
  sim.script('', { output: { delaySeconds: 120 } });
  const [task, later] = [await finished(), await finished()];
  await ask(sim, '/Task/InputOutputDelete', { tasktoken: task.token });
  await expect.poll(async () => (await fetch(later.outputs[0]!.url)).status, { interval: 5 }).toBe(200);
  expect((await fetch(task.outputs[0]!.url)).status).toBe(404);
});
