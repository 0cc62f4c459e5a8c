// Task/InputOutputDelete: what a task made, and what was uploaded for it.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sim, type SimTask, startSim } from '../../sim/index.ts';
import { ask, detail, multipart, PNG, run } from './support/client.ts';

let sim: Sim;
beforeEach(async () => {
  sim = await startSim({ speed: 2000 });
});
afterEach(() => sim.close());

async function startTask(changes: Record<string, string> = {}): Promise<SimTask> {
  const { taskid } = await run(sim, changes);
  return sim.tasks.find(({ id }) => id === taskid)!;
}

async function uploaded(name: string): Promise<string> {
  const file = new File([PNG], name, { type: 'image/png' });
  return String((await ask(sim, '/File/Upload', multipart({ file }))).list[0]!.url);
}

const statusOf = async (url: string) => (await fetch(sim.url + new URL(url).pathname)).status;

test('Delete accepts ended tasks, repeatedly', async () => {
  sim.script('', { holdAt: 'task_output' });
  const task = await startTask();
  const remove = () => ask(sim, '/Task/InputOutputDelete', { tasktoken: task.token });
  await task.reached('task_output');
  const message = 'Task must be completed or cancelled before deleting files';
  expect(await remove()).toEqual({ result: false, errors: [{ code: 1, message }] });
  sim.release(task);
  await task.reached('task_postprocess_end');
  const { url } = task.outputs[0]!;
  expect((await fetch(url)).status).toBe(200);
  expect(await remove()).toEqual({ result: true, errors: [] });
  expect(await remove()).toEqual({ result: true, errors: [] });
  expect((await fetch(url)).status).toBe(404);
  expect(await detail(sim, task.token)).toMatchObject({ outputs: [], size: '0' });
  expect([task.deleted, sim.rejections()]).toEqual([true, []]);
});

test('Delete removes only the uploaded files that the parameters link to', async () => {
  const [used, other] = [await uploaded('used.png'), await uploaded('other.png')];
  const task = await startTask({ inputImageFirstUrl: used });
  const sample = 'https://cdn.wiro.ai/uploads/sampleinputs/minimax-haulio-2-3-input-2.jpg';
  const sampled = await startTask({ inputImageFirstUrl: sample });
  await Promise.all([task, sampled].map((made) => made.reached('task_postprocess_end')));
  for (const { token } of [sampled, task, task]) {
    expect(await ask(sim, '/Task/InputOutputDelete', { tasktoken: token })).toEqual({
      result: true,
      errors: [],
    });
  }
  expect([await statusOf(used), await statusOf(other)]).toEqual([404, 200]);
  expect(sim.files.map(({ name, deleted }) => [name, deleted])).toEqual([
    ['used.png', true],
    ['other.png', false],
  ]);
  expect((await detail(sim, task.token)).parameters).toMatchObject({ inputImageFirstUrl: used });
  expect(sim.secrets()).toContain(sim.files[0]!.id);
});

test('Delete removes the files of both frames', async () => {
  sim.setModel('minimax/hailuo-2-3', { generation: 'combined', lastFrame: true });
  const [first, last] = [await uploaded('first.png'), await uploaded('last.png')];
  const values = { prompt: 'a', promptOptimizer: 'true', resolution: '768P', duration: '6' };
  await ask(sim, '/Run/minimax/hailuo-2-3', { ...values, inputImage: [first], inputImageLast: last });
  await sim.tasks[0]!.reached('task_postprocess_end');
  await ask(sim, '/Task/InputOutputDelete', { tasktoken: sim.tasks[0]!.token });
  expect([await statusOf(first), await statusOf(last)]).toEqual([404, 404]);
});

test('Delete needs the token of an existing task', async () => {
  const task = await startTask();
  await task.reached('task_postprocess_end');
  for (const body of [{ taskid: task.id }, { socketaccesstoken: task.token }, {}]) {
    expect(await ask(sim, '/Task/InputOutputDelete', body)).toEqual({
      result: false,
      errors: [{ code: 1, message: 'taskid or socketaccesstoken is required' }],
    });
  }
  expect(sim.rejections()).toHaveLength(3);
  const unknown = await ask(sim, '/Task/InputOutputDelete', { tasktoken: 'nobody' });
  expect(unknown).toEqual({ result: false, errors: [{ code: 1, message: 'task-not-exist' }] });
  expect(task.deleted).toBe(false);
});
