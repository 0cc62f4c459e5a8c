// Control over HTTP, and the command line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline/promises';
import { expect, test } from 'vitest';
import { startSim } from '../../sim/index.ts';
import { run } from './support/client.ts';

test('the control API inspects, scripts and releases tasks and changes the speed', async () => {
  const sim = await startSim({ speed: 0 });
  const control = async (path: string, body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : {};
    const response = await fetch(`${sim.url}/control/${path}`, init);
    return { status: response.status, json: (await response.json()) as unknown };
  };
  await control('script', {
    prompt: 'boat',
    faults: { holdAt: 'task_queue', run: [{ kind: 'error', code: 96 }] },
  });
  expect(await run(sim)).toMatchObject({ errors: [{ code: 96 }] });
  const { taskid } = await run(sim);
  expect(await control('speed', { speed: 2000 })).toEqual({ status: 200, json: { speed: 2000 } });
  const tasks = await control('tasks');
  expect(tasks.json).toMatchObject([
    { id: taskid, prompt: 'a paper boat on a puddle', status: 'task_queue' },
  ]);
  expect(await control('solve', { hostname: 'localhost' })).toMatchObject({
    json: { token: sim.secrets()[3] },
  });
  expect(await control('release', { task: taskid })).toMatchObject({ status: 200, json: { id: taskid } });
  await sim.tasks[0]!.reached('task_postprocess_end');
  const calls = await control('calls');
  expect(calls.json).toMatchObject([{ status: 200 }, { status: 200, task: { id: taskid } }]);
  for (const [path, body] of [
    ['release', { task: 'x' }],
    ['speed', { speed: 'fast' }],
    ['script', { prompt: 1 }],
    ['solve', {}],
    ['stop', {}],
  ] as const) {
    expect((await control(path, body)).status, path).toBe(400);
  }
  const plain = await fetch(`${sim.url}/control/speed`, { method: 'POST', body: '{"speed":1}' });
  expect([plain.status, sim.speed]).toEqual([415, 2000]);
  await sim.close();
});

test('the command-line program runs until it is stopped', async () => {
  const child = spawn(process.execPath, [
    'sim/main.ts',
    '--port',
    '0',
    '--no-secret',
    '--key',
    'k',
    '--speed',
    '9',
  ]);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const settings: Record<string, string> = {};
  for (let i = 0; i < 6; i++) {
    const [name, value] = String((await lines.next()).value).split('=');
    settings[name!] = value!;
  }
  expect(settings).toMatchObject({
    WIRO_API_KEY: 'k',
    WIRO_SOCKET_URL: expect.stringMatching(/^ws:.*\/v1$/),
    TURNSTILE_VERIFY_URL: expect.stringMatching(/^http:.*\/siteverify$/),
  });
  const headers = { 'x-api-key': 'k', 'content-type': 'application/json' };
  const listed = await fetch(`${settings.WIRO_API_URL}/Task/List`, { method: 'POST', headers, body: '{}' });
  expect(await listed.json()).toMatchObject({ result: true, tasklist: [] });
  expect((await lines.next()).value).toMatch(/^control: /);
  expect((await lines.next()).value).toBe('POST /v1/Task/List 200');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
