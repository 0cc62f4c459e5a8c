// Settings that are not text: unambiguous tables and lists, secrets of the Secrets Store, and everything else, which
// must never count as not set.
import { afterEach, describe, expect, test } from 'vitest';
import { TURNSTILE_SECRET } from '../../../sim/index.ts';
import { ALICE, BOB, BOB_BEFORE } from '../support/clients.ts';
import { expectProblem } from '../support/refusals.ts';
import { type Json, type Service, type ServiceOptions, startService } from '../support/service.ts';
import { SIGNING_KEY } from '../support/settings.ts';
import { startWrapped } from '../support/wrapped.ts';
import { useServices } from './services.ts';

let service: Service;
afterEach(() => service.close());

async function start(options: ServiceOptions): Promise<void> {
  service = await startService({ sim: { speed: 600 }, ...options });
}

async function startBound(vars: Record<string, Json>, secrets?: Record<string, string>): Promise<void> {
  service = await startWrapped('bound-worker.js', { sim: { speed: 600 }, vars, ...(secrets && { secrets }) });
}

/** Each row with its index at its end. */
const numbered = <Row extends unknown[]>(rows: Row[]) =>
  rows.map((row, index): [...Row, number] => [...row, index]);

const health = async () => (await service.fetch('/health')).json() as Promise<Record<string, unknown>>;

/** Every request gets an error about it, no video is made, and no response or log line contains its value. */
async function expectMisconfigured(name: string, hidden: string[] = []): Promise<void> {
  for (const send of [
    () => service.fetch('/health'),
    () => service.submit({ prompt: 'not to be made' }),
    () => service.fetch('/v1/videos/vid_no'),
  ]) {
    const found = await expectProblem(await send(), [500, 'misconfigured']);
    expect(found.detail).toMatch(new RegExp(`^${name} `));
    const told = JSON.stringify(found) + service.logs().join();
    for (const value of hidden) expect(told).not.toContain(value);
  }
  expect(service.sim.callsTo('/Run/')).toEqual([]);
}

describe('a table in the settings', () => {
  test.for([
    ['names and tokens', { alice: ALICE, bob: [BOB, BOB_BEFORE] }],
    ['tables in it', { alice: { token: ALICE, daily_usd: 5 }, bob: { token: [BOB, BOB_BEFORE] } }],
  ] as [string, Json][])('of CLIENT_TOKENS is read: %s', async ([_name, CLIENT_TOKENS]) => {
    await start({ vars: { CLIENT_TOKENS } });
    expect(await health()).toMatchObject({ protection: 'tokens' });
    const stranger = await service.submit({ prompt: 'a stranger at the door' });
    await expectProblem(stranger, [401, 'unauthorized']);
    for (const token of [ALICE, BOB, BOB_BEFORE]) {
      const { id } = await service.as(token).accepted({ prompt: 'a table for two' });
      expect(await service.as(token).ended(id)).toMatchObject({ status: 'completed' });
    }
  });

  test('with a client named get is not taken for a secret store', async () => {
    await start({ vars: { CLIENT_TOKENS: { get: ALICE } } });
    expect((await service.as(ALICE).submit({ prompt: 'a name like others' })).status).toBe(202);
    await expectProblem(await service.submit({ prompt: 'a stranger' }), [401, 'unauthorized']);
    await service.sim.waitForTask('a name like others').then((task) => task.reached('task_postprocess_end'));
  });

  test('of prices is read', async () => {
    await start({ vars: { PRICES_USD: { '768P/6': 0.28, '768P/10': '0.56', '1080P/6': 0.49 } } });
    expect(await health()).toMatchObject({ status: 'ok' });
  });
});

test('arrays are read like comma-separated lists', async () => {
  const sim = { speed: 600 };
  await start({
    sim,
    vars: {
      ALLOWED_ORIGINS: ['https://app.example', 'http://localhost:3000'],
      POLL_SECONDS: [0.2, '0.3'],
      RETRY_SECONDS: [0.1],
      NOTIFY_SECONDS: [1, 2],
      PRICES_USD: ['768P/6=0.28', '768P/10=0.56', '1080P/6=0.49'],
    },
  });
  const stranger = await service
    .saying({ origin: 'https://evil.example' })
    .submit({ prompt: 'from elsewhere' });
  await expectProblem(stranger, [403, 'origin_not_allowed']);
  const listed = service.saying({ origin: 'https://app.example' });
  const { id } = await listed.accepted({ prompt: 'from a listed page' });
  expect(await listed.ended(id)).toMatchObject({ status: 'completed' });
});

test('numbers and booleans are read like text', async () => {
  await start({
    vars: { MAX_ACTIVE: 3, RETENTION_DAYS: 0.5, PURGE_UPSTREAM: false, DAILY_BUDGET_USD: null },
  });
  expect(await health()).toMatchObject({ status: 'ok', protection: 'none' });
});

describe('a setting of an unsupported kind is misconfigured', () => {
  const settings: [name: string, value: Json][] = [
    ['CLIENT_TOKENS', ['tok-7f3a-in-a-list']],
    ['CLIENT_TOKENS', {}],
    ['CLIENT_TOKENS', { alice: { tok7f3a: 'x' } }],
    ['CLIENT_TOKENS', { alice: null }],
    ['TURNSTILE_SECRET', { secret: 'tok-7f3a' }],
    ['TURNSTILE_SECRET', ['tok-7f3a']],
    ['OPERATOR_TOKEN', { token: 'tok-7f3a-tok-7f3a-tok-7f3a-tok-7f3a' }],
    ['DAILY_BUDGET_USD', { usd: 7 }],
    ['DAILY_BUDGET_USD', [7]],
    ['SUBMIT_PER_MINUTE', [10]],
    ['VISITS_PER_MINUTE', {}],
    ['MAX_ACTIVE', []],
    ['ALLOWED_ORIGINS', []],
    ['ALLOWED_ORIGINS', { app: 'https://tok-7f3a.example' }],
    ['ALLOWED_ORIGINS', ['https://tok-7f3a.example', null]],
    ['OUTPUT_HOSTS', [['wiro.ai']]],
    ['POLL_SECONDS', [true]],
    ['NOTIFY_URL', { url: 'https://tok-7f3a.example/' }],
    ['NOTIFY_SECRET', ['tok-7f3a']],
    ['PUBLIC_URL', ['https://tok-7f3a.example']],
    ['SIGNING_KEY_PREVIOUS', ['tok-7f3a']],
    ['TURNSTILE_SITE_KEY', ['tok-7f3a']],
  ];
  const services = useServices(settings.map(([name, value]) => ({ vars: { [name]: value } })));
  test.for(numbered(settings))('%s = %j', async ([name, _value, index]) => {
    service = services(index);
    await expectMisconfigured(name, ['tok-7f3a', 'tok7f3a']);
  });

  const kinds = ['function', 'symbol', 'bigint', 'date', 'map', 'nan'];
  const unset = ['undefined', 'null'];
  const bindings = ['TASKS', 'VIDEOS', 'VIDEO_TASK', 'ASSETS', 'SUBMIT_LIMITER'];
  const all = [...kinds, ...unset, ...bindings];
  const bound = useServices(
    all.map((kind) => ({ vars: { STRANGE: { CLIENT_TOKENS: kind } } })),
    'bound-worker.js',
  );
  test.for(kinds)('a %s', async (kind) => {
    service = bound(all.indexOf(kind));
    await expectMisconfigured('CLIENT_TOKENS', ['secret-7f3a']);
  });

  test.for(unset)('but %s counts as not set', async (kind) => {
    service = bound(all.indexOf(kind));
    expect(await health()).toMatchObject({ protection: 'none' });
  });

  test.for(bindings)('the kind of the binding %s', async (kind) => {
    service = bound(all.indexOf(kind));
    await expectMisconfigured('CLIENT_TOKENS');
  });
});

describe('a secret in the Secrets Store', () => {
  const tokens = JSON.stringify({ alice: ALICE });
  const fails = async (how: string) => void (await service.fetch(`/store?fails=${how}`));

  test('is read first, also by the objects and the cron trigger', async () => {
    await startBound(
      { STORED: { CLIENT_TOKENS: tokens, SIGNING_KEY, OPERATOR_TOKEN: 'o'.repeat(32) } },
      { SIGNING_KEY: '' },
    );
    expect(await health()).toMatchObject({ protection: 'tokens' });
    await expectProblem(await service.submit({ prompt: 'a stranger at the safe' }), [401, 'unauthorized']);
    const { id } = await service.as(ALICE).accepted({ prompt: 'out of the safe' });
    expect(await service.as(ALICE).ended(id)).toMatchObject({ status: 'completed' });
    await service.sweep(Date.now() / 1000);
    const inspected = await service.as('o'.repeat(32)).fetch(`/operator/videos/${id}`);
    expect(inspected.status).toBe(200);
  });

  test('works for Turnstile', async () => {
    await startBound({ STORED: { TURNSTILE_SECRET } });
    expect(await health()).toMatchObject({ protection: 'turnstile' });
    await expectProblem(await service.submit({ prompt: 'no person' }), [403, 'challenge_failed']);
  });

  const failures = ['rejects', 'throws', 'empty', 'number', 'nothing'];
  const failing = useServices(
    failures.map(() => ({ vars: { STORED: { CLIENT_TOKENS: tokens } } })),
    'bound-worker.js',
  );
  test.for(failures)('that cannot be read (%s) is misconfigured, and is read again', async (how) => {
    service = failing(failures.indexOf(how));
    await fails(how);
    await expectMisconfigured('CLIENT_TOKENS', [ALICE]);
    await fails('');
    expect(await health()).toMatchObject({ protection: 'tokens' });
    // A value that was read is kept.
    await fails(how);
    expect(await health()).toMatchObject({ protection: 'tokens' });
    await expectProblem(await service.submit({ prompt: 'a stranger' }), [401, 'unauthorized']);
  });
});
