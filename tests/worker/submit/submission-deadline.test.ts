// A submit whose start is never confirmed fails at its deadline, and Run was never sent unsafely.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunFault } from '../../../sim/index.ts';
import { type Service, startService } from '../support/service.ts';
import { runsOf } from '../support/upstream-calls.ts';

const DEADLINE_SECONDS = 5;

let service: Service;
beforeAll(async () => {
  const vars = { TASK_DEADLINE_SECONDS: String(DEADLINE_SECONDS) };
  // The job takes a tenth of a second, less than the deadline.
  service = await startService({ vars, sim: { speed: 600 } });
});
afterAll(() => service.close());

/** Resolves when a video that was submitted after everything before has been made. */
async function anotherIsMade(): Promise<void> {
  const { id } = await service.accepted({ prompt: 'one more, in time' });
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
}

describe('a job whose Run may have started', () => {
  const unknown: [string, RunFault][] = [
    ['HTTP 500', { kind: 'status', status: 500 }],
    ['garbage', { kind: 'garbage' }],
  ];
  test.for(unknown)('ends as submission_unknown: %s', async ([name, fault]) => {
    const prompt = `a letter that never came, ${name}`;
    service.sim.script(prompt, { run: [fault] });
    const { id, created_at } = await service.accepted({ prompt });
    const video = await service.ended(id);
    expect(video).toMatchObject({
      status: 'failed',
      stage: 'done',
      output: null,
      cost_usd: null,
      error: { code: 'submission_unknown', message: expect.stringMatching(/\w/) },
      completed_at: expect.any(Number),
      expires_at: expect.any(Number),
    });
    expect(video.completed_at! - created_at).toBeGreaterThanOrEqual(DEADLINE_SECONDS - 1);
    await anotherIsMade();
    expect(runsOf(service.sim, prompt)).toHaveLength(1);
    expect(await service.video(id)).toEqual(video);
  });
});

test('a job whose Run is always refused ends as upstream_unavailable', async () => {
  const prompt = 'a bus that is always full';
  const full: RunFault = { kind: 'error', code: 96, message: 'Concurrent task limit for your balance' };
  service.sim.script(prompt, { run: Array(200).fill(full) });
  const { id } = await service.accepted({ prompt });
  const video = await service.ended(id);
  expect(video).toMatchObject({ status: 'failed', stage: 'done', error: { code: 'upstream_unavailable' } });
  expect(video.error!.message).not.toMatch(/balance|account|limit/i);
  const runs = runsOf(service.sim, prompt).length;
  expect(runs).toBeGreaterThan(5);
  expect(runs).toBeLessThan(80);
  await anotherIsMade();
  expect(runsOf(service.sim, prompt)).toHaveLength(runs);
});
