// DAILY_BUDGET_USD is kept exactly: of concurrent submits only affordable ones run, and unused reservations are free
// for others.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB } from '../support/clients.ts';
import { expectProblem, traces } from '../support/refusals.ts';
import { submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { type Service, type ServiceOptions, startService } from '../support/service.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { runsOf } from '../support/upstream-calls.ts';

const BUDGET_EXHAUSTED = [429, 'budget_exhausted'] as const;

interface Usage {
  object: 'usage';
  spent_usd: string;
  reserved_usd: string;
  limit_usd: string | null;
  resets_at: number;
}

/** Both clients, alice with a share of her own. */
const CLIENT_TOKENS = JSON.stringify({ alice: { token: ALICE, daily_usd: '0.60' }, bob: { token: [BOB] } });

function start(budget: string, options: ServiceOptions = {}): Promise<Service> {
  const { vars, sim, ...others } = options;
  return startService({
    ...others,
    vars: { DAILY_BUDGET_USD: budget, ...vars },
    sim: { speed: 6000, ...sim },
  });
}

async function usageOf(client: Service): Promise<Usage> {
  const answer = await client.fetch('/v1/usage');
  expect(answer.status).toBe(200);
  return (await answer.json()) as Usage;
}

/** Of UTC, in unix seconds. */
const nextMidnight = () => (Math.floor(Date.now() / 86_400_000) + 1) * 86_400;

async function expectExhausted(answer: Response): Promise<string> {
  const wait = Number(answer.headers.get('retry-after'));
  const { detail } = await expectProblem(answer, BUDGET_EXHAUSTED);
  expect(Math.abs(wait - (nextMidnight() - Date.now() / 1000))).toBeLessThan(60);
  return detail;
}

/** Submits so many at once; those that were taken. All others were refused for want of money. */
async function taken(service: Service, what: string, count: number): Promise<Video[]> {
  const submit = (_: unknown, index: number) => service.submit({ prompt: `${what} ${index}.` });
  const answers = await Promise.all(Array.from({ length: count }, submit));
  const videos: Video[] = [];
  for (const answer of answers) {
    if (answer.status === 202) videos.push((await answer.json()) as Video);
    else await expectExhausted(answer);
  }
  return videos;
}

describe('500 concurrent submits and a budget for 20', () => {
  let service: Service;
  beforeAll(async () => {
    service = await start('5.60', { vars: { POLL_SECONDS: '600' } });
  });
  afterAll(() => service.close());

  test('20 are accepted; then as many more as have failed', async () => {
    const { sim } = service;
    sim.script('', { holdAt: 'task_start' });
    const first = await taken(service, 'a coin', 500);
    expect(first).toHaveLength(20);
    expect(sim.callsTo('/Run/')).toHaveLength(20);
    for (const { id } of first) await publishedRecord(service, id, 'in_progress');
    // The refused submit has left nothing behind.
    const { records, files } = await traces(service);
    expect(files).toEqual([]);
    expect(records.toSorted()).toEqual(first.map(({ id }) => `video:${id}`).toSorted());

    const [failing, others] = [first.slice(0, 7), first.slice(7)];
    for (const { input } of failing) sim.script(input.prompt, { task: { pexit: '1' } });
    for (const { input } of first) sim.release(await sim.waitForTask(input.prompt));
    for (const { id } of failing) {
      expect(await service.ended(id)).toMatchObject({ error: { code: 'generation_failed' }, cost_usd: null });
    }
    for (const { id } of others) {
      expect(await service.ended(id)).toMatchObject({ status: 'completed', cost_usd: '0.28' });
    }
    // The dispatcher learns of the end shortly after the public.
    const second = await taken(service, 'a returned coin', 100);
    while (second.length < 7) second.push(...(await taken(service, `coin ${second.length}`, 20)));
    expect(second).toHaveLength(7);
    expect(sim.callsTo('/Run/')).toHaveLength(27);
    expect(await taken(service, 'one coin more', 5)).toEqual([]);
  });
});

describe('one video at a time', () => {
  let service: Service;
  beforeAll(async () => {
    service = await start('0.50');
  });
  afterAll(() => service.close());

  test('a refused image is not stored, and a replay is not refused', async () => {
    const body = { prompt: 'the only penny that there is' };
    const submits = await Promise.all(Array.from({ length: 10 }, () => service.submit(body, 'a-penny')));
    expect(submits.map(({ status }) => status)).toEqual(Array(10).fill(202));
    const { id } = (await submits[0]!.json()) as Video;
    await service.ended(id);
    expect(runsOf(service.sim, body.prompt)).toHaveLength(1);

    const before = await traces(service);
    const file = { name: 'inputImageFirst', filename: 'penny.png', value: picture('image/png', 5000) };
    const refused = await submitForm(service, [{ name: 'prompt', value: 'a penny in colour' }, file]);
    await expectExhausted(refused);
    const { files, records, callsToWiro } = await traces(service);
    expect([files, records.length, callsToWiro]).toEqual([
      before.files,
      expect.any(Number),
      before.callsToWiro,
    ]);
    await expectExhausted(await service.submit({ prompt: 'a second penny' }, 'another-penny'));

    const replay = await service.submit(body, 'a-penny');
    expect([replay.status, replay.headers.get('idempotent-replayed')]).toEqual([202, 'true']);
    await expectProblem(await service.submit({ prompt: 'a forged penny' }, 'a-penny'), [
      422,
      'idempotency_key_reused',
    ]);
  });

  test('the cost of a deleted video stays spent', async () => {
    const replay = await service.submit({ prompt: 'the only penny that there is' }, 'a-penny');
    const { id } = (await replay.json()) as Video;
    expect((await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    await expectProblem(await service.submit({ prompt: 'the only penny that there is' }, 'a-penny'), [
      410,
      'deleted',
    ]);
    await expectExhausted(await service.submit({ prompt: 'a penny for a new key' }, 'a-new-penny'));
  });
});

describe('a job counts', () => {
  let service: Service;
  let alice: Service;
  let bob: Service;
  beforeAll(async () => {
    service = await start('2.00', {
      vars: { TASK_DEADLINE_SECONDS: '5', SEARCH_SECONDS: '0.2,600' },
      secrets: { CLIENT_TOKENS },
      sim: { listCallbackUrl: false, parametersAs: 'none' },
    });
    alice = service.as(ALICE);
    bob = service.as(BOB);
  });
  afterAll(() => service.close());

  const settled = async (client: Service, usage: Partial<Usage>) =>
    expect.poll(() => usageOf(client), { timeout: 30_000 }).toMatchObject(usage);

  test('its real cost, as soon as it is known', async () => {
    expect(await usageOf(alice)).toEqual({
      object: 'usage',
      spent_usd: '0.00',
      reserved_usd: '0.00',
      limit_usd: '0.60',
      resets_at: nextMidnight(),
    });
    const prompt = 'a discount for the brave';
    service.sim.script(prompt, {
      holdAt: 'task_start',
      task: { patch: (row) => ({ ...row, totalcost: '0.100000500000' }) },
    });
    const { id } = await alice.accepted({ prompt });
    expect(await usageOf(alice)).toMatchObject({ spent_usd: '0.00', reserved_usd: '0.28' });
    service.sim.release(await service.sim.waitForTask(prompt));
    expect(await alice.ended(id)).toMatchObject({ cost_usd: '0.1000005' });
    await settled(alice, { spent_usd: '0.100001', reserved_usd: '0.00' });
    expect(await usageOf(bob)).toMatchObject({ spent_usd: '0.00', limit_usd: '2.00' });
  });

  test('against the client’s limit, even if the budget has more', async () => {
    const held = 'what a share still pays for';
    service.sim.script(held, { holdAt: 'task_start' });
    const { id } = await alice.accepted({ prompt: held });
    expect(await usageOf(alice)).toMatchObject({ spent_usd: '0.100001', reserved_usd: '0.28' });
    const detail = await expectExhausted(await alice.submit({ prompt: 'beyond her share' }));
    expect(detail).toContain('share');
    service.sim.release(await service.sim.waitForTask(held));
    await alice.ended(id);
    const his = await bob.accepted({ prompt: 'bob has no share', resolution: '1080P' });
    await bob.ended(his.id);
    await settled(bob, { spent_usd: '0.49', reserved_usd: '0.00' });
  });

  test('nothing after a cancel', async () => {
    const prompt = 'a change of mind';
    service.sim.script(prompt, { holdAt: 'task_queue' });
    const { id } = await bob.accepted({ prompt });
    expect(await usageOf(bob)).toMatchObject({ reserved_usd: '0.28' });
    expect((await bob.cancel(id)).status).toBe(200);
    await settled(bob, { spent_usd: '0.49', reserved_usd: '0.00' });
  });

  test('nothing after a refusal by Wiro', async () => {
    const prompt = 'nothing for the squeamish';
    service.sim.script(prompt, { run: [{ kind: 'error', code: 97, message: 'Insufficient balance' }] });
    await expectProblem(await bob.submit({ prompt }), [503, 'upstream_unavailable']);
    await settled(bob, { spent_usd: '0.49', reserved_usd: '0.00' });
  });

  test('its price while the cost is unknown, also for ever', async () => {
    const prompt = 'a ship that never came back';
    service.sim.script(prompt, { run: [{ kind: 'lost', how: 'status' }], callback: { lost: true } });
    const { id } = await bob.accepted({ prompt });
    expect(await bob.ended(id)).toMatchObject({ error: { code: 'submission_unknown' } });
    expect(await usageOf(bob)).toMatchObject({ spent_usd: '0.49', reserved_usd: '0.28' });
    expect((await bob.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    await settled(bob, { spent_usd: '0.77', reserved_usd: '0.00' });
  });

  test('nothing if it was deleted before Run', async () => {
    const prompt = 'a letter torn up at the counter';
    service.sim.script(prompt, { run: Array(50).fill({ kind: 'status', status: 429, retryAfter: 1 }) });
    const { id } = await bob.accepted({ prompt });
    expect(await usageOf(bob)).toMatchObject({ reserved_usd: '0.28' });
    await bob.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
    await settled(bob, { spent_usd: '0.77', reserved_usd: '0.00' });
  });
});

describe('the price', () => {
  const broken = { tool: Array(50).fill({ kind: 'status', status: 500 }) };

  async function withoutList(vars: Record<string, string>, use: (service: Service) => Promise<void>) {
    const service = await start('1.00', { vars });
    try {
      service.sim.script('', broken);
      await use(service);
    } finally {
      await service.close();
    }
  }

  test('comes from the settings if Wiro has none', () =>
    withoutList({ PRICES_USD: '768P/6=0.60' }, async (service) => {
      const prompt = 'by the list on the wall';
      service.sim.script(prompt, { holdAt: 'task_start' });
      await service.accepted({ prompt });
      await expectExhausted(await service.submit({ prompt: 'one more by the list' }));
      await expectProblem(await service.submit({ prompt: 'not on the list', duration: 10 }), [
        503,
        'upstream_unavailable',
      ]);
    }));

  test('must be known while there is a budget', () =>
    withoutList({}, async (service) => {
      const answers = await Promise.all(
        [1, 2, 3].map((number) => service.submit({ prompt: `at whatever price ${number}` })),
      );
      for (const answer of answers) {
        expect(answer.headers.get('retry-after')).toBe('300');
        const { detail } = await expectProblem(answer, [503, 'upstream_unavailable']);
        expect(detail).toContain('cost');
      }
      expect(service.sim.callsTo('/Run/')).toEqual([]);
      // Concurrent submits have waited for the same answer.
      expect(service.sim.callsTo('/Tool/Detail')).toHaveLength(1);
    }));
});

test('without a budget no prices are read, and costs are still recorded', async () => {
  const service = await start('', { secrets: { CLIENT_TOKENS: JSON.stringify({ bob: BOB }) } });
  try {
    const bob = service.as(BOB);
    const { id } = await bob.accepted({ prompt: 'money is no object' });
    await bob.ended(id);
    await expect
      .poll(() => usageOf(bob), { timeout: 30_000 })
      .toMatchObject({ spent_usd: '0.28', reserved_usd: '0.00', limit_usd: null });
    expect(service.sim.callsTo('/Tool/Detail')).toEqual([]);
    await expectProblem(await service.fetch('/v1/usage'), [401, 'unauthorized']);
  } finally {
    await service.close();
  }
});

test('without client tokens there is no usage', async () => {
  const service = await start('1.00');
  try {
    await expectProblem(await service.fetch('/v1/usage'), [401, 'unauthorized']);
  } finally {
    await service.close();
  }
});
