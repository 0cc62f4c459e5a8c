// Wiro's answer to the first Run decides the response of the submit: refused, queued or accepted.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunFault } from '../../../sim/index.ts';
import { expectProblem } from '../support/refusals.ts';
import { onlyRun, RUN_FIELDS } from '../support/runs.ts';
import { type Service, startService } from '../support/service.ts';
import type { StoredRecord } from '../support/stored.ts';
import { runsOf } from '../support/upstream-calls.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 } });
});
afterAll(() => service.close());

/** The record of the submit with this prompt, whose id nobody was told. */
function recordOf(prompt: string): Promise<StoredRecord> {
  const find = async () => {
    const { keys } = await service.bindings.TASKS.list({ prefix: 'video:' });
    const texts = await Promise.all(keys.map(({ name }) => service.bindings.TASKS.get(name)));
    const records = texts.map((text) => JSON.parse(text ?? 'null') as StoredRecord | null);
    return records.find((record) => record?.input.prompt === prompt);
  };
  // The line is logged shortly after the response.
  return vi.waitUntil(find, { timeout: 30_000 }) as Promise<StoredRecord>;
}

/** Resolves when a video that was submitted after everything before has been made. */
async function anotherIsMade(): Promise<void> {
  const { id } = await service.accepted({ prompt: 'another one meanwhile' });
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
}

const error = (code: number, message: string): RunFault => ({ kind: 'error', code, message });

describe.concurrent('refused parameters', () => {
  test.for(['Request parameter [prompt] required', 'Request parameter [duration] must be 6 or 10'])(
    'are reported with Wiro’s message: %s',
    async (message) => {
      const prompt = `an odd wish, for which ${message}`;
      service.sim.script(prompt, { run: [error(0, message)] });
      const found = await expectProblem(await service.submit({ prompt }), [422, 'invalid_parameter']);
      expect(found.detail).toContain(message);
      await anotherIsMade();
      expect(onlyRun(service.sim, prompt).task).toBeUndefined();
      expect(await recordOf(prompt)).toMatchObject({
        status: 'failed',
        stage: 'done',
        error: { code: 'upstream_rejected', message: expect.stringContaining(message) },
      });
    },
  );
});

const ABOUT_THE_ACCOUNT = /balance|account|credit|\$|dollar|auth|key|secret|signature|api|wiro|401/i;

describe.concurrent('a refused account', () => {
  const refusals: [string, RunFault][] = [
    ['low balance', error(97, 'Insufficient balance: $0.03 left on account 7731')],
    ['code 98', error(98, 'Authentication failed: api key or signature is wrong')],
    ['code 99', error(99, 'Token expired, authenticate your account')],
    ['HTTP 401', { kind: 'status', status: 401 }],
    [
      'HTTP 401 with an explanation',
      {
        kind: 'status',
        status: 401,
        body: '{"result":false,"errors":[{"code":98,"message":"bad api key"}]}',
      },
    ],
  ];
  test.for(refusals)('is 503, with details in the log only: %s', async ([name, fault]) => {
    const prompt = `a lighthouse in fog: ${name}.`;
    service.sim.script(prompt, { run: [fault] });
    const response = await service.submit({ prompt });
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    const found = await expectProblem(response, [503, 'upstream_unavailable']);
    expect(`${found.title} ${found.detail}`).not.toMatch(ABOUT_THE_ACCOUNT);

    await anotherIsMade();
    expect(onlyRun(service.sim, prompt).task).toBeUndefined();
    const record = await recordOf(prompt);
    expect(record).toMatchObject({ status: 'failed', error: { code: 'upstream_unavailable' } });
    const lines = service.logs().filter((line) => line.includes(record.id));
    expect(lines.join('\n')).toMatch(/"level":"error"/);
    const video = await service.video(record.id);
    expect(video.error!.message).not.toMatch(ABOUT_THE_ACCOUNT);
  });
});

describe.concurrent('a rate limit at the gateway', () => {
  const busy: [string, RunFault[]][] = [
    ['HTTP 429', [{ kind: 'status', status: 429 }]],
    ['HTTP 429 again and again', Array(4).fill({ kind: 'status', status: 429 })],
  ];
  test.for(busy)('delays the Run, which is sent once: %s', async ([name, faults]) => {
    const prompt = `a tram in the rain: ${name}.`;
    service.sim.script(prompt, { run: faults });
    const video = await service.accepted({ prompt });
    expect(video).toMatchObject({ status: 'queued', stage: 'waiting', started_at: null, error: null });
    expect(await service.ended(video.id)).toMatchObject({ status: 'completed', error: null });
    expect(service.sim.tasks.filter((task) => task.prompt === prompt)).toHaveLength(1);
    const runs = runsOf(service.sim, prompt);
    expect(runs.map(({ task }) => task !== undefined)).toEqual([...faults.map(() => false), true]);
    const [first, ...retries] = runs.map(({ fields, fieldOrder }) => ({ fields, fieldOrder }));
    expect(first!.fieldOrder).toEqual(RUN_FIELDS);
    expect(retries).toEqual(retries.map(() => first));
  });

  test('is respected for its Retry-After', async () => {
    const prompt = 'a tram in the snow';
    service.sim.script(prompt, { run: [{ kind: 'status', status: 429, retryAfter: 2 }] });
    const { id } = await service.accepted({ prompt });
    await service.ended(id);
    const [first, second] = runsOf(service.sim, prompt);
    expect(second!.at - first!.at).toBeGreaterThanOrEqual(2000);
  });
});

describe.concurrent('an ambiguous answer to Run', () => {
  const open: [string, RunFault][] = [
    ['HTTP 500', { kind: 'status', status: 500 }],
    ['HTTP 502', { kind: 'status', status: 502 }],
    ['HTTP 503 with Retry-After', { kind: 'status', status: 503, retryAfter: 1 }],
    ['HTTP 504', { kind: 'status', status: 504 }],
    ['garbage', { kind: 'garbage' }],
    ['nothing', { kind: 'status', status: 200, body: '' }],
    ['a success that names no task', { kind: 'status', status: 200, body: '{"result":true,"errors":[]}' }],
    ['no result', { kind: 'status', status: 200, body: '{"errors":[]}' }],
    ['an error of the server', error(0, 'Internal server error')],
    ['a lost answer: HTTP 502', { kind: 'lost', how: 'status' }],
    ['a lost answer: HTTP 504', { kind: 'lost', how: 'status', status: 504 }],
    ['a lost answer: garbage', { kind: 'lost', how: 'garbage' }],
  ];
  test.for(open)('is accepted, and Run is never sent again: %s', async ([name, fault]) => {
    const prompt = `a swing in the wind: ${name}.`;
    service.sim.script(prompt, { run: [fault], holdAt: 'task_start' });
    const video = await service.accepted({ prompt });
    expect(video).toMatchObject({ status: 'in_progress', error: null, output: null });
    await anotherIsMade();
    expect(runsOf(service.sim, prompt)).toHaveLength(1);
    expect(await service.video(video.id)).toMatchObject({ status: 'in_progress', error: null });
  });
});
