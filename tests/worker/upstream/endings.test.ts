// Each end in Task/Detail ends the video correctly; unusable answers are asked again.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DetailFault, TaskFault } from '../../../sim/index.ts';
import type { Row } from '../support/output-rows.ts';
import { storedSample } from '../support/sample.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord, storedVideo } from '../support/stored.ts';
import { callsAbout, detailCalls } from '../support/upstream-calls.ts';

const END = 'task_postprocess_end';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());

/** Edits what Detail says of the end alone. */
function atEnd(edit: (row: Row) => Row): TaskFault {
  return { patch: (row) => (row.status === END ? edit(row) : row) };
}

function outputOf(row: Row): Row {
  const [first] = row.outputs as Row[];
  return first ?? {};
}

/** Every text that is a number becomes one. */
function numbersAsNumbers(row: Row): Row {
  const isNumber = (value: unknown) => typeof value === 'string' && /^\d+(\.\d+)?$/.test(value);
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, isNumber(value) ? Number(value) : value]),
  );
}

/** Everything is null but what makes a success. */
function nulls(row: Row): Row {
  const { url } = outputOf(row);
  const nothing = (of: Row) => Object.fromEntries(Object.keys(of).map((name) => [name, null]));
  const outputs = [{ ...nothing(outputOf(row)), url }];
  return { ...nothing(row), status: row.status, pexit: row.pexit, outputs };
}

describe('Detail reports an end with a video: completed', () => {
  const COST = { cost_usd: '0.28' };
  const NO_COST = { cost_usd: null };
  const endings: [string, TaskFault, { cost_usd: string | null }][] = [
    ['through an unknown status', { statuses: ['task_queue', 'task_dreaming', END] }, COST],
    ['through a status like markup', { statuses: ['task_queue', '<img src=x onerror=alert(1)>', END] }, COST],
    ['through an endless status', { statuses: ['task_queue', `task_${'z'.repeat(100_000)}`, END] }, COST],
    ['after error lines', { statuses: ['task_queue', 'task_error', 'task_error_full', END] }, COST],
    ['after task_end, which is no end', { statuses: ['task_queue', 'task_end', END] }, COST],
    ['with no other status at all', { statuses: [END] }, COST],
    [
      'in numbers',
      atEnd((row) => ({ ...numbersAsNumbers(row), outputs: [numbersAsNumbers(outputOf(row))] })),
      COST,
    ],
    ['in numbers all along', { patch: numbersAsNumbers }, COST],
    ['among nulls', atEnd(nulls), NO_COST],
    [
      'with nothing but the necessary',
      atEnd(({ status, pexit, ...row }) => ({ status, pexit, outputs: [{ url: outputOf(row).url }] })),
      NO_COST,
    ],
    [
      'with a size that is no number',
      atEnd((row) => ({ ...row, outputs: [{ ...outputOf(row), size: 'large' }] })),
      COST,
    ],
    ['with a cost that is no number', atEnd((row) => ({ ...row, totalcost: 'free' })), NO_COST],
    [
      'with fields nobody knows',
      atEnd((row) => ({ ...row, extra: { deep: [[[{}]]] }, outputs: [{ ...outputOf(row), '': 0 }] })),
      COST,
    ],
    [
      'with odd types where nobody looks',
      atEnd((row) => ({ ...row, parameters: 7, debugerror: ['x'], categories: {} })),
      COST,
    ],
    ['after rows without a status', { patch: (row) => (row.status === END ? row : {}) }, COST],
    [
      'after rows that are no objects',
      { patch: (row) => (row.status === END ? row : ([null] as unknown as Row)) },
      COST,
    ],
  ];

  test.concurrent.each(endings)('%s', async (name, task, cost) => {
    const prompt = `a good end ${name}.`;
    service.sim.script(prompt, { task });
    const { id } = await service.accepted({ prompt });
    const video = await service.ended(id);
    expect(video).toMatchObject({ status: 'completed', stage: 'done', progress: 100, error: null, ...cost });
    expect(video.output).toMatchObject({ ...{ content_type: 'video/mp4' }, size: storedSample.size });
    expect(await storedVideo(service, id)).toEqual(storedSample);
  });

  test.concurrent('with several outputs: the first one', async () => {
    service.sim.script('twins', { output: { count: 2 } });
    const { id } = await service.accepted({ prompt: 'twins in a boat' });
    expect((await service.ended(id)).status).toBe('completed');
    expect(await storedVideo(service, id)).toEqual(storedSample);
    const task = await service.sim.waitForTask('twins');
    expect(task.outputs).toHaveLength(2);
    const { pathname } = new URL(task.outputs[0]?.url ?? '');
    expect(callsAbout(service.sim, task, '/cdn/').map(({ path }) => path)).toContain(pathname);
  });
});

describe('Detail reports an end without a video', () => {
  const FAILED = { status: 'failed', error: { code: 'generation_failed' }, cost_usd: null } as const;
  /** Wiro charged for it all the same. */
  const CHARGED = { ...FAILED, cost_usd: '0.28' } as const;
  const CANCELLED = { status: 'cancelled', error: null, cost_usd: null } as const;
  const endings: [string, TaskFault, typeof FAILED | typeof CHARGED | typeof CANCELLED][] = [
    ['pexit 1, the output there all the same', { pexit: '1' }, FAILED],
    ['pexit 137 and no output', { pexit: '137', outputs: 'none' }, FAILED],
    ['pexit -1', { pexit: '-1' }, FAILED],
    ['pexit 1 as a number', atEnd((row) => ({ ...row, pexit: 1 })), CHARGED],
    ['pexit null', atEnd((row) => ({ ...row, pexit: null })), CHARGED],
    ['pexit missing', atEnd(({ pexit: _, ...row }) => row), CHARGED],
    ['pexit empty', atEnd((row) => ({ ...row, pexit: '' })), CHARGED],
    ['pexit a word', atEnd((row) => ({ ...row, pexit: 'ok' })), CHARGED],
    ['pexit false', atEnd((row) => ({ ...row, pexit: false })), CHARGED],
    ['no outputs', { outputs: 'none' }, FAILED],
    ['outputs null', atEnd((row) => ({ ...row, outputs: null })), CHARGED],
    ['outputs missing', atEnd(({ outputs: _, ...row }) => row), CHARGED],
    ['outputs as text', atEnd((row) => ({ ...row, outputs: '[]' })), CHARGED],
    ['an output of null', atEnd((row) => ({ ...row, outputs: [null] })), CHARGED],
    [
      'an output without a URL',
      atEnd((row) => ({ ...row, outputs: [{ ...outputOf(row), url: null }] })),
      CHARGED,
    ],
    ['cancelled by Wiro', { end: 'task_cancel' }, CANCELLED],
    [
      'cancelled, and nothing else said',
      { end: 'task_cancel', patch: ({ status }) => ({ status }) },
      CANCELLED,
    ],
  ];

  test.concurrent.each(endings)('%s', async (name, task, ending) => {
    const prompt = `a bad end, ${name}.`;
    service.sim.script(prompt, { task });
    const { id, created_at } = await service.accepted({ prompt });
    const video = await service.ended(id);
    expect(video).toMatchObject({ ...ending, stage: 'done', output: null });
    expect(video.progress).toBeLessThan(100);
    expect(video.expires_at).toBeGreaterThan(video.completed_at ?? Number.NaN);
    if (ending === FAILED) expect(video.error?.message).toMatch(/\w/);

    const { metadata } = await publishedRecord(service, id, ending.status);
    expect(metadata).toEqual({ status: ending.status, created_at });
    expect(await storedVideo(service, id)).toBeUndefined();
    expect(callsAbout(service.sim, await service.sim.waitForTask(prompt), '/cdn/')).toEqual([]);
  });
});

describe('Detail does not answer', () => {
  const answer = (body: string): DetailFault => ({ kind: 'status', status: 200, body });
  const faults: [string, DetailFault][] = [
    ['500', { kind: 'status', status: 500 }],
    ['503 with Retry-After', { kind: 'status', status: 503, retryAfter: 1 }],
    ['429', { kind: 'status', status: 429 }],
    ['401', { kind: 'status', status: 401, body: '{"result":false,"errors":[{"code":98,"message":"no"}]}' }],
    ['404', { kind: 'status', status: 404 }],
    ['a redirect', { kind: 'status', status: 302 }],
    ['no JSON', { kind: 'garbage' }],
    ['nothing', answer('')],
    ['null', answer('null')],
    ['an empty list', answer('{"result":true,"errors":[],"total":"0","tasklist":[]}')],
    ['a list that is none', answer('{"result":true,"errors":[],"tasklist":{"0":7}}')],
    ['no result', answer('{"tasklist":[{"status":"task_postprocess_end","pexit":"1"}]}')],
    ['2 MiB', answer(`{"result":true,"tasklist":[{"status":"task_cancel","x":"${'x'.repeat(2 ** 21)}"}]}`)],
    ['error 1', { kind: 'error', code: 1, message: 'Task not found or not accessible' }],
    ['error 0', { kind: 'error', code: 0, message: 'Internal error' }],
    ['error 98', { kind: 'error', code: 98, message: 'Authentication failed' }],
    ['a lost answer', { kind: 'lost', how: 'garbage' }],
  ];

  test.concurrent.each(faults)('%s: asked again until it does', async (name, fault) => {
    const prompt = `an unheard boat, ${name}.`;
    const detail = [fault, fault, fault, fault];
    // No callback: only scheduled checks continue.
    service.sim.script(prompt, { detail, callback: { lost: true } });
    const { id } = await service.accepted({ prompt });
    expect(await service.ended(id)).toMatchObject({ status: 'completed', error: null });
    expect(await storedVideo(service, id)).toEqual(storedSample);
    const task = await service.sim.waitForTask(prompt);
    expect(detailCalls(service.sim, task).length).toBeGreaterThan(detail.length);
  });
});
