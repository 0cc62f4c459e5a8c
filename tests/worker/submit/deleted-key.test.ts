// An Idempotency-Key stays used after its video was deleted: nothing is started again under its id.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem } from '../support/refusals.ts';
import { submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { type HeldRuns, startWithHeldRuns } from './held-runs.ts';

const DELETED = [410, 'deleted'] as const;

function remove(client: Service, id: string): Promise<Response> {
  return client.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
}

describe('a video that is deleted during its Run', () => {
  let runs: HeldRuns;
  let alice: Service;
  beforeAll(async () => {
    runs = await startWithHeldRuns({ secrets: { CLIENT_TOKENS } });
    alice = runs.service.as(ALICE);
  });
  afterAll(() => runs.close());

  test.for<[string, (run: Awaited<ReturnType<HeldRuns['next']>>) => unknown]>([
    ['429', (run) => run.answer(429)],
    ['started', (run) => run.pass()],
    ['502', (run) => run.answer(502)],
    [
      'refused',
      (run) =>
        run.answer(
          200,
          '{"result":false,"errors":[{"code":0,"message":"Request parameter [prompt] required"}]}',
        ),
    ],
  ])('is not started again, and its submit gets 410: %s', async ([name, answerRun]) => {
    const body = { prompt: `a letter recalled: ${name}.` };
    const submit = alice.submit(body, name);
    const run = await runs.next();
    const { data } = (await (await alice.fetch('/v1/videos?limit=1')).json()) as { data: Video[] };
    const { id, input } = data[0]!;
    expect(input.prompt).toBe(body.prompt);
    expect((await remove(alice, id)).status).toBe(200);
    await answerRun(run);
    await expectProblem(await submit, DELETED);
    const count = runs.count();
    // At once, and after the removal.
    await expectProblem(await alice.submit(body, name), DELETED);
    const task = runs.service.sim.tasks.find(({ prompt }) => prompt === body.prompt);
    if (task) await vi.waitUntil(() => task.status === 'task_cancel', 30_000);
    await expectProblem(await alice.submit(body, name), DELETED);
    await expectProblem(await alice.fetch(`/v1/videos/${id}`), [404, 'not_found']);
    expect(runs.count()).toBe(count);
  });
});

describe('the key of a deleted video', () => {
  let service: Service;
  let alice: Service;
  beforeAll(async () => {
    service = await startService({ secrets: { CLIENT_TOKENS } });
    alice = service.as(ALICE);
  });
  afterAll(() => service.close());

  async function deleted(key: string): Promise<Video> {
    const answer = await alice.submit({ prompt: `the first life of ${key}` }, key);
    expect(answer.status).toBe(202);
    const video = (await answer.json()) as Video;
    await alice.ended(video.id);
    await publishedRecord(service, video.id, 'completed');
    const completed = await alice.video(video.id);
    expect((await remove(alice, video.id)).status).toBe(200);
    return completed;
  }

  test('creates nothing, even with another request', async () => {
    const { id, urls } = await deleted('phoenix');
    const grant = new URL(urls.content!).search;
    // A second Run would be answered by a gateway, and the first job found by the callback URL.
    service.sim.script('a second life', { run: [{ kind: 'status', status: 502 }] });
    for (const prompt of ['a second life', 'the first life of phoenix']) {
      await expectProblem(await alice.submit({ prompt }, 'phoenix'), DELETED);
    }
    // The object is removed meanwhile.
    await vi.waitUntil(async () => (await service.bindings.VIDEOS.list()).objects.length === 0, 30_000);
    for (const prompt of ['a second life', 'the first life of phoenix']) {
      await expectProblem(await alice.submit({ prompt }, 'phoenix'), DELETED);
    }
    expect(service.sim.callsTo('/Run/')).toHaveLength(1);
    await expectProblem(await service.fetch(`/v1/videos/${id}/content${grant}`), [404, 'not_found']);
    await expectProblem(await alice.fetch(`/v1/videos/${id}`), [404, 'not_found']);
    await expectProblem(await remove(alice, id), [404, 'not_found']);
    expect((await service.bindings.TASKS.list()).keys).toEqual([]);
  });

  test('creates nothing in twenty concurrent submits', async () => {
    await deleted('hydra');
    const runs = service.sim.callsTo('/Run/').length;
    const submits = Array.from({ length: 20 }, () => alice.submit({ prompt: 'a new head' }, 'hydra'));
    for (const answer of await Promise.all(submits)) await expectProblem(answer, DELETED);
    expect(service.sim.callsTo('/Run/')).toHaveLength(runs);
  });

  test('stores no image of a refused submit', async () => {
    await deleted('portrait');
    const image = picture('image/png', 5000);
    const file = { name: 'inputImageFirst', filename: 'frame.png', value: image };
    const saying = alice.saying({ ...alice.headers, 'idempotency-key': 'portrait' });
    const answer = await submitForm(saying, [{ name: 'prompt', value: 'a portrait' }, file]);
    await expectProblem(answer, DELETED);
    await vi.waitUntil(async () => (await service.bindings.VIDEOS.list()).objects.length === 0, 30_000);
  });

  test('creates nothing after the video expired', async () => {
    const answer = await alice.submit({ prompt: 'a mayfly' }, 'mayfly');
    const { id } = (await answer.json()) as Video;
    const { expires_at } = await alice.ended(id);
    await publishedRecord(service, id, 'completed');
    await service.sweep(expires_at!);
    await vi.waitUntil(async () => (await service.bindings.VIDEOS.list()).objects.length === 0, 30_000);
    for (const prompt of ['a mayfly', 'another mayfly']) {
      await expectProblem(await alice.submit({ prompt }, 'mayfly'), DELETED);
    }
  });
});
