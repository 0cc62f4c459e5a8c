// KV or R2 fail for a while: nothing is lost or paid twice, and pending work is finished afterwards.
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Faults, SimTask } from '../../../sim/index.ts';
import { type DirectService, startDirect } from '../support/direct.ts';
import { withoutSize } from '../support/output-rows.ts';
import { expectProblem, type Refusal } from '../support/refusals.ts';
import type { Body } from '../support/requests/bodies.ts';
import { MIB, picture } from '../support/requests/pictures.ts';
import { onlyRun } from '../support/runs.ts';
import { storedSample } from '../support/sample.ts';
import { isVideoStored, publishedRecord, sha256, storedRecord, storedVideo } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { called, outputFetched, runsOf } from '../support/upstream-calls.ts';
import { type Outage, startOutage } from './storage-outage.ts';

const COPY_DEADLINE_SECONDS = 10;
const INTERNAL: Refusal = [500, 'internal'];

let service: DirectService;
/** Was there before any outage. */
let early: Video;
beforeAll(async () => {
  const vars = { COPY_DEADLINE_SECONDS: String(COPY_DEADLINE_SECONDS), PURGE_UPSTREAM: 'true' };
  service = await startDirect({ vars });
  const { id } = await service.accepted({ prompt: 'a boat before the flood' });
  early = await service.ended(id);
  await publishedRecord(service, id, 'completed');
});
afterAll(() => service.close());

/** However the test ends, the next one has its storage again. */
function outageOf(storage: 'kv' | 'r2'): Outage {
  const outage = startOutage(service, storage);
  onTestFinished(() => outage.end());
  return outage;
}

/** A video whose task is about to end. */
async function almostDone(prompt: string, faults: Faults = {}): Promise<{ id: string; task: SimTask }> {
  service.sim.script(prompt, { ...faults, holdAt: 'task_postprocess_start' });
  const { id } = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  await task.reached('task_postprocess_start');
  return { id, task };
}

/** Resolves when the Worker has logged this about the video, with the number of lines up to there. */
function logged(id: string, words: string, from = 0): Promise<number> {
  const isIt = (line: string, index: number) => index >= from && line.includes(id) && line.includes(words);
  return vi.waitUntil(() => service.logs().findIndex(isIt) + 1, { timeout: 30_000 });
}

function submitImage(prompt: string, image: Body, headers: HeadersInit = {}): Promise<Response> {
  const body = new FormData();
  body.set('prompt', prompt);
  body.set('inputImageFirst', new Blob([image]), 'first.png');
  return service.fetch('/v1/videos', { method: 'POST', headers, body });
}

describe('R2 fails', () => {
  const lengthless: Faults = {
    cdn: Array.from({ length: 1000 }, () => ({ kind: 'no-length' })),
    task: withoutSize,
  };
  test.each<[string, Faults]>([
    ['of known length', {}],
    ['of unknown length', lengthless],
    ['of known length in many chunks', { output: { bytes: 6 * MIB } }],
    ['of unknown length in many parts', { ...lengthless, output: { bytes: 6 * MIB } }],
  ])('the copy of a video %s is retried until R2 works again', async (name, faults) => {
    const { id, task } = await almostDone(`a boat without a harbour, ${name}.`, faults);
    const outage = outageOf('r2');
    service.sim.release(task);
    await outputFetched(service.sim, task, 3);
    expect(await service.video(id)).toMatchObject({ status: 'in_progress', stage: 'storing', output: null });
    outage.end();
    const video = await service.ended(id);
    const sha256 = await task.outputs[0]?.sha256();
    expect(video).toMatchObject({ status: 'completed', output: { sha256 } });
    expect(await storedVideo(service, id)).toMatchObject({ sha256, contentType: 'video/mp4' });
    onlyRun(service.sim, task.prompt);
  });

  test('for too long: the video fails with storage_failed', async () => {
    const { id, task } = await almostDone('a boat whose harbour is gone');
    const outage = outageOf('r2');
    service.sim.release(task);
    const video = await service.ended(id, 2 * COPY_DEADLINE_SECONDS * 1000);
    expect(video).toMatchObject({ status: 'failed', error: { code: 'storage_failed' }, output: null });
    outage.end();
    expect(await storedVideo(service, id)).toBeUndefined();
  });

  test('content is an error without details, and works again afterwards', async () => {
    const path = `/v1/videos/${early.id}/content`;
    const outage = outageOf('r2');
    for (const headers of [{}, { range: 'bytes=0-99' }] as HeadersInit[]) {
      const { detail } = await expectProblem(await service.fetch(path, { headers }), INTERNAL);
      expect(detail).not.toMatch(/r2|bucket|storage/i);
    }
    outage.end();
    const response = await service.fetch(path);
    expect((await response.arrayBuffer()).byteLength).toBe(storedSample.size);
  });

  test.each([
    ['of one part', 70_000],
    ['of many parts', 6 * MIB],
  ])('a submit with an image %s costs nothing, and may be repeated', async (name, bytes) => {
    const prompt = `a boat with a figurehead ${name}`;
    const image = picture('image/png', bytes);
    const submit = () => submitImage(prompt, image, { 'idempotency-key': `figurehead-${bytes}` });
    const outage = outageOf('r2');
    await expectProblem(await submit(), INTERNAL);
    expect(runsOf(service.sim, prompt)).toEqual([]);
    outage.end();
    const response = await submit();
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as Video;
    expect((await service.ended(id)).status).toBe('completed');
    expect(onlyRun(service.sim, prompt).file?.sha256).toBe(sha256(image));
  });

  test('a job whose image cannot be read waits', async () => {
    const prompt = 'a boat that waits for its figurehead';
    const image = picture('image/png', 70_000);
    service.sim.script(prompt, { run: [{ kind: 'status', status: 429, retryAfter: 2 }] });
    const submit = submitImage(prompt, image);
    await service.sim.waitForCall('/Run/', 1, ({ fields }) => fields?.prompt === prompt);
    const outage = outageOf('r2');
    const { id } = (await (await submit).json()) as Video;
    await logged(id, 'sending Run failed');
    expect(await service.video(id)).toMatchObject({ status: 'queued', error: null });
    outage.end();
    expect((await service.ended(id)).status).toBe('completed');
    const images = runsOf(service.sim, prompt).map(({ file }) => file?.sha256);
    expect(images).toEqual(Array(2).fill(sha256(image)));
  });
});

test('a video that is deleted before its record was published is not published, even if R2 keeps its file', async () => {
  const letGo = Promise.withResolvers<void>();
  const { id, task } = await almostDone('a boat that sank in its harbour', {
    delete: [{ kind: 'hang', until: letGo.promise }],
  });
  service.sim.release(task);
  // The video is completed, and is published after the deletion of Wiro's files.
  await called(service.sim, task, '/Task/InputOutputDelete');
  const outage = outageOf('r2');
  expect((await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
  letGo.resolve();
  await logged(id, 'removing the video failed');
  expect(await storedRecord(service, id)).toBeUndefined();
  await expectProblem(await service.fetch(`/v1/videos/${id}`), [404, 'not_found']);
  outage.end();
  await vi.waitUntil(async () => !(await isVideoStored(service, id)), { timeout: 30_000 });
});

describe('KV fails', () => {
  test('a job completes, and its record is published when KV works again', async () => {
    const prompt = 'a boat that no register takes';
    const outage = outageOf('kv');
    const { id } = await service.accepted({ prompt });
    const done = await logged(id, '"status":"completed"');
    await logged(id, 'publishing the record failed', done);
    outage.end();
    expect((await publishedRecord(service, id, 'completed')).metadata?.status).toBe('completed');
    expect(await storedVideo(service, id)).toEqual(storedSample);
    expect((await storedRecord(service, id))?.record.output).toEqual((await service.video(id)).output);
    onlyRun(service.sim, prompt);
  });

  test('the status can still be read', async () => {
    const outage = outageOf('kv');
    expect(await service.video(early.id)).toEqual(early);
    outage.end();
  });
});
