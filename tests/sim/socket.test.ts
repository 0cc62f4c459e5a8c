// The messages of the WebSocket, and its faults.
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Sim, type SimTask, type SocketFault, startSim } from '../../sim/index.ts';
import { run } from './support/client.ts';

interface SocketEvent {
  type: string;
  id: string;
  message: unknown;
  result: boolean;
  success: boolean | null;
  terminal: boolean;
  exitCode: number | null;
}

let sim: Sim;
beforeEach(async () => {
  sim = await startSim({ speed: 0 });
});
afterEach(() => sim.close());

/** Frames as text (binary ones as `binary`), until an event of the type `last` or the connection's end. */
async function follow(task: SimTask, last = 'task_postprocess_end') {
  const frames: string[] = [];
  const socket = new WebSocket(sim.socketUrl);
  socket.on('error', () => {});
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  const ended = new Promise<void>((resolve) => {
    closed.then(() => resolve());
    socket.on('message', (data, binary) => {
      frames.push(binary ? 'binary' : String(data));
      if (frames.at(-1)!.startsWith(`{"type":"${last}"`)) resolve();
    });
  });
  socket.on('open', () => socket.send(JSON.stringify({ type: 'task_info', tasktoken: task.token })));
  await Promise.race([sim.waitForCall('/socket', sim.callsTo('/socket').length + 1), ended]);
  return { frames, ended, closed, socket };
}

async function startTask(): Promise<SimTask> {
  await run(sim);
  return sim.tasks.at(-1)!;
}

function events(frames: string[]): SocketEvent[] {
  return frames.map((frame) => JSON.parse(frame) as SocketEvent).filter(({ type }) => type !== 'connected');
}

describe('a task from the queue to its end', () => {
  test('sends an event for each step', async () => {
    const task = await startTask();
    const { frames, ended } = await follow(task);
    sim.speed = 2000;
    await ended;
    expect(JSON.parse(frames[0]!)).toEqual({ type: 'connected', version: '1.0' });
    const told = events(frames);
    expect(told[0]).toEqual({
      type: 'task_queue',
      id: task.id,
      message: null,
      result: true,
      success: null,
      terminal: false,
      exitCode: null,
    });
    const once = told.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1]);
    expect(once).toEqual([
      ...[
        'task_queue',
        'task_accept',
        'task_preprocess_start',
        'task_preprocess_end',
        'task_assign',
        'task_start',
      ],
      ...['task_output', 'task_error', 'task_output', 'task_output_full', 'task_error_full'],
      ...['task_end', 'task_postprocess_start', 'task_postprocess_end'],
    ]);
    const outputs = told.filter(({ type }) => type === 'task_output').map(({ message }) => message);
    expect(outputs).toContain('Loading model');
    const progress = outputs.filter((message) => typeof message === 'object') as { percentage: string }[];
    expect(progress.map(({ percentage }) => percentage)).toEqual(
      Array.from({ length: 10 }, (_, i) => String(10 * (i + 1))),
    );
    expect(progress[5]).toEqual({
      type: 'progressGenerate',
      task: 'Generate',
      percentage: '60',
      stepCurrent: '6',
      stepTotal: '10',
      speed: '0.29',
      speedType: 'it/s',
      elapsedTime: '21',
      remainingTime: '14',
    });
    const full = told.filter(({ type }) => type.endsWith('_full')).map(({ message }) => message);
    expect(full).toEqual(['', '']);
    expect(told.at(-1)).toMatchObject({
      message: [{ name: '0.mp4', url: task.outputs[0]!.url }],
      ...{ success: true, terminal: true, exitCode: 0 },
    });
  });

  test('with the 2025 format: events have the token, and the log is sent twice', async () => {
    sim.socketEdition = '2025';
    const task = await startTask();
    const { frames, ended } = await follow(task);
    sim.speed = 2000;
    await ended;
    const told = events(frames);
    expect(told[0]).toEqual({
      type: 'task_queue',
      id: task.id,
      tasktoken: task.token,
      message: null,
      result: true,
    });
    const full = told.find(({ type }) => type === 'task_output_full');
    expect(full?.message).toEqual({ raw: expect.stringContaining('Loading model\n') });
  });

  test('that failed has its exit code', async () => {
    sim.script('', { task: { pexit: '137' } });
    const { frames, ended } = await follow(await startTask());
    sim.speed = 2000;
    await ended;
    expect(events(frames).at(-1)).toMatchObject({ success: false, terminal: true, exitCode: 137 });
  });

  test('can be watched late, and by two connections', async () => {
    const task = await startTask();
    sim.script('', { holdAt: 'task_postprocess_start' });
    sim.speed = 2000;
    await task.reached('task_postprocess_start');
    const both = [await follow(task), await follow(task)]; // one after the other: each waits for its own call
    sim.release(task);
    for (const { frames, ended } of both) {
      await ended;
      expect(events(frames).map(({ type }) => type)).toEqual([
        'task_postprocess_start',
        'task_postprocess_end',
      ]);
    }
    const afterwards = await follow(task);
    await afterwards.ended;
    expect(events(afterwards.frames)).toMatchObject([
      { type: 'task_postprocess_end', message: [{ name: '0.mp4' }] },
    ]);
  });

  test('ends with task_cancel after a cancel', async () => {
    const task = await startTask();
    const { frames, ended } = await follow(task, 'task_cancel');
    task.stop();
    await ended;
    expect(events(frames).at(-1)).toMatchObject({
      ...{ type: 'task_cancel', message: null },
      ...{ success: false, terminal: true, exitCode: null },
    });
  });
});

describe('the record of calls', () => {
  test('contains the connection with its message and task', async () => {
    const task = await startTask();
    await follow(task);
    expect(sim.callsTo('/socket')).toMatchObject([
      { method: 'GET', path: '/v1', status: 101, json: { type: 'task_info', tasktoken: task.token }, task },
    ]);
    expect(sim.rejections()).toEqual([]);
  });

  test('other paths, other messages and unknown tokens are refused', async () => {
    const stray = new WebSocket(`${sim.url}/v2`);
    const [error] = (await once(stray, 'error')) as [Error];
    expect(error.message).toContain('404');
    for (const message of ['hello', '{"type":"task_info","tasktoken":"nobody"}']) {
      const socket = new WebSocket(sim.socketUrl);
      socket.on('open', () => socket.send(message));
      await sim.waitForCall('/socket', sim.callsTo('/socket').length + 1);
    }
    expect(sim.rejections().map(({ refused }) => refused)).toEqual([
      'There is no WebSocket at this path',
      'The message to the socket is no task_info',
      'The task_info names no task',
    ]);
  });
});

describe('faults of the socket', () => {
  test('refuse for all: the upgrade gets 503', async () => {
    sim.script('', { socket: 'refuse' });
    const socket = new WebSocket(sim.socketUrl);
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('503');
    expect(sim.callsTo('/socket')).toMatchObject([{ status: 503 }]);
    expect(sim.rejections()).toEqual([]);
  });

  test('refuse for some: the connection is closed when it names such a task', async () => {
    sim.script('boat', { socket: 'refuse' });
    const { closed, frames } = await follow(await startTask());
    expect(await closed).toBe(1013);
    expect(events(frames)).toEqual([]);
  });

  test('drop: the connection breaks, and again after the next connect', async () => {
    sim.script('', { socket: 'drop', holdAt: 'task_start' });
    const task = await startTask();
    const { closed, frames } = await follow(task);
    sim.speed = 2000;
    expect(await closed).toBe(1006);
    expect(events(frames).map(({ type }) => type)).toEqual([
      ...[
        'task_queue',
        'task_accept',
        'task_preprocess_start',
        'task_preprocess_end',
        'task_assign',
        'task_start',
      ],
    ]);
    const again = await follow(task);
    sim.release(task);
    expect(await again.closed).toBe(1006);
    expect(events(again.frames)).toHaveLength(6);
  });

  test('silent: nothing is sent, not even a greeting', async () => {
    sim.script('', { socket: 'silent' });
    const task = await startTask();
    const { frames, socket, closed } = await follow(task);
    sim.speed = 2000;
    await task.reached('task_postprocess_end');
    socket.close();
    await closed; // whatever was sent has arrived by now
    expect(frames).toEqual([]);
  });

  test('garbage: binary frames and invalid JSON between the events', async () => {
    sim.script('', { socket: 'garbage' });
    const { frames, ended } = await follow(await startTask());
    sim.speed = 2000;
    await ended;
    expect(frames.filter((frame) => frame === 'binary').length).toBeGreaterThan(10);
    expect(frames).toEqual(expect.arrayContaining(['null', '[]', '{"type":17}']));
    expect(frames.some((frame) => frame.includes('"percentage":"60"'))).toBe(true);
  });

  test('chatty: fifteen lines before each event', async () => {
    sim.script('', { socket: 'chatty' });
    const { frames, ended } = await follow(await startTask());
    sim.speed = 2000;
    await ended;
    const isChat = ({ message }: { message?: unknown }) => String(message).startsWith('Step ');
    const chat = events(frames).filter(isChat);
    const others = events(frames).filter((event) => !isChat(event) && event.type.startsWith('task_'));
    expect(others.length).toBeGreaterThan(10);
    expect(chat.length).toBe(15 * others.length);
  });

  const shapes: [SocketFault, unknown, unknown][] = [
    ['decimals', { percentage: '42.5', stepCurrent: '4' }, { percentage: '100.0' }],
    ['jsonText', '{"percentage":40,"stepCurrent":4}', '{"percentage":100,"stepCurrent":10}'],
    [
      'lines',
      `Video Process Status: Processing: [${'='.repeat(12)}${'-'.repeat(18)}] 40.0%`,
      `Video Process Status: Processing: [${'='.repeat(30)}] 100.0%`,
    ],
  ];
  test.for(shapes)('%s: progress in another format', async ([socket, fourth, tenth]) => {
    sim.script('', { socket });
    const { frames, ended } = await follow(await startTask());
    sim.speed = 2000;
    await ended;
    const outputs = events(frames).flatMap(({ type, message }) => (type === 'task_output' ? [message] : []));
    const progress = outputs.filter((message) => /percentage|Processing/.test(JSON.stringify(message)));
    expect(progress).toHaveLength(10);
    expect([progress[3], progress[9]]).toMatchObject([fourth, tenth]);
    expect(outputs).toContain('Loading model');
  });

  test('noPercent: all events but progress', async () => {
    sim.script('', { socket: 'noPercent' });
    const { frames, ended } = await follow(await startTask());
    sim.speed = 2000;
    await ended;
    expect(frames.some((frame) => frame.includes('percentage'))).toBe(false);
    expect(events(frames).map(({ type }) => type)).toContain('task_output');
  });
});
