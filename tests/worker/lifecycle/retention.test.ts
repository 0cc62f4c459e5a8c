// The cron trigger removes exactly what is older than RETENTION_DAYS from KV, R2 and the objects.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { expectProblem } from '../support/refusals.ts';
import { type Part, submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';

const DAY_SECONDS = 86_400;

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { RETENTION_DAYS: '2' } });
});
afterAll(() => service.close());

function withPicture(prompt: string): Promise<Response> {
  const file: Part = { name: 'inputImageFirst', filename: 'frame.png', value: picture('image/png', 5000) };
  return submitForm(service, [{ name: 'prompt', value: prompt }, file]);
}

/** The keys of everything that is stored, by what stores it. */
async function stored() {
  const [records, objects] = await Promise.all([
    service.bindings.TASKS.list(),
    service.bindings.VIDEOS.list(),
  ]);
  return {
    // The model description stays.
    kv: records.keys
      .map(({ name }) => name)
      .filter((name) => !name.startsWith('model:'))
      .sort(),
    r2: objects.objects.map(({ key }) => key).sort(),
    objects: (await service.objectIds()).length,
  };
}

async function completed(prompt: string): Promise<Video> {
  const response = await withPicture(prompt);
  const { id } = (await response.json()) as Video;
  const video = await service.ended(id);
  await publishedRecord(service, id, 'completed');
  return video;
}

test('expired videos, images, records and objects are removed, newer and unfinished ones stay', async () => {
  service.sim.script('refused', {
    run: [{ kind: 'error', code: 0, message: 'Request parameter [prompt] required' }],
  });
  service.sim.script('failing', { task: { pexit: '1' } });
  service.sim.script('held', { holdAt: 'task_start' });

  const held = (await (await withPicture('a held candle')).json()) as Video;
  await expectProblem(await withPicture('a refused candle'), [422, 'invalid_parameter']);
  const failing = (await (await withPicture('a failing candle')).json()) as Video;
  expect((await service.ended(failing.id)).status).toBe('failed');
  const old = await completed('an old candle');
  await vi.waitUntil(() => Date.now() / 1000 > old.completed_at! + 2, 5000);
  const young = await completed('a young candle');

  const everything = await stored();
  expect([everything.kv.length, everything.r2.length]).toEqual([5, 7]);
  expect(old.expires_at).toBe(old.completed_at! + 2 * DAY_SECONDS);
  await service.sweep(old.expires_at! - 60);
  expect((await stored()).r2).toEqual(everything.r2);

  await service.sweep(old.expires_at!);
  await vi.waitUntil(async () => (await stored()).kv.length === 2, 30_000);
  const left = await stored();
  expect(left.kv).toEqual([held, young].map(({ id }) => `video:${id}`).sort());
  expect(left.r2).toEqual([`inputs/${held.id}`, `inputs/${young.id}`, `videos/${young.id}/0.mp4`].sort());
  for (const path of [old.id, `${old.id}/content`, failing.id]) {
    await expectProblem(await service.fetch(`/v1/videos/${path}`), [404, 'not_found']);
  }
  expect(await service.video(young.id)).toMatchObject({ status: 'completed' });
  expect(await service.video(held.id)).toMatchObject({ status: 'in_progress' });

  // A callback after the removal is ignored and creates nothing.
  const task = await service.sim.waitForTask('an old candle');
  await service.fetch(new URL(task.callbackUrl).pathname, { method: 'POST' });
  expect(await stored()).toEqual(left);

  await service.sweep(young.expires_at! + 1);
  await vi.waitUntil(async () => (await stored()).kv.length === 1, 30_000);
  service.sim.release(await service.sim.waitForTask('a held candle'));
  expect(await service.ended(held.id)).toMatchObject({ status: 'completed' });
});
