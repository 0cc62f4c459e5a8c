// A permanent fault fails at its deadline with the right code, and leaves nothing behind.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CdnFault, Faults } from '../../../sim/index.ts';
import { type ForeignHost, startForeignHost } from '../content/foreign-host.ts';
import { patchOutputs } from '../support/output-rows.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord, storedVideo } from '../support/stored.ts';
import { callsAbout, detailCalls, runsOf } from '../support/upstream-calls.ts';

/** More faults than there are tries before any deadline here. */
const FOR_EVER = 1000;

/** Time for a few tries, on a busy machine too. */
const TASK_DEADLINE_SECONDS = 5;
const COPY_DEADLINE_SECONDS = 3;

/** Whose jobs have little time, and whose copies. */
let hasty: Service;
let full: Service;
let foreign: ForeignHost;
beforeAll(async () => {
  const vars = { TASK_DEADLINE_SECONDS: String(TASK_DEADLINE_SECONDS) };
  hasty = await startService({ vars, sim: { speed: 600 } });
  full = await startService({
    vars: { COPY_DEADLINE_SECONDS: String(COPY_DEADLINE_SECONDS) },
    sim: { speed: 600 },
  });
  foreign = await startForeignHost();
});
afterAll(async () => {
  await foreign.close();
  await hasty.close();
  await full.close();
});

function always<T>(fault: T): T[] {
  return Array.from({ length: FOR_EVER }, () => fault);
}

async function expectFailed(service: Service, id: string, code: string): Promise<void> {
  const video = await service.ended(id);
  expect(video).toMatchObject({ status: 'failed', stage: 'done', output: null, error: { code } });
  expect(video.error?.message).toMatch(/\w/);
  expect(await storedVideo(service, id)).toBeUndefined();
  expect((await publishedRecord(service, id, 'failed')).record.error?.code).toBe(code);
  expect((await service.fetch(`/v1/videos/${id}/content`)).status).toBe(404);
}

describe('upstream_timeout', () => {
  test.concurrent.each<[string, Faults]>([
    ['a task that never ends', { task: { never: true } }],
    ['a task that stays in the queue', { holdAt: 'task_queue' }],
    [
      'a Detail that never answers well',
      { detail: always({ kind: 'status', status: 500 }), callback: { lost: true } },
    ],
    ['a task that is gone', { detail: always({ kind: 'error', code: 1, message: 'Task not found' }) }],
    ['a task whose status is never told', { task: { patch: () => ({}) } }],
  ])('%s', async (name, faults) => {
    const prompt = `too late: ${name}.`;
    hasty.sim.script(prompt, faults);
    const { id, created_at } = await hasty.accepted({ prompt });
    await expectFailed(hasty, id, 'upstream_timeout');
    const { completed_at } = await hasty.video(id);
    expect(completed_at).toBeGreaterThanOrEqual(created_at + TASK_DEADLINE_SECONDS);
    // The number of checks before the deadline depends on the machine.
    expect(detailCalls(hasty.sim, await hasty.sim.waitForTask(prompt)).length).toBeGreaterThan(1);
    expect(runsOf(hasty.sim, prompt)).toHaveLength(1);
  });
});

describe('storage_failed', () => {
  test.concurrent.each<[string, CdnFault]>([
    ['404', { kind: 'status', status: 404 }],
    ['500', { kind: 'status', status: 500 }],
    ['a shorter file', { kind: 'short' }],
    ['a longer file', { kind: 'long' }],
    ['a web page', { kind: 'html' }],
  ])('the CDN has only %s', async (name, fault) => {
    const prompt = `nothing but ${name}.`;
    full.sim.script(prompt, { cdn: always(fault) });
    const { id } = await full.accepted({ prompt });
    await expectFailed(full, id, 'storage_failed');
    const task = await full.sim.waitForTask(prompt);
    expect(callsAbout(full.sim, task, '/cdn/').length).toBeGreaterThan(2);
  });

  test.concurrent.each<[string, (url: string) => string]>([
    ['is not listed', () => foreign.url],
    ['is only named in the user info', (url) => `http://${new URL(url).host}@${foreign.host}/0.mp4`],
    ['is only named in the path', (url) => `${foreign.url}?${new URL(url).host}`],
    ['is another name of a listed one', (url) => url.replace('127.0.0.1', 'localhost')],
    ['is listed with another port', (url) => url.replace(/:\d+\//, '/')],
    ['is none', () => 'not a URL'],
    ['is a data URL', () => 'data:video/mp4;base64,AAAAIGZ0eXBpc29tAAACAA=='],
    ['is a file', () => 'file:///etc/passwd'],
  ])('an output whose host %s is never fetched', async (name, change) => {
    const prompt = `an output whose host ${name}.`;
    const task = patchOutputs((output) => ({ ...output, url: change(String(output.url)) }));
    full.sim.script(prompt, { task });
    const { id } = await full.accepted({ prompt });
    await expectFailed(full, id, 'storage_failed');
    expect(callsAbout(full.sim, await full.sim.waitForTask(prompt), '/cdn/')).toEqual([]);
  });

  test.concurrent.each<[string, number]>([
    ['more', 1],
    ['less', -1],
  ])('Detail states %s bytes than the file has', async (name, difference) => {
    const prompt = `${name} bytes than there are`;
    const task = patchOutputs((output) => ({ ...output, size: String(Number(output.size) + difference) }));
    full.sim.script(prompt, { task, cdn: Array.from({ length: 5 }, () => ({ kind: 'no-length' })) });
    const { id } = await full.accepted({ prompt });
    await expectFailed(full, id, 'storage_failed');
  });

  test('no other host was called', () => {
    expect(foreign.requests).toEqual([]);
  });
});

describe.concurrent('a Run', () => {
  test('that Wiro never accepts: upstream_unavailable', async () => {
    const prompt = 'a boat that is never taken';
    hasty.sim.script(prompt, { run: always({ kind: 'status', status: 429 }) });
    const { id, status } = await hasty.accepted({ prompt });
    expect(status).toBe('queued');
    await expectFailed(hasty, id, 'upstream_unavailable');
    expect(runsOf(hasty.sim, prompt).length).toBeGreaterThan(2);
  });

  test('whose answer is lost and that has no task: submission_unknown', async () => {
    const prompt = 'a boat lost on the way';
    hasty.sim.script(prompt, { run: [{ kind: 'garbage' }] });
    const { id, status } = await hasty.accepted({ prompt });
    expect(status).toBe('in_progress');
    await expectFailed(hasty, id, 'submission_unknown');
    expect(runsOf(hasty.sim, prompt)).toHaveLength(1);
  });
});
