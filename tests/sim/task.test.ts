// The life of a task as the Task endpoints show it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sim, type SimTask, startSim } from '../../sim/index.ts';
import { ask, detail, type Row, run } from './support/client.ts';
import { startReceiver } from './support/receiver.ts';

const LIFE = [
  'task_queue',
  'task_accept',
  'task_preprocess_start',
  'task_preprocess_end',
  'task_assign',
  'task_start',
  'task_output',
  'task_output_full',
  'task_end',
  'task_postprocess_start',
  'task_postprocess_end',
];

// The fields of a row in the order of Wiro's sample.
const ROW_FIELDS =
  'id uuid name socketaccesstoken parameters debugoutput debugerror starttime endtime elapsedseconds status cps ' +
  'totalcost guestid projectid modelid description basemodelid runtype modelfolderid modelfileid callbackurl ' +
  'marketplaceid createtime canceltime assigntime accepttime preprocessstarttime preprocessendtime ' +
  'postprocessstarttime postprocessendtime pexit categories modeldescription modelslugowner ' +
  'modelslugproject outputs size';
const OUTPUT_FIELDS =
  'id name contenttype parentid uuid size addedtime modifiedtime accesskey foldercount filecount ispublic ' +
  'expiretime url';

let sim: Sim;
beforeEach(async () => {
  sim = await startSim({ speed: 2000 });
});
afterEach(() => sim.close());

async function startTask(changes: Record<string, string | undefined> = {}): Promise<SimTask> {
  const { taskid } = await run(sim, changes);
  return sim.tasks.find(({ id }) => id === taskid)!;
}

async function finished(
  changes: Record<string, string | undefined> = {},
): Promise<{ task: SimTask; row: Row }> {
  const task = await startTask(changes);
  await task.reached('task_postprocess_end');
  return { task, row: await detail(sim, task.token) };
}

describe('Task/Detail', () => {
  test('shows all statuses in their order', async () => {
    sim.speed = 0;
    const task = await startTask();
    const seen: unknown[] = [];
    for (const holdAt of LIFE.slice(0, -1)) {
      sim.script('', { holdAt });
      sim.speed = 2000;
      await task.reached(holdAt);
      const row = await detail(sim, task.token);
      seen.push(row.status);
      expect(row).toMatchObject({ outputs: [], pexit: null, size: '0', totalcost: '0.000000000000' });
      sim.speed = 0;
      sim.release(task);
    }
    expect(seen).toEqual(LIFE.slice(0, -1));
    sim.speed = 2000;
    await task.reached('task_postprocess_end');
    expect(task.history.map(({ status }) => status)).toEqual(LIFE);
  });

  test('of a finished task has the format of the sample', async () => {
    const { task, row } = await finished();
    expect(Object.keys(row)).toEqual(ROW_FIELDS.split(' '));
    expect(Object.keys(row.outputs[0]!)).toEqual(OUTPUT_FIELDS.split(' '));
    expect(row).toMatchObject({ id: task.id, status: 'task_postprocess_end', pexit: '0', canceltime: '0' });
    expect(JSON.parse(row.categories as string)).toContain('text-to-video');
    const output = row.outputs[0]!;
    expect(output).toMatchObject({ name: '0.mp4', contenttype: 'video/mp4', size: row.size });
    expect(output.url).toMatch(new RegExp(`^${sim.url}/cdn/([0-9a-f]{8}-){7}[0-9a-f]{8}/0\\.mp4$`));
    for (const field of Object.keys(row).filter((name) => name.endsWith('time') && name !== 'canceltime')) {
      expect(Math.abs(Number(row[field]) - Date.now() / 1000)).toBeLessThan(10);
    }
    expect(row.debugoutput).toContain('Loading model');
    expect(row.debugerror).toContain('Warning');
  });

  test('has the name and the categories of the model', async () => {
    sim.setModel('MiniMax/hailuo-2.3', { generation: 'combined' });
    const { task, row } = await finished({ inputImageFirst: undefined, inputImageFirstUrl: undefined });
    expect([row.modelslugowner, row.modelslugproject, task.model]).toEqual([
      'MiniMax',
      'hailuo-2.3',
      'minimax/hailuo-2-3',
    ]);
    expect(row.categories).toEqual(['image-to-video', 'text-to-video']);
  });

  test('shows the parameters as an object, as a text, or not at all', async () => {
    const { task, row } = await finished();
    expect(row.parameters).toMatchObject({ prompt: task.prompt, duration: '6' });
    sim.parametersAs = 'text';
    expect(JSON.parse((await detail(sim, task.token)).parameters as string)).toEqual(row.parameters);
    sim.parametersAs = 'none';
    expect((await detail(sim, task.token)).parameters).toBeNull();
  });

  test('shows the end after about a minute of simulated time', async () => {
    const { row } = await finished();
    // The pauses of real timers are up to a few milliseconds long, which is seconds at this speed.
    expect(Number(row.elapsedseconds)).toBeGreaterThan(35);
    expect(Number(row.cps) * Number(row.elapsedseconds)).toBeCloseTo(0.28, 3);
  });

  test.for([
    ['768P', '6', '0.280000000000'],
    ['768P', '10', '0.560000000000'],
    ['1080P', '6', '0.490000000000'],
  ] as const)('charges %s of %s s', async ([resolution, duration, cost]) => {
    expect((await finished({ resolution, duration })).row.totalcost).toBe(cost);
  });

  test('finds a task by id too, and no other task', async () => {
    const task = await startTask();
    const { tasklist, total } = await ask(sim, '/Task/Detail', { taskid: task.id });
    expect([total, tasklist[0]!.socketaccesstoken]).toEqual(['1', task.token]);
    const unknown = await ask(sim, '/Task/Detail', { tasktoken: 'nobody' });
    expect(unknown).toEqual({ result: false, errors: [{ code: 1, message: 'There is no task yet.' }] });
    expect(sim.rejections()).toEqual([]);
    const other = await startTask();
    await ask(sim, '/Task/Detail', { taskid: task.id, tasktoken: other.token });
    await ask(sim, '/Task/Detail', {});
    await ask(sim, '/Task/Detail', { token: task.token });
    expect(sim.rejections().map(({ refused }) => refused)).toEqual([
      'tasktoken and taskid are of different tasks',
      'no task is named',
      'Request parameter [token] is unknown',
    ]);
  });
});

describe('Cancel and Kill', () => {
  test('a queued task can be cancelled, not killed, and costs nothing', async () => {
    sim.script('', { holdAt: 'task_queue' });
    const { id, token } = await startTask();
    expect(await ask(sim, '/Task/Kill', { taskid: id })).toMatchObject({
      result: false,
      errors: [{ code: 1, message: expect.stringContaining('Task could not be killed: ') }],
    });
    const answer = await ask(sim, '/Task/Cancel', { taskid: id, tasktoken: token });
    expect(Object.keys(answer)).toEqual(['errors', 'tasklist', 'result']);
    expect(answer.tasklist[0]).toMatchObject({
      id,
      status: 'task_cancel',
      totalcost: '0.000000000000',
      outputs: [],
    });
    expect(Number(answer.tasklist[0]!.canceltime)).toBeGreaterThan(1_700_000_000);
    expect(await ask(sim, '/Task/Cancel', { taskid: id })).toEqual({
      result: false,
      errors: [{ code: 1, message: 'Task is not in a cancellable state.' }],
    });
    expect(sim.tasks[0]!.cancelled).toBe(true);
  });

  test('a running task can be killed, not cancelled', async () => {
    sim.script('', { holdAt: 'task_accept' });
    const task = await startTask();
    await task.reached('task_accept');
    expect(await ask(sim, '/Task/Cancel', { taskid: task.id })).toMatchObject({ errors: [{ code: 1 }] });
    const { tasklist } = await ask(sim, '/Task/Kill', { tasktoken: task.token });
    expect(tasklist[0]).toMatchObject({ status: 'task_cancel' });
    sim.release(task);
    expect(await detail(sim, task.token)).toMatchObject({ status: 'task_cancel' });
  });

  test('a finished task can be neither cancelled nor killed', async () => {
    const { task } = await finished();
    for (const path of ['/Task/Cancel', '/Task/Kill']) {
      expect(await ask(sim, path, { taskid: task.id })).toMatchObject({
        result: false,
        errors: [{ code: 1 }],
      });
    }
    expect(await detail(sim, task.token)).toMatchObject({ status: 'task_postprocess_end' });
  });
});

describe('Task/List', () => {
  test('pages through the rows by id', async () => {
    sim.speed = 0;
    for (const prompt of ['one', 'two', 'three'])
      await startTask({ prompt, callbackUrl: `http://x.test/${prompt}` });
    const listed = async (changes: object) => {
      const query = { type: 'model', sort: 'id', order: 'DESC', start: '0', limit: '20', ...changes };
      return (await ask(sim, '/Task/List', query)).tasklist.map(({ callbackurl }) => callbackurl);
    };
    expect(await listed({})).toEqual(['http://x.test/three', 'http://x.test/two', 'http://x.test/one']);
    expect(await listed({ order: 'ASC', start: '1', limit: '1' })).toEqual(['http://x.test/two']);
    sim.listCallbackUrl = false;
    expect(await listed({})).toEqual([undefined, undefined, undefined]);
    expect(await detail(sim, sim.tasks[0]!.token)).toHaveProperty('callbackurl', 'http://x.test/one');
    const ids = sim.tasks.map(({ id }) => Number(id));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  test('filters by part of the model’s name in any spelling', async () => {
    sim.speed = 0;
    sim.setModel('minimax/hailuo-2-3-fast', { generation: 'combined' });
    const values = { prompt: 'a', promptOptimizer: 'true', resolution: '768P', duration: '6' };
    await ask(sim, '/Run/minimax/hailuo-2-3-fast', values);
    await startTask();
    const named = async (modelName: string) => {
      const { total, tasklist } = await ask(sim, '/Task/List', { modelName });
      return [total, ...tasklist.map(({ modelslugproject }) => modelslugproject)];
    };
    expect(await named('hailuo-2-3-fast')).toEqual(['1', 'hailuo-2-3-fast']);
    expect(await named('MiniMax/Hailuo 2.3')).toEqual(['2', 'hailuo-2-3', 'hailuo-2-3-fast']);
    expect(await named('kling')).toEqual(['0']);
  });

  test('returns 100 rows at most', async () => {
    sim.speed = 0;
    for (let n = 0; n < 101; n++) await startTask();
    const { total, tasklist } = await ask(sim, '/Task/List', { limit: '500' });
    expect([total, tasklist.length]).toEqual(['101', 100]);
  });

  test('and Detail show callback URLs and logs as scripted', async () => {
    await using receiver = await startReceiver();
    const { task, row } = await finished({ callbackUrl: receiver.url });
    sim.detailCallbackUrl = false;
    expect(await detail(sim, task.token)).toEqual({ ...row, callbackurl: '' });
    const listed = async () => (await ask(sim, '/Task/List', {})).tasklist[0]!;
    expect(await listed()).toEqual(row);
    sim.logBytes = 300_000;
    for (const large of [await listed(), await detail(sim, task.token)]) {
      expect(large.debugoutput).toHaveLength(300_000);
      expect(large.debugoutput).toContain('Loading model');
    }
    sim.logBytes = undefined;
    expect(await listed()).toEqual(row);
  });

  test('refuses unknown fields', async () => {
    await ask(sim, '/Task/List', { order: 'newest' });
    await ask(sim, '/Task/List', { page: '1' });
    expect(sim.rejections()).toHaveLength(2);
  });
});

test('waitForTask finds a task by its prompt', async () => {
  const waiting = sim.waitForTask('second');
  await startTask({ prompt: 'the first' });
  const second = await startTask({ prompt: 'the second' });
  expect(await waiting).toBe(second);
  expect(await sim.waitForTask('first')).toBe(sim.tasks[0]);
});

test('secrets() contains everything that identifies a task', async () => {
  const { task, row } = await finished();
  const text = JSON.stringify(row);
  expect(sim.secrets()).toEqual(
    expect.arrayContaining([sim.apiKey, sim.apiSecret, task.id, task.token, task.uuid]),
  );
  for (const output of row.outputs)
    expect(sim.secrets()).toEqual(expect.arrayContaining([output.url, output.accesskey]));
  expect(sim.secrets().filter((secret) => text.includes(secret)).length).toBeGreaterThanOrEqual(6);
});
