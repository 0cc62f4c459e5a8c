// A video is deleted while its image is being stored in R2: the image does not stay there.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { expectProblem } from '../support/refusals.ts';
import { MIB, picture } from '../support/requests/pictures.ts';
import type { Service } from '../support/service.ts';
import type { Video } from '../support/types.ts';
import { startWrapped } from '../support/wrapped.ts';

let service: Service;
beforeAll(async () => {
  service = await startWrapped('held-bucket-worker.js');
});
afterAll(() => service.close());

const control = async (name: string) => (await service.fetch(`/${name}`)).json();
const stored = async () => (await service.bindings.VIDEOS.list()).objects.map(({ key }) => key);

// Only a second submit with the same key knows the id this early.
test.each([
  ['in one write', 70_000],
  ['in parts', 6 * MIB],
])('an image that is stored %s after the deletion is removed', async (_, bytes) => {
  const prompt = `a boat of ${bytes} bytes`;
  service.sim.script(prompt, { holdAt: 'task_queue' });
  const submit = () => {
    const body = new FormData();
    body.set('prompt', prompt);
    body.set('inputImageFirst', new Blob([picture('image/png', bytes)]), 'frame.png');
    const headers = { 'idempotency-key': `a-boat-of-${bytes}` };
    return service.fetch('/v1/videos', { method: 'POST', headers, body });
  };
  await control('hold');
  const late = submit();
  await vi.waitUntil(() => control('held'), { timeout: 10_000 });
  const { id } = (await (await submit()).json()) as Video;
  expect(await stored()).toEqual([`inputs/${id}`]);
  expect((await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
  await vi.waitUntil(async () => (await stored()).length === 0, { timeout: 10_000 });
  await control('release');
  await expectProblem(await late, [410, 'deleted']);
  expect(await stored()).toEqual([]);
});
