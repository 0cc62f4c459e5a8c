// A trap takes with it what was under way in that moment, and nothing else.
import { expect, test, vi } from 'vitest';
import { startWrapped } from './wrapped.ts';

test('after a trap the Worker begins anew, and its videos go on', { timeout: 60_000 }, async () => {
  const service = await startWrapped('spoilt-worker.js');
  service.sim.script('a phoenix', { holdAt: 'task_start' });
  const { id } = await service.accepted({ prompt: 'a phoenix' });
  const task = await service.sim.waitForTask('a phoenix');
  await service.until(id, ({ stage }) => stage === 'task_start');

  expect(await (await service.fetch('/spoil')).text()).toBe('spoilt');
  // Whoever comes first meets the trap, and may hear of nothing at all.
  await service.fetch('/health', { signal: AbortSignal.timeout(3000) }).catch(() => {});
  await vi.waitFor(async () => expect((await service.fetch('/health')).status).toBe(200), 10_000);

  task.release();
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
  expect((await service.fetch(`/v1/videos/${id}/content`)).status).toBe(200);
  // What the runtime logged of it is what every other test fails at.
  await expect(service.close()).rejects.toThrow('RuntimeError');
});
