// A Run whose answer was lost although the job was created: the job is found by its callback URL and adopted, and Run
// is not sent again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunFault } from '../../../sim/index.ts';
import { onlyRun } from '../support/runs.ts';
import { type Service, startService } from '../support/service.ts';

const LOST: RunFault = { kind: 'lost', how: 'status' };

describe('a lost job is found in Wiro’s list', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ sim: { speed: 120 } });
  });
  afterAll(() => service.close());

  test.for<[string, RunFault]>([
    ['HTTP 502', LOST],
    ['garbage', { kind: 'lost', how: 'garbage' }],
  ])('without any callback: %s', async ([name, fault]) => {
    const prompt = `a diver without a rope, ${name}`;
    service.sim.script(prompt, { run: [fault], callback: { lost: true } });
    const { id } = await service.accepted({ prompt });
    expect(await service.ended(id)).toMatchObject({ status: 'completed', error: null });
    expect(onlyRun(service.sim, prompt).task?.prompt).toBe(prompt);
  });

  test('after a hundred newer jobs', async () => {
    const prompt = 'a diver in deep water';
    service.sim.script(prompt, { run: [LOST], callback: { lost: true } });
    service.sim.script('', { list: Array(2).fill({ kind: 'status', status: 500 }) });
    const { id } = await service.accepted({ prompt });
    const others = Array.from({ length: 100 }, (_, index) =>
      service.accepted({ prompt: `swimmer ${index}` }),
    );
    await Promise.all(others);
    expect(await service.ended(id)).toMatchObject({ status: 'completed' });
    onlyRun(service.sim, prompt);
  });
});

describe('if the list has neither callback URLs nor parameters', () => {
  let service: Service;
  beforeAll(async () => {
    const vars = { POLL_SECONDS: '0.2,3600' };
    service = await startService({ vars, sim: { speed: 120, listCallbackUrl: false, parametersAs: 'none' } });
  });
  afterAll(() => service.close());

  test.for(['detail', 'bare', 'form'] as const)('a callback as %s names the lost job', async (body) => {
    const prompt = `a kite on a string, ${body}`;
    service.sim.script(prompt, { run: [LOST], callback: { body } });
    const { id } = await service.accepted({ prompt });
    expect(await service.ended(id)).toMatchObject({ status: 'completed' });
    onlyRun(service.sim, prompt);
  });

  test('a callback that names a job of another video does not', async () => {
    const stranger = await service.accepted({ prompt: 'a stranger in the street' });
    const other = await service.sim.waitForTask('a stranger in the street');
    const prompt = 'a kite that got away';
    const lie = JSON.stringify({ id: other.id, socketaccesstoken: other.token });
    service.sim.script(prompt, {
      run: [LOST],
      callback: { body: { contentType: 'application/json', body: lie } },
    });
    const { id } = await service.accepted({ prompt });
    const task = await service.sim.waitForTask(prompt);
    await task.calledBack();
    expect(await service.ended(stranger.id)).toMatchObject({ status: 'completed' });
    expect(await service.video(id)).toMatchObject({ status: 'in_progress', output: null });
  });
});

test('a callback after the deadline resumes a video that had failed', async () => {
  const service = await startService({
    vars: { TASK_DEADLINE_SECONDS: '4' },
    sim: { listCallbackUrl: false, parametersAs: 'none' },
  });
  try {
    const prompt = 'a message in a bottle';
    service.sim.script(prompt, { run: [LOST], holdAt: 'task_start' });
    const { id } = await service.accepted({ prompt });
    expect(await service.ended(id)).toMatchObject({
      status: 'failed',
      error: { code: 'submission_unknown' },
    });
    const task = await service.sim.waitForTask(prompt);
    service.sim.release(task);
    expect(await service.until(id, ({ status }) => status === 'completed')).toMatchObject({ error: null });
    onlyRun(service.sim, prompt);
  } finally {
    await service.close();
  }
});
