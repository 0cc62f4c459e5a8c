// The billed operations of one video at Cloudflare, and its calls to Wiro. A change that adds some must change these
// numbers.
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import type { Service } from '../support/service.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { detailCalls } from '../support/upstream-calls.ts';
import { startWrapped } from '../support/wrapped.ts';

type Bill = Record<string, number>;

/** Each is an event of Workers Logs: EXPLAIN_COST.md counts as many. */
const MOST_LOG_LINES = 8;

const ORDINARY: Bill = {
  'KV writes': 2,
  // The model description is read once a minute per isolate.
  'KV reads': 1,
  'R2 class A': 1,
  // To verify the file: its first boxes, its moov.
  'R2 class B': 2,
  'VideoTask requests': 2,
  'VideoTask alarms': 2,
  // For a slot; the job has left Wiro; the video has ended.
  'Dispatcher requests': 3,
  'Dispatcher alarms': 0,
  'task writes': 11,
  'alarms set': 10,
  'SQL statements': 24,
  // The dispatcher's, and those that create its tables.
  'rows written': 25,
  'calls to Wiro': 2,
  'fetches of the output': 1,
};

/** The very first picture asks what the model takes: Wiro by way of the dispatcher, which publishes it in KV. */
const FIRST_PICTURE: Bill = {
  'KV writes': 3,
  'Dispatcher requests': 4,
  'SQL statements': 29,
  'rows written': 30,
  'calls to Wiro': 3,
};

const REQUESTS_OF_A_LIFE = 4;

/** Of a video from a prompt, until it is removed. */
const WHOLE_LIFE: Bill = {
  // The submit, and the callback: the dispatcher asks nothing.
  'VideoTask requests': 2,
  'VideoTask alarms': 3,
  'Dispatcher requests': REQUESTS_OF_A_LIFE,
  'Dispatcher alarms': 0,
  'task writes': 13,
  'alarms set': 11,
  'rows written': 14,
};

/** Two seconds, in days. */
const RETENTION_OF_SECONDS = '0.000024';

const bills: [string, Bill][] = [];
let service: Service;
beforeEach(async () => {
  // Only the callback causes a check before the end.
  service = await startWrapped('counted-worker.js', { vars: { POLL_SECONDS: '600' } });
  service.sim.script('', { holdAt: 'task_start' });
});
afterEach(() => service.close());
afterAll(() => {
  const columns = (item: string) => Object.fromEntries(bills.map(([name, bill]) => [name, bill[item]]));
  console.table(Object.fromEntries(Object.keys(ORDINARY).map((item) => [item, columns(item)])));
});

const countsOf = async () => (await (await service.fetch('/counts')).json()) as Bill;

/** The bill of the only video, which is held at Wiro, when no more work is pending. */
async function billOf(name: string, { id, input }: Video): Promise<Bill> {
  const task = await service.sim.waitForTask(input.prompt);
  await publishedRecord(service, id, 'in_progress');
  service.sim.release(task);
  expect(await task.calledBack()).toMatchObject({ status: 200 });
  await publishedRecord(service, id, 'completed');
  const counts = await countsOf();
  const sum = (...names: string[]) => names.reduce((total, counted) => total + (counts[counted] ?? 0), 0);
  const bill: Bill = {
    'KV writes': sum('TASKS.put', 'TASKS.delete'),
    'KV reads': sum('TASKS.get', 'TASKS.getWithMetadata', 'TASKS.list'),
    'R2 class A': sum('VIDEOS.put', 'VIDEOS.createMultipartUpload', 'VIDEOS.list'),
    'R2 class B': sum('VIDEOS.get', 'VIDEOS.head'),
    'VideoTask requests': sum('VideoTask requests'),
    'VideoTask alarms': sum('VideoTask alarms'),
    'Dispatcher requests': sum('Dispatcher requests'),
    'Dispatcher alarms': sum('Dispatcher alarms'),
    'task writes': sum('task writes'),
    'alarms set': sum('alarms set'),
    'SQL statements': sum('SQL statements'),
    'rows written': sum('rows written'),
    'calls to Wiro': service.sim.calls.filter(({ path }) => path.startsWith('/v1/')).length,
    'fetches of the output': service.sim.callsTo('/cdn/').length,
  };
  bills.push([name, bill]);
  return bill;
}

test('operations of a video from a prompt', async () => {
  const video = await service.accepted({ prompt: 'a penny for a picture' });
  expect(await billOf('from a prompt', video)).toEqual(ORDINARY);
  const lines = service.logs().filter((line) => line.includes(video.id));
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThanOrEqual(MOST_LOG_LINES);
});

test('operations from the submit to the removal, which the video does by its own alarm', async () => {
  await service.close();
  service = await startWrapped('counted-worker.js', {
    vars: { POLL_SECONDS: '600', RETENTION_DAYS: RETENTION_OF_SECONDS },
  });
  // The first video creates the tables.
  await service.ended((await service.accepted({ prompt: 'a penny for the tables' })).id);
  await removedAlone();
  const before = await countsOf();
  service.sim.script('', { holdAt: 'task_start' });
  const video = await service.accepted({ prompt: 'a penny until the end' });
  const task = await service.sim.waitForTask(video.input.prompt);
  await publishedRecord(service, video.id, 'in_progress');
  service.sim.release(task);
  await task.calledBack();
  await removedAlone();
  const after = await countsOf();
  const more = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
  const bill = Object.fromEntries(Object.keys(WHOLE_LIFE).map((name) => [name, more(name)]));
  expect(bill).toEqual(WHOLE_LIFE);
});

/** Nothing is left of any video in KV. */
async function removedAlone(): Promise<void> {
  const names = async () => (await service.bindings.TASKS.list({ prefix: 'video:' })).keys.length;
  await expect.poll(names).toBe(0);
  await expect.poll(async () => (await countsOf())['Dispatcher requests']! % REQUESTS_OF_A_LIFE).toBe(0);
}

test('operations of a video with an image', async () => {
  const file = { name: 'inputImageFirst', filename: 'penny.png', value: picture('image/png', 5000) };
  const answer = await submitForm(service, [{ name: 'prompt', value: 'two pennies' }, file]);
  const bill = await billOf('with an image', (await answer.json()) as Video);
  expect(bill).toEqual({
    ...ORDINARY,
    'R2 class A': 2,
    ...FIRST_PICTURE,
    'R2 class B': 3,
    'VideoTask requests': 3,
    'task writes': 12,
    'alarms set': 11,
  });
});

test('operations of a video where there is an operator, who has not asked for anything', async () => {
  await service.close();
  const secrets = { OPERATOR_TOKEN: 'operator-token-5a0f3d9e7c1b28460d93' };
  service = await startWrapped('counted-worker.js', { vars: { POLL_SECONDS: '600' }, secrets });
  service.sim.script('', { holdAt: 'task_start' });
  const video = await service.accepted({ prompt: 'a penny for the books' });
  // The object reports the end to the dispatcher, for lists and usage.
  expect(await billOf('with an operator', video)).toEqual({
    ...ORDINARY,
    // One of them asks for the clients that the operator manages, at most every 30 seconds in an isolate.
    'Dispatcher requests': 4,
    'SQL statements': 38,
    // Six when it is accepted, two with its cost, four at its end; the others create tables.
    'rows written': 41,
  });
});

test('a second video with an image makes no additional call to Wiro before Run', async () => {
  const submit = async (prompt: string) => {
    const file = { name: 'inputImageFirst', filename: 'penny.png', value: picture('image/png', 5000) };
    const answer = await submitForm(service, [{ name: 'prompt', value: prompt }, file]);
    expect(answer.status).toBe(202);
  };
  await submit('a penny for a description');
  const before = service.sim.calls.length;
  await submit('a penny saved');
  const run = service.sim.calls.slice(before).filter(({ path }) => path.startsWith('/v1/'));
  expect(run[0]?.path).toContain('/Run/');
  expect(service.sim.callsTo('/Tool/Detail')).toHaveLength(1);
});

test('100 callbacks cause a bounded number of writes', async () => {
  const prompt = 'a penny for every ring';
  const video = await service.accepted({ prompt });
  const task = await service.sim.waitForTask(prompt);
  await task.reached('task_start');
  const before = await countsOf();
  for (let call = 0; call < 100; call++) {
    expect((await fetch(task.callbackUrl, { method: 'POST', body: '{}' })).status).toBe(200);
  }
  const after = await countsOf();
  const checks = detailCalls(service.sim, task).length;
  const more = (name: string) => (after[name] ?? 0) - (before[name] ?? 0);
  expect(more('VideoTask requests')).toBe(100);
  // Only the first of the callbacks between two checks, which are a second apart, is written. A check is written before
  // and after.
  expect(more('task writes')).toBeLessThanOrEqual(3 * (checks + 1));
  expect(more('alarms set')).toBeLessThanOrEqual(3 * (checks + 1));
  service.sim.release(task);
  await service.ended(video.id);
});
