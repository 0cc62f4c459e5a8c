// Files that were stored in R2 after the deletion of their video are found by the sweep.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';

const HOUR = 3600;

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '3600' } });
});
afterAll(() => service.close());

async function submitted(prompt: string): Promise<string> {
  service.sim.script(prompt, { holdAt: 'task_start' });
  const file = { name: 'inputImageFirst', filename: 'frame.png', value: picture('image/png', 5000) };
  const answer = await submitForm(service, [{ name: 'prompt', value: prompt }, file]);
  expect(answer.status).toBe(202);
  return ((await answer.json()) as Video).id;
}

const exists = async (key: string) => (await service.bindings.VIDEOS.head(key)) !== null;

test('objects in R2 without a video are removed after an hour; others stay', async () => {
  const kept = await submitted('a boat that stays');
  const deleted = await submitted('a boat that goes');
  await service.fetch(`/v1/videos/${deleted}`, { method: 'DELETE' });
  await expect.poll(() => exists(`inputs/${deleted}`), { timeout: 30_000 }).toBe(false);
  const leftovers = [`inputs/${deleted}`, `videos/${deleted}/0.mp4`];
  for (const key of leftovers) await service.bindings.VIDEOS.put(key, 'late');

  const now = Math.floor(Date.now() / 1000);
  await service.sweep(now + HOUR - 60);
  expect(await Promise.all(leftovers.map(exists))).toEqual([true, true]);
  await service.sweep(now + HOUR + 60);
  expect(await Promise.all(leftovers.map(exists))).toEqual([false, false]);
  expect(await exists(`inputs/${kept}`)).toBe(true);
});
