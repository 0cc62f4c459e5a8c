// The result of a job: which output is the video, the reason of a failure, ignored images, and deleted files.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { filePart, uploaded } from '../support/requests/uploads.ts';
import { type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { PURGE_UPSTREAM: 'true' }, sim: { speed: 120 } });
});
afterAll(() => service.close());

describe.concurrent('the output of a job', () => {
  test('is chosen by its type', async () => {
    const prompt = 'a preview stands in front of it';
    service.sim.script(prompt, { output: { preview: true } });
    const { id } = await service.accepted({ prompt });
    expect(await service.ended(id)).toMatchObject({
      status: 'completed',
      output: { content_type: 'video/mp4' },
    });
  });

  test('may appear on the CDN some time after the end', async () => {
    const prompt = 'the file comes later';
    service.sim.script(prompt, { output: { delaySeconds: 600 } });
    const { id } = await service.accepted({ prompt });
    expect(await service.ended(id)).toMatchObject({ status: 'completed' });
    expect(service.sim.callsTo('/cdn/').some(({ status }) => status === 404)).toBe(true);
  });
});

describe.concurrent('a failed run', () => {
  test.for([
    [
      'The prompt was refused by moderation.',
      'The model ended without a video: The prompt was refused by moderation.',
    ],
    ['CUDA out of memory\n', 'The model ended without a video: CUDA out of memory'],
    ['your account has no credit', 'The model ended without a video. Try another prompt or image.'],
    ['see https://api.wiro.ai/log/7', 'The model ended without a video: see […]'],
  ])('has a reason without details of the account: %s', async ([reason, message]) => {
    const prompt = `it fails, because ${reason}`;
    service.sim.script(prompt, { task: { pexit: '1', reason: reason!, cost: '0' } });
    const { id } = await service.accepted({ prompt });
    expect(await service.ended(id)).toMatchObject({
      status: 'failed',
      cost_usd: null,
      error: { code: 'generation_failed', message },
    });
  });

  test('that was charged shows its cost in cost_usd only', async () => {
    const prompt = 'it fails and costs';
    service.sim.script(prompt, { task: { pexit: '1', cost: '0.28' } });
    const { id } = await service.accepted({ prompt });
    const video = await service.ended(id);
    expect(video).toMatchObject({ status: 'failed', cost_usd: '0.28' });
    expect(video.error?.message).not.toMatch(/charg|paid|cost/i);
  });

  test('that stays in task_error is logged with its reason', async () => {
    const prompt = 'it is stuck for good';
    service.sim.script(prompt, { task: { sticks: 'task_error', reason: 'Output folder creation failed' } });
    const { id } = await service.accepted({ prompt });
    const isTold = (line: string) => line.includes(id) && line.includes('Output folder creation failed');
    await vi.waitUntil(() => service.logs().some(isTold), { timeout: 30_000 });
    expect(await service.video(id)).toMatchObject({ status: 'in_progress', stage: 'task_error' });
    await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
  });
});

test('an image that Wiro ignored is a warning and a log line', async () => {
  const prompt = 'a picture that is overlooked';
  const without = (row: Record<string, unknown>) => ({ ...row, parameters: { prompt } });
  service.sim.script(prompt, { task: { patch: without } });
  const frame = { name: 'inputImageFirst', value: picture('image/png', 900), filename: 'a.png' };
  const response = await submitForm(service, [{ name: 'prompt', value: prompt }, frame]);
  const { id } = (await response.json()) as Video;
  expect(await service.ended(id)).toMatchObject({ status: 'completed', warnings: ['first_frame_ignored'] });
  const lines = service.logs().filter((line) => line.includes(id) && line.includes('ignored an image'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('"level":"error"');
});

test('an image in Wiro’s storage is kept when the files of a job are deleted', async () => {
  const file = await uploaded(service, filePart(picture('image/png', 700)));
  const prompt = 'a picture that others use';
  const { id } = await service.accepted({ prompt, inputImageFirstUrl: file.url });
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
  const task = await service.sim.waitForTask(prompt);
  const { id: other } = await service.accepted({ prompt: 'a job without one' });
  await service.ended(other);
  const purged = await service.sim.waitForTask('a job without one');
  await expect.poll(() => purged.deleted).toBe(true);
  await expect
    .poll(() => service.logs().some((line) => line.includes(id) && line.includes('files were kept')))
    .toBe(true);
  expect(task.deleted).toBe(false);
  expect((await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
});
