// Broken connections: a Run that may have arrived is never sent again, everything else is retried.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CdnFault, DetailFault, RunFault } from '../../../sim/index.ts';
import { anotherLife } from '../events/another-life.ts';
import { withoutSize } from '../support/output-rows.ts';
import { sampleSha256, storedSample } from '../support/sample.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord, storedVideo } from '../support/stored.ts';
import { callsAbout, detailCalls, runsOf } from '../support/upstream-calls.ts';

/** What the Worker waits for an answer to Task/Detail. */
const DETAIL_PATIENCE_MS = 30_000;

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

describe('Run over a bad connection', () => {
  test.each<[string, RunFault, number]>([
    ['is reset before Wiro has processed it', { kind: 'reset' }, 0],
    ["is processed and its answer's connection reset", { kind: 'lost', how: 'reset' }, 1],
    ['is processed and answered with 502', { kind: 'lost', how: 'status' }, 1],
    ['is processed and its answer cut off', { kind: 'lost', how: 'garbage' }, 1],
  ])('%s: accepted, and Run is never sent again', async (name, fault, tasks) => {
    const prompt = `a boat whose Run ${name}`;
    service.sim.script(prompt, { run: [fault], callback: { lost: true }, holdAt: 'task_start' });
    const { id, status, error } = await service.accepted({ prompt });
    expect({ status, error }).toEqual({ status: 'in_progress', error: null });
    const { metadata } = await publishedRecord(service, id, 'in_progress');
    expect(metadata?.status).toBe('in_progress');
    for (const task of service.sim.tasks) service.sim.release(task);
    await anotherLife(service, `a boat after one whose Run ${name}`);
    expect(runsOf(service.sim, prompt)).toHaveLength(1);
    expect(service.sim.tasks.filter((task) => task.prompt === prompt)).toHaveLength(tasks);
  });
});

describe('an output over a bad connection', () => {
  test.concurrent.each<[string, CdnFault['kind'], boolean]>([
    ['is cut off', 'cut', true],
    ['is cut off, its size unknown to Detail', 'cut', false],
    ['without a length is cut off', 'cut-no-length', true],
    ['without a length is cut off, its size unknown', 'cut-no-length', false],
  ])('%s: fetched again until it is complete', async (name, kind, sizeKnown) => {
    const prompt = `a boat whose film ${name}.`;
    const fault = { kind } as CdnFault;
    service.sim.script(prompt, { cdn: [fault, fault, fault], task: sizeKnown ? {} : withoutSize });
    const { id } = await service.accepted({ prompt });
    const video = await service.ended(id);
    expect(video).toMatchObject({ status: 'completed', output: { sha256: sampleSha256 } });
    expect(await storedVideo(service, id)).toEqual(storedSample);
    const task = await service.sim.waitForTask(prompt);
    expect(callsAbout(service.sim, task, '/cdn/')).toHaveLength(4);
  });

  test('of many parts that breaks in the middle: nothing of the first attempt stays', async () => {
    const bytes = 24 * 2 ** 20;
    const prompt = 'a boat whose long film is cut off';
    service.sim.script(prompt, { output: { bytes }, cdn: [{ kind: 'cut-no-length' }], task: withoutSize });
    const { id } = await service.accepted({ prompt });
    const video = await service.ended(id);
    const task = await service.sim.waitForTask(prompt);
    const sha256 = await task.outputs[0]?.sha256();
    expect(video).toMatchObject({ status: 'completed', output: { size: bytes, sha256 } });
    expect(await storedVideo(service, id)).toEqual({ size: bytes, sha256, contentType: 'video/mp4' });
    expect(callsAbout(service.sim, task, '/cdn/')).toHaveLength(2);
  });
});

describe('Task/Detail over a bad connection', () => {
  test.concurrent.each<[string, DetailFault[]]>([
    ['is reset', [{ kind: 'reset' }, { kind: 'reset' }, { kind: 'reset' }]],
    ['is processed and its answer reset', [{ kind: 'lost', how: 'reset' }]],
    ['is never answered', [{ kind: 'hang' }]],
  ])('%s: asked again', { timeout: DETAIL_PATIENCE_MS * 3 }, async (name, detail) => {
    const prompt = `a boat whose Detail ${name}.`;
    service.sim.script(prompt, { detail });
    const { id } = await service.accepted({ prompt });
    expect((await service.ended(id, DETAIL_PATIENCE_MS * 2)).status).toBe('completed');
    expect(await storedVideo(service, id)).toEqual(storedSample);
    const task = await service.sim.waitForTask(prompt);
    expect(detailCalls(service.sim, task).length).toBeGreaterThan(detail.length);
  });
});
