// GET /health?deep=1 reports to the operator which dependency of the Worker has a problem.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { AnswerFault } from '../../../sim/index.ts';
import { startOutage } from '../lifecycle/storage-outage.ts';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { type DirectService, startDirect } from '../support/direct.ts';
import { expectProblem } from '../support/refusals.ts';
import type { Service } from '../support/service.ts';
import { startService } from '../support/service.ts';

const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';
const OK = { status: 'ok', ms: expect.any(Number) };
interface Health {
  checks: Record<string, Record<string, unknown>>;
}

const now = () => Math.floor(Date.now() / 1000);

let service: DirectService;
let operator: Service;
beforeAll(async () => {
  const vars = { MAX_ACTIVE: '1' };
  service = await startDirect({ vars, secrets: { OPERATOR_TOKEN, CLIENT_TOKENS } });
  operator = service.as(OPERATOR_TOKEN);
});
afterAll(() => service?.close());

async function ask(): Promise<[status: number, body: Health]> {
  const answer = await operator.fetch('/health?deep=1');
  return [answer.status, await answer.json()];
}

test('a service that was never swept is degraded', async () => {
  const [status, body] = await ask();
  expect(status).toBe(503);
  expect(body).toMatchObject({
    status: 'degraded',
    checks: {
      kv: OK,
      r2: OK,
      wiro: OK,
      dispatcher: { status: 'error', last_sweep_at: null, error: expect.stringContaining('no sweep yet') },
    },
  });
});

describe('after a sweep', () => {
  beforeAll(() => service.sweep(now()));

  test('everything is ok, with the time of the sweep and the queue', async () => {
    const [status, body] = await ask();
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'ok',
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      protection: 'tokens',
      checks: {
        kv: OK,
        r2: OK,
        wiro: OK,
        dispatcher: {
          ...OK,
          last_sweep_at: expect.any(Number),
          waiting: 0,
          active: 0,
          paused: false,
          circuit: 'closed',
        },
      },
    });
    const { last_sweep_at } = body.checks.dispatcher as { last_sweep_at: number };
    expect(Math.abs(last_sweep_at - now())).toBeLessThan(60);
  });

  test('the queue is counted', async () => {
    service.sim.script('a held', { holdAt: 'task_start' });
    const alice = service.as(ALICE);
    const [held, waiting] = [
      await alice.accepted({ prompt: 'a held ship' }),
      await alice.accepted({ prompt: 'a ship behind it' }),
    ];
    expect((await ask())[1]).toMatchObject({ checks: { dispatcher: { waiting: 1, active: 1 } } });
    await alice.cancel(waiting.id);
    await alice.cancel(held.id);
    await alice.ended(held.id);
  });

  test.for<[string, AnswerFault, RegExp]>([
    ['an HTTP error', { kind: 'status', status: 502 }, /502/],
    ['an error in Wiro’s own words', { kind: 'error', code: 98, message: 'bad key' }, /98.*bad key/],
    ['no response', { kind: 'reset' }, /\w/],
  ])('Wiro answers with %s', async ([_how, fault, error]) => {
    service.sim.script('', { list: [fault] });
    onTestFinished(() => service.sim.clearScripts());
    const [status, body] = await ask();
    expect(status).toBe(503);
    expect(body).toMatchObject({
      status: 'degraded',
      checks: {
        kv: OK,
        r2: OK,
        dispatcher: OK,
        wiro: { status: 'error', error: expect.stringMatching(error) },
      },
    });
  });

  test.for(['kv', 'r2'] as const)('%s does not answer', async (storage) => {
    // Something must be stored there first.
    await service.as(ALICE).ended((await service.as(ALICE).accepted({ prompt: 'a ship in store' })).id);
    const outage = startOutage(service, storage);
    onTestFinished(() => outage.end());
    const [status, body] = await ask();
    expect(status).toBe(503);
    const error = { status: 'error', error: expect.stringMatching(/\w/) };
    expect(body.checks).toMatchObject({ kv: OK, r2: OK, wiro: OK, dispatcher: OK, [storage]: error });
  });
});

test('only the operator gets it', async () => {
  for (const caller of [service, service.as(ALICE), service.as(`${OPERATOR_TOKEN}x`)]) {
    await expectProblem(await caller.fetch('/health?deep=1'), [401, 'unauthorized']);
    expect(await (await caller.fetch('/health')).json()).not.toHaveProperty('checks');
  }
  expect(await (await operator.fetch('/health?deep=0')).json()).not.toHaveProperty('checks');
});

test('without OPERATOR_TOKEN there is none', async () => {
  const other = await startService();
  onTestFinished(() => other.close());
  await expectProblem(await other.fetch('/health?deep=1'), [404, 'not_found']);
});
