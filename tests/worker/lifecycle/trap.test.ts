// A wasm trap interrupts only the requests that are being handled.
import { expect, test, vi } from 'vitest';
import type { Service } from '../support/service.ts';
import { startWrapped } from '../support/wrapped.ts';

test('after a wasm trap the Worker starts again, and its videos continue', async () => {
  // No request is pending at the trap, because a pending one would be lost.
  const vars = { POLL_SECONDS: '1,600' };
  const service = await startWrapped('spoilt-worker.js', { vars, sim: { speed: 600 } });
  service.sim.script('a phoenix', { holdAt: 'task_start' });
  const { id } = await service.accepted({ prompt: 'a phoenix' });
  const task = await service.sim.waitForTask('a phoenix');
  await service.until(id, ({ stage }) => stage === 'task_start');

  expect(await (await service.fetch('/spoil')).text()).toBe('broken');
  // The first request causes the trap.
  await unanswered(service, '/health');
  await healthy(service);

  task.release();
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
  expect((await service.fetch(`/v1/videos/${id}/content`)).status).toBe(200);
  // These log lines would fail any other test.
  await expect(service.close()).rejects.toThrow('RuntimeError');
});

test('after an exception in wasm the Worker starts again', { timeout: 60_000 }, async () => {
  const service = await startWrapped('spoilt-worker.js');
  await survives(service, '/interrupt');
  await service.close();
});

test('after an exception behind an await the Worker starts again', { timeout: 60_000 }, async () => {
  const service = await startWrapped('spoilt-worker.js');
  await survives(service, '/interrupt-later');
  await expect(service.close()).rejects.toThrow('RuntimeError');
});

async function survives(service: Service, breakIt: string): Promise<void> {
  await healthy(service);
  expect(await (await service.fetch(breakIt)).text()).toBe('broken');
  const headers = { 'content-type': 'application/json' };
  await unanswered(service, '/v1/videos', { method: 'POST', headers, body: '{"prompt":"an eclipse"}' });
  await healthy(service);

  const { id } = await service.accepted({ prompt: 'a sunrise' });
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
}

/** A request that breaks what would answer it may hear of nothing at all. */
async function unanswered(service: Service, path: string, init?: RequestInit): Promise<void> {
  await service.fetch(path, { ...init, signal: AbortSignal.timeout(3000) }).catch(() => {});
}

async function healthy(service: Service): Promise<void> {
  const ask = () => service.fetch('/health', { signal: AbortSignal.timeout(2000) });
  await vi.waitFor(async () => expect((await ask()).status).toBe(200), 30_000);
}
