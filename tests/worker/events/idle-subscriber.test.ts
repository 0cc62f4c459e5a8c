// A subscriber that reads nothing is cut off while the video is still being made. Between two Workers there is no buffer of
// the operating system, so nothing of it passes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Service } from '../support/service.ts';
import { followed } from '../support/upstream-calls.ts';
import { startWrapped } from '../support/wrapped.ts';

/** Two to three intervals of 15 s, and time for a busy machine. */
const CUT_OFF_MS = 120_000;

let service: Service;
beforeAll(async () => {
  service = await startWrapped('idle-subscriber-worker.js', {
    vars: { POLL_SECONDS: '600' },
    sim: { speed: 30 },
  });
});
afterAll(() => service.close());

test('a subscriber that takes no event is cut off', async () => {
  const prompt = 'a sleeping parrot';
  service.sim.script(prompt, { holdAt: 'task_start', socket: 'chatty' });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  const holding = new AbortController();
  const held = fetch(`${service.origin}/hold/${id}`, { signal: holding.signal }).catch(() => undefined);
  await followed(service.sim, task);
  // The Worker follows the job at Wiro as long as it has a subscriber.
  await expect.poll(() => task.watchers, { timeout: CUT_OFF_MS }).toBe(0);
  expect(task.status).toBe('task_start');
  holding.abort();
  await held;
});
