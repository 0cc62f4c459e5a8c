// Callbacks as a receiver gets them.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Sim, type SimTask, startSim } from '../../sim/index.ts';
import { ask, detail, type Row, run } from './support/client.ts';
import { startReceiver } from './support/receiver.ts';

let sim: Sim;
beforeEach(async () => {
  sim = await startSim({ speed: 2000 });
});
afterEach(() => sim.close());

async function startTask(callbackUrl: string): Promise<SimTask> {
  await run(sim, { callbackUrl });
  return sim.tasks.at(-1)!;
}

describe('at the end of a task', () => {
  test('its Detail is POSTed to its callbackUrl', async () => {
    await using receiver = await startReceiver();
    const task = await startTask(receiver.url);
    const attempt = await task.calledBack();
    expect(attempt).toMatchObject({ status: 200, body: 'noted' });
    expect(receiver.received).toMatchObject([
      { path: '/hooks/wiro/1', headers: { 'content-type': 'application/json' } },
    ]);
    const { tasklist, ...rest } = JSON.parse(String(receiver.received[0]!.body)) as { tasklist: Row[] };
    expect(rest).toEqual({ total: '1', errors: [], result: true });
    expect(tasklist).toEqual([await detail(sim, task.token)]);
    expect(tasklist[0]).toMatchObject({ status: 'task_postprocess_end', pexit: '0' });
  });

  test.for([
    ['failed', { pexit: '1' }, { status: 'task_postprocess_end', pexit: '1', totalcost: '0.000000000000' }],
    ['without output', { outputs: 'none' }, { pexit: '0', outputs: [], totalcost: '0.000000000000' }],
    ['cancelled by Wiro', { end: 'task_cancel' }, { status: 'task_cancel', outputs: [] }],
  ] as const)('a callback is sent for a task that ended: %s', async ([, fault, row]) => {
    sim.script('', { task: fault });
    await using receiver = await startReceiver();
    const task = await startTask(receiver.url);
    await task.calledBack();
    const { tasklist } = JSON.parse(String(receiver.received[0]!.body)) as { tasklist: Row[] };
    expect(tasklist).toMatchObject([row]);
  });

  test('a callback is sent after a kill, but not after a cancel in the queue', async () => {
    await using receiver = await startReceiver();
    sim.script('', { holdAt: 'task_queue' });
    const queued = await startTask(receiver.url);
    await ask(sim, '/Task/Cancel', { taskid: queued.id });
    sim.script('', { holdAt: 'task_start' });
    const running = await startTask(receiver.url);
    await running.reached('task_start');
    await ask(sim, '/Task/Kill', { taskid: running.id });
    await running.calledBack();
    expect(receiver.received).toHaveLength(1);
    expect(String(receiver.received[0]!.body)).toContain(running.id);
    expect(queued.callbacks).toEqual([]);
  });
});

describe('a response other than 200', () => {
  test('is retried three times, two seconds apart', async () => {
    sim.script('', { callback: { times: 2 } });
    // Time stops with the third try: only a new delivery, which waits for nothing, can come after it.
    await using receiver = await startReceiver([500, 204, 503], () => {
      if (receiver.received.length === 3) sim.speed = 0;
    });
    const task = await startTask(receiver.url);
    await task.calledBack(4);
    expect(task.callbacks.map(({ status }) => status)).toEqual([500, 204, 503, 200]);
    const [first, , third] = task.callbacks;
    expect(third!.at - first!.at).toBeGreaterThanOrEqual(1); // 4 s at a speed of 2,000 are 2 ms
  });

  test('is not retried after the first 200', async () => {
    await using receiver = await startReceiver([404]);
    const task = await startTask(receiver.url);
    await task.calledBack(2);
    expect(task.callbacks.map(({ status }) => status)).toEqual([404, 200]);
  });

  test('may be no response at all', async () => {
    const receiver = await startReceiver();
    await receiver[Symbol.asyncDispose]();
    const task = await startTask(receiver.url);
    expect(await task.calledBack(3)).toMatchObject({
      status: null,
      error: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('faults of callbacks', () => {
  test('lost: no callback is sent', async () => {
    sim.script('', { callback: { lost: true } });
    await using receiver = await startReceiver();
    const lost = await startTask(receiver.url);
    await lost.reached('task_postprocess_end');
    sim.clearScripts();
    const next = await startTask(receiver.url);
    await next.calledBack();
    expect(receiver.received).toHaveLength(1);
    expect(lost.callbacks).toEqual([]);
  });

  test('times: the callback is sent twice', async () => {
    sim.script('', { callback: { times: 2 } });
    await using receiver = await startReceiver();
    const task = await startTask(receiver.url);
    await task.calledBack(2);
    expect(receiver.received.map(({ body }) => String(body).includes(task.id))).toEqual([true, true]);
  });

  test('delaySeconds: the callback is sent late', async () => {
    sim.script('', { callback: { delaySeconds: 400 } });
    await using receiver = await startReceiver();
    const task = await startTask(receiver.url);
    const attempt = await task.calledBack();
    const end = task.history.at(-1)!;
    expect(attempt.at - end.at).toBeGreaterThanOrEqual(199); // 400 s at a speed of 2,000
  });

  test('early: the callback is sent, and the task has ended, before Run is answered', async () => {
    sim.script('', { callback: { early: true } });
    const seen: number[] = [];
    await using receiver = await startReceiver([], () => seen.push(sim.callsTo('/Run/')[0]!.status));
    const task = await startTask(receiver.url);
    expect(seen).toEqual([0]);
    expect(receiver.received).toHaveLength(1);
    expect(task.status).toBe('task_postprocess_end');
    expect(sim.callsTo('/Run/')[0]!.status).toBe(200);
  });

  test('early with a hold: a callback is sent from the queue, and another at the end', async () => {
    sim.script('', { callback: { early: true }, holdAt: 'task_queue' });
    await using receiver = await startReceiver();
    const task = await startTask(receiver.url);
    expect(String(receiver.received[0]!.body)).toContain('"status":"task_queue"');
    sim.release(task);
    await task.calledBack(2);
    expect(String(receiver.received[1]!.body)).toContain('"status":"task_postprocess_end"');
  });

  test('body: the callback has the scripted body', async () => {
    await using receiver = await startReceiver();
    const bodies = ['bare', 'form', 'empty', 'garbage', { contentType: 'text/csv', body: 'a;b' }] as const;
    for (const body of bodies) {
      sim.script('', { callback: { body } });
      await (await startTask(receiver.url)).calledBack();
    }
    const [bare, form, empty, garbage, own] = receiver.received;
    expect(JSON.parse(String(bare!.body))).toMatchObject({ id: sim.tasks[0]!.id, pexit: '0' });
    expect(new URLSearchParams(String(form!.body)).get('id')).toBe(sim.tasks[1]!.id);
    expect(form!.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(empty!.body).toHaveLength(0);
    expect(garbage!.body).toHaveLength(1024 * 1024);
    expect([own!.headers['content-type'], String(own!.body)]).toEqual(['text/csv', 'a;b']);
  });
});
