// How calls of the Task endpoints identify a task.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sim, type SimTask, startSim } from '../../sim/index.ts';
import { ask, run } from './support/client.ts';

let sim: Sim;
beforeEach(async () => {
  sim = await startSim({ speed: 2000 });
});
afterEach(() => sim.close());

/** Held in the queue for Cancel, at work for Kill. */
async function startTask(path: string): Promise<SimTask> {
  const holdAt = path === '/Task/Cancel' ? 'task_queue' : 'task_start';
  sim.script('', { holdAt });
  await run(sim);
  const task = sim.tasks.at(-1)!;
  await task.reached(holdAt);
  return task;
}

const names = ['taskid', 'tasktoken', 'socketaccesstoken'] as const;

test.for(['/Task/Cancel', '/Task/Kill'])('%s accepts every name of a task', async (path) => {
  for (const name of names) {
    const { id, token } = await startTask(path);
    const body = { [name]: name === 'taskid' ? id : token };
    expect(await ask(sim, path, body), name).toMatchObject({ tasklist: [{ id, status: 'task_cancel' }] });
  }
  const { id, token } = await startTask(path);
  const all = { taskid: id, tasktoken: token, socketaccesstoken: token };
  expect(await ask(sim, path, all)).toMatchObject({ tasklist: [{ id, status: 'task_cancel' }] });
  expect(sim.rejections()).toEqual([]);
});

test.for(['/Task/Cancel', '/Task/Kill', '/Task/Detail'])('%s requires that all names agree', async (path) => {
  const [task, other] = [await startTask(path), await startTask(path)];
  const bodies = [
    { taskid: task.id, tasktoken: other.token },
    { taskid: task.id, socketaccesstoken: other.token },
    { tasktoken: task.token, socketaccesstoken: other.token },
    { tasktoken: task.token, taskid: 'nobody' },
  ];
  for (const body of bodies) expect(await ask(sim, path, body)).toMatchObject({ result: false });
  expect(sim.rejections()).toHaveLength(bodies.length);
  expect([task.cancelled, other.cancelled]).toEqual([false, false]);
});

test('between queue and worker Cancel and Kill refuse; Kill works from task_assign on', async () => {
  sim.killsFromAssign = true;
  sim.script('', { holdAt: 'task_preprocess_end' });
  await run(sim);
  const { id } = sim.tasks[0]!;
  await sim.tasks[0]!.reached('task_preprocess_end');
  const refused = { result: false, errors: [{ code: 1 }] };
  expect(await ask(sim, '/Task/Cancel', { taskid: id })).toMatchObject(refused);
  expect(await ask(sim, '/Task/Kill', { taskid: id })).toMatchObject(refused);
  sim.script('', { holdAt: 'task_assign' });
  sim.release(sim.tasks[0]!);
  await sim.tasks[0]!.reached('task_assign');
  expect(await ask(sim, '/Task/Kill', { taskid: id })).toMatchObject({
    tasklist: [{ status: 'task_cancel' }],
  });
});

test('a name that is null is ignored', async () => {
  const { id } = await startTask('/Task/Cancel');
  const answer = await ask(sim, '/Task/Detail', { taskid: id, tasktoken: null });
  expect(answer).toMatchObject({ tasklist: [{ id }] });
  expect(await ask(sim, '/Task/Detail', { tasktoken: null })).toEqual({
    result: false,
    errors: [{ code: 0, message: 'taskid or socketaccesstoken is required' }],
  });
});
