// Scripted answers of the API, and faults of the task itself.
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AnswerFault, type Sim, startSim } from '../../sim/index.ts';
import { ask, detail, post, run, runForm } from './support/client.ts';

let sim: Sim;
beforeEach(async () => {
  sim = await startSim({ speed: 2000 });
});
afterEach(() => sim.close());

function postRun(prompt = 'a boat') {
  return post(sim, '/Run/minimax/hailuo-2-3', runForm({ prompt }));
}

describe('a Run', () => {
  test('gets one fault after the other, then none', async () => {
    const run: AnswerFault[] = [
      { kind: 'status', status: 429, retryAfter: 5 },
      { kind: 'error', code: 97, message: 'balance of $0.12 too low' },
      { kind: 'garbage' },
    ];
    sim.script('boat', { run });
    const limited = await postRun();
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '5']);
    await expect(limited.json()).rejects.toThrow();
    expect(await (await postRun()).json()).toEqual({
      result: false,
      errors: [{ code: 97, message: 'balance of $0.12 too low' }],
    });
    const garbage = await postRun();
    expect(garbage.status).toBe(200);
    await expect(garbage.json()).rejects.toThrow();
    expect(sim.tasks).toEqual([]);
    expect(await (await postRun()).json()).toMatchObject({ result: true });
    expect(sim.calls.map(({ status }) => status)).toEqual([429, 200, 200, 200]);
    expect(sim.rejections()).toEqual([]);
    expect(run).toHaveLength(3); // the caller's own list is left alone
  });

  test('gets the gateway’s answer before it was read', async () => {
    sim.script('', { gateway: [{ kind: 'status', status: 503 }] });
    const call = request(`${sim.apiUrl}/File/Upload`, { method: 'POST' });
    call.write('the beginning of a body');
    const [answer] = (await once(call, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(503);
    call.destroy();
    expect(sim.calls).toMatchObject([{ path: '/v1/File/Upload', status: 503 }]);
  });

  test('gets an answer in gzip, or one that decompresses to 60 MiB', async () => {
    sim.script('', { run: [{ kind: 'compressed' }, { kind: 'bomb' }] });
    const compressed = await postRun();
    expect(compressed.headers.get('content-encoding')).toBe('gzip');
    expect(await compressed.json()).toMatchObject({ result: true });
    const bomb = await postRun();
    expect(Number(bomb.headers.get('content-length'))).toBeLessThan(100_000);
    expect((await bomb.arrayBuffer()).byteLength).toBe(60 * 1024 * 1024);
    expect(sim.tasks).toHaveLength(1);
  });

  test('gets only the faults for its prompt', async () => {
    sim.script('train', { run: [{ kind: 'status', status: 500 }] });
    expect((await postRun('a boat')).status).toBe(200);
    expect((await postRun('a train')).status).toBe(500);
  });

  test('gets the scripted body', async () => {
    sim.script('', { run: [{ kind: 'status', status: 200, body: '{"result":false,"errors":["no"]}' }] });
    expect(await (await postRun()).json()).toEqual({ result: false, errors: ['no'] });
  });

  test('reset: the connection breaks, and no task is created', async () => {
    sim.script('', { run: [{ kind: 'reset' }] });
    await expect(postRun()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect([sim.tasks, sim.calls]).toMatchObject([[], [{ status: 0 }]]);
  });

  test('with invalid fields is refused, and the fault waits for the next Run', async () => {
    sim.script('', { run: [{ kind: 'status', status: 500 }] });
    const malformed = await post(sim, '/Run/minimax/hailuo-2-3', runForm({ duration: '7' }));
    expect(malformed.status).toBe(200);
    expect(sim.rejections()).toHaveLength(1);
    expect((await postRun()).status).toBe(500);
  });

  test.for(['reset', 'hang'] as const)('lost by %s: a task is created, but no answer sent', async (how) => {
    sim.script('', { run: [{ kind: 'lost', how }] });
    const lost = postRun().catch((error: unknown) => error);
    const task = await sim.waitForTask('boat');
    await task.reached('task_postprocess_end');
    if (how === 'reset') expect(await lost).toMatchObject({ cause: { code: 'ECONNRESET' } });
    expect(sim.calls[0]).toMatchObject({ status: 0, task });
    expect(await detail(sim, task.token)).toMatchObject({ status: 'task_postprocess_end' });
  });

  test('lost by status: the task is created, and the gateway answers with an error', async () => {
    sim.script('', { run: [{ kind: 'lost', how: 'status', status: 504 }] });
    expect((await postRun()).status).toBe(504);
    expect(sim.tasks).toHaveLength(1);
  });
});

test('Detail, Cancel, Kill and Delete get the faults of their task; List and the file calls get the general ones', async () => {
  await run(sim, { prompt: 'a boat' });
  const { token, id } = sim.tasks[0]!;
  const fault: AnswerFault[] = [{ kind: 'status', status: 502 }];
  sim.script('boat', { detail: fault, cancel: fault, kill: fault, delete: fault, list: fault });
  sim.script('', { folder: fault, tool: fault, list: [{ kind: 'status', status: 500 }] });
  const calls: [string, object, number][] = [
    ['/Task/Detail', { tasktoken: token }, 502],
    ['/Task/Cancel', { taskid: id }, 502],
    ['/Task/Kill', { taskid: id }, 502],
    ['/Task/InputOutputDelete', { tasktoken: token }, 502],
    ['/Task/List', {}, 500],
    ['/File/FolderCreate', { name: 'a' }, 502],
    ['/Tool/Detail', { slugowner: 'minimax', slugproject: 'hailuo-2-3' }, 502],
  ];
  for (const [path, body, status] of calls) {
    expect((await post(sim, path, body)).status, path).toBe(status);
    expect((await post(sim, path, body)).status, path).toBe(200);
  }
});

describe('a task', () => {
  test('can have other statuses', async () => {
    sim.script('', { task: { statuses: ['task_queue', 'task_dreaming', 'task_postprocess_end'] } });
    await run(sim);
    await sim.tasks[0]!.reached('task_postprocess_end');
    expect(sim.tasks[0]!.history.map(({ status }) => status)).toEqual([
      'task_queue',
      'task_dreaming',
      'task_postprocess_end',
    ]);
    expect(sim.tasks[0]!.succeeded).toBe(true);
  });

  test('can run for ever, until it is killed', async () => {
    sim.script('', { task: { never: true } });
    await run(sim);
    const { id, token } = sim.tasks[0]!;
    await sim.tasks[0]!.reached('task_postprocess_start');
    sim.speed = 1_000_000; // a year is half a minute
    expect(await detail(sim, token)).toMatchObject({ status: 'task_postprocess_start' });
    await ask(sim, '/Task/Kill', { taskid: id });
    expect(await detail(sim, token)).toMatchObject({ status: 'task_cancel' });
  });

  test('has its patched row in all answers', async () => {
    const patch = (row: Record<string, unknown>) => ({ ...row, id: Number(row.id), pexit: null });
    sim.script('', { task: { patch } });
    await run(sim);
    const { id, token } = sim.tasks[0]!;
    expect(await detail(sim, token)).toMatchObject({ id: Number(id), pexit: null });
    const { tasklist } = await ask(sim, '/Task/List', {});
    expect(tasklist).toMatchObject([{ id: Number(id) }]);
    expect(String(tasklist[0]!.id)).toBe(id);
  });

  test('can have no callback URL in the list', async () => {
    sim.speed = 0;
    sim.script('train', { task: { listCallbackUrl: false } });
    const callbackUrl = 'http://127.0.0.1:9/hooks';
    for (const prompt of ['a boat', 'a train']) await run(sim, { prompt, callbackUrl });
    const { tasklist } = await ask(sim, '/Task/List', { order: 'ASC' });
    expect(tasklist.map(({ callbackurl }) => callbackurl)).toEqual([callbackUrl, undefined]);
    expect(await detail(sim, sim.tasks[1]!.token)).toMatchObject({ callbackurl: callbackUrl });
  });

  test('can fail with an output', async () => {
    sim.script('', { task: { pexit: '137' } });
    await run(sim);
    await sim.tasks[0]!.reached('task_postprocess_end');
    const row = await detail(sim, sim.tasks[0]!.token);
    expect(row).toMatchObject({ pexit: '137', totalcost: '0.000000000000', outputs: [{ name: '0.mp4' }] });
    expect(row.debugerror).toContain('Error');
  });

  test('can fail with a reason and a cost', async () => {
    sim.script('', { task: { pexit: '1', reason: 'The picture was refused', cost: '0.07' } });
    await run(sim);
    const task = sim.tasks[0]!;
    const before = await detail(sim, task.token);
    expect([before.debugerror, before.totalcost]).not.toContain('The picture was refused');
    expect(Number(before.totalcost)).toBe(0);
    await task.reached('task_postprocess_end');
    const row = await detail(sim, task.token);
    expect(row).toMatchObject({ pexit: '1', debugerror: 'The picture was refused', totalcost: '0.07' });
    expect(task.failed).toBe(true);
  });

  test('that succeeds has the scripted cost and no reason', async () => {
    sim.script('', { task: { reason: 'none of this', cost: '1.25' } });
    await run(sim);
    await sim.tasks[0]!.reached('task_postprocess_end');
    const row = await detail(sim, sim.tasks[0]!.token);
    expect(row.totalcost).toBe('1.25');
    expect(row.debugerror).not.toContain('none of this');
  });

  test.for([
    ['task_error', 'task_postprocess_start'],
    ['task_start', 'task_assign'],
  ] as const)('can stay in %s until it is killed', async ([sticks, before]) => {
    sim.script('', { task: { sticks, reason: 'Output folder creation failed', cost: '0.01' } });
    await run(sim);
    const task = sim.tasks[0]!;
    await task.reached(sticks);
    sim.speed = 1_000_000;
    expect(await detail(sim, task.token)).toMatchObject({
      status: sticks,
      pexit: '',
      outputs: [],
      debugerror: 'Output folder creation failed',
      totalcost: '0.01',
    });
    expect(task.history.slice(-2).map(({ status }) => status)).toEqual([before, sticks]);
    expect([task.stuck, task.ended]).toEqual([true, false]);
    await ask(sim, '/Task/Kill', { taskid: task.id });
    expect(await detail(sim, task.token)).toMatchObject({ status: 'task_cancel' });
  });

  test('can be held and released', async () => {
    sim.script('boat', { holdAt: 'task_start' });
    await run(sim);
    const [task] = sim.tasks;
    await task!.reached('task_start');
    expect([task!.status, task!.held]).toEqual(['task_start', true]);
    sim.release(task!);
    await task!.reached('task_postprocess_end');
    await run(sim);
    sim.release(sim.tasks[1]!); // before it gets there
    await sim.tasks[1]!.reached('task_postprocess_end');
  });
});

test('close ends requests that hang', async () => {
  const closing = await startSim();
  closing.script('', { detail: [{ kind: 'hang' }] });
  await run(closing);
  const hanging = ask(closing, '/Task/Detail', { tasktoken: closing.tasks[0]!.token });
  const broken = expect(hanging).rejects.toThrow('fetch failed');
  const upload = request(`${closing.apiUrl}/File/Upload`, { method: 'POST' }).on('error', () => {});
  upload.write('never finished');
  await closing.waitForCall('/Task/Detail');
  await expect.poll(() => closing.callsTo('/File/Upload').length).toBe(1);
  // A connection that was left open would keep this waiting.
  await closing.close();
  await broken;
});
