// Usage by day, client and model: equal to the budget and to the stand-in's books, whatever the ends, and in CSV.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAMILY } from '../../../sim/family.ts';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, fieldNames, INVALID_PARAMETER } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';
import { startWrapped } from '../support/wrapped.ts';

const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';
const MODELS = ['hailuo-2.3', 'hailuo-2.3-fast'];
const DAY = /^\d{4}-\d\d-\d\d$/;

interface Figures {
  videos: { submitted: number; completed: number; failed: number; cancelled: number };
  seconds: number;
  spent_usd: string;
  reserved_usd: string;
  failures: Record<string, number>;
}
type Row = Figures & { day?: string; client?: string | null; model?: string };

interface Usage {
  object: 'usage';
  from: string;
  to: string;
  data: Row[];
  totals: Figures;
  today: { spent_usd: string; reserved_usd: string; limit_usd: string | null };
}

const NOTHING: Figures = {
  videos: { submitted: 0, completed: 0, failed: 0, cancelled: 0 },
  seconds: 0,
  spent_usd: '0.00',
  reserved_usd: '0.00',
  failures: {},
};

async function usageOf(service: Service, query = ''): Promise<Usage> {
  const answer = await service.as(OPERATOR_TOKEN).fetch(`/operator/usage?${query}`);
  if (answer.status !== 200) throw new Error(await answer.text());
  return (await answer.json()) as Usage;
}

/** In micro-dollars, which add up exactly. */
const micros = (usd: string) => Math.round(Number(usd) * 1e6);

/** Submits a video, and waits for its end unless it is held. */
async function make(
  client: Service,
  prompt: string,
  { faults = {}, model = MODELS[0], isHeld = false, status = 'completed' } = {},
): Promise<string> {
  client.sim.script(prompt, isHeld ? { holdAt: 'task_start' } : faults);
  const frame = model === MODELS[0] ? {} : { inputImageFirstUrl: 'https://images.example.com/coin.png' };
  const { id } = await client.accepted({ prompt, model, ...frame });
  if (isHeld) await (await client.sim.waitForTask(prompt)).reached('task_start');
  else expect(await client.ended(id)).toMatchObject({ status });
  return id;
}

const UNFETCHABLE = { cdn: Array(100).fill({ kind: 'status', status: 503 }) };

describe('after a mixture of ends', () => {
  let service: Service;
  let alice: Service;
  let bob: Service;
  let unfetched: string;
  beforeAll(async () => {
    service = await startService({
      vars: { MODELS: MODELS.join(), DAILY_BUDGET_USD: '50', COPY_DEADLINE_SECONDS: '2' },
      secrets: { CLIENT_TOKENS, OPERATOR_TOKEN },
      sim: { speed: 600, models: FAMILY },
    });
    [alice, bob] = [service.as(ALICE), service.as(BOB)];
    await make(alice, 'a coin of gold');
    await make(alice, 'a coin of silver');
    await make(bob, 'a coin of copper', { model: MODELS[1] });
    await make(alice, 'a coin that broke', { faults: { task: { pexit: '1' } }, status: 'failed' });
    const dear = { task: { pexit: '1', cost: '0.1' } };
    await make(bob, 'a coin that broke and cost something', { faults: dear, status: 'failed' });
    unfetched = await make(bob, 'a coin in a shaft', { faults: UNFETCHABLE, status: 'failed' });
    const cancelled = await make(alice, 'a coin that was called back', { isHeld: true });
    await alice.cancel(cancelled);
    await alice.ended(cancelled);
    const deleted = await make(bob, 'a coin that was melted', { isHeld: true });
    expect((await bob.fetch(`/v1/videos/${deleted}`, { method: 'DELETE' })).status).toBe(200);
    const refusal = { kind: 'error', code: 0, message: 'Request parameter [prompt] required' } as const;
    service.sim.script('a coin without a face', { run: [refusal] });
    expect((await bob.submit({ prompt: 'a coin without a face' })).status).toBe(422);
    await make(alice, 'a coin that is minted', { isHeld: true });
  });
  afterAll(() => service?.close());

  /** When everything that has ended is counted. */
  const settled = (query: string) =>
    expect.poll(async () => (await usageOf(service, query)).data, { timeout: 30_000 });

  test('each client has its figures', async () => {
    await settled('group_by=client').toEqual([
      {
        client: 'alice',
        videos: { submitted: 5, completed: 2, failed: 1, cancelled: 1 },
        seconds: 12,
        spent_usd: '0.56',
        reserved_usd: '0.28',
        failures: { generation_failed: 1 },
      },
      {
        client: 'bob',
        videos: { submitted: 5, completed: 1, failed: 3, cancelled: 1 },
        seconds: 6,
        spent_usd: expect.any(String),
        reserved_usd: '0.00',
        failures: { generation_failed: 1, upstream_rejected: 1, storage_failed: 1 },
      },
    ]);
  });

  test('money is that of the budget and of the books of the stand-in', async () => {
    const { totals, today, data } = await usageOf(service, 'group_by=client');
    const paid = service.sim.tasks.map(({ prompt, succeeded, price }) => {
      const isFree = !succeeded && prompt !== 'a coin that broke and cost something';
      return isFree ? 0 : Math.round((succeeded ? price : 0.1) * 1e6);
    });
    expect(micros(totals.spent_usd)).toBe(paid.reduce((sum, cost) => sum + cost, 0));
    expect([totals.spent_usd, totals.reserved_usd]).toEqual([today.spent_usd, today.reserved_usd]);
    expect(today.limit_usd).toBe('50.00');
    for (const [client, row] of [alice, bob].map((client, index) => [client, data[index]!] as const)) {
      const own = await (await client.fetch('/v1/usage')).json();
      expect([row.spent_usd, row.reserved_usd]).toEqual([own.spent_usd, own.reserved_usd]);
    }
  });

  test('a report has only the keys that are asked for, and the same totals with all', async () => {
    const keys: Record<string, string[]> = {
      '': ['day'],
      'group_by=model': ['model'],
      'group_by=client,model': ['client', 'model'],
      'group_by=model,day,client': ['client', 'day', 'model'],
    };
    const reports = await Promise.all(Object.keys(keys).map((query) => usageOf(service, query)));
    for (const [index, report] of reports.entries()) {
      const names = Object.keys(NOTHING);
      for (const row of report.data)
        expect(
          Object.keys(row)
            .filter((name) => !names.includes(name))
            .toSorted(),
        ).toEqual(Object.values(keys)[index]);
      expect(Object.keys(report.totals).toSorted()).toEqual(names.toSorted());
      expect(report.totals).toEqual(reports[0]!.totals);
      const sum = (of: (row: Figures) => number) => report.data.reduce((total, row) => total + of(row), 0);
      expect(sum(({ spent_usd }) => micros(spent_usd))).toBe(micros(report.totals.spent_usd));
      expect(sum(({ videos }) => videos.submitted)).toBe(report.totals.videos.submitted);
    }
    const { from, to, data } = reports[0]!;
    expect([from, to, data.at(-1)?.day]).toEqual(Array(3).fill(expect.stringMatching(DAY)));
    expect(Date.parse(to) - Date.parse(from)).toBe(29 * 86_400_000);
  });

  test('other days have nothing', async () => {
    const { data, totals } = await usageOf(service, 'from=2026-01-01&to=2026-01-31&group_by=day,client');
    expect([data, totals]).toEqual([[], NOTHING]);
  });

  test('CSV has the same figures', async () => {
    const answer = await service
      .as(OPERATOR_TOKEN)
      .fetch('/operator/usage?group_by=client&format=csv&to=2099-12-31&from=2099-12-01');
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="usage-2099-12-01-2099-12-31.csv"',
    );
    const header =
      'client,submitted,completed,failed,cancelled,seconds,spent_usd,reserved_usd,generation_failed,' +
      'upstream_rejected,upstream_unavailable,upstream_timeout,submission_unknown,storage_failed';
    expect(await answer.text()).toBe(`${header}\r\n`);
    const path = '/operator/usage?group_by=client&format=csv';
    const lines = (await (await service.as(OPERATOR_TOKEN).fetch(path)).text()).split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[1]).toBe('alice,5,2,1,1,12,0.56,0.28,1,0,0,0,0,0');
  });

  test('a redriven video takes its failure back when it completes, and is paid once', async () => {
    const before = await usageOf(service, 'group_by=client');
    service.sim.clearScripts();
    const path = `/operator/videos/${unfetched}/redrive`;
    expect((await service.as(OPERATOR_TOKEN).fetch(path, { method: 'POST' })).status).toBe(202);
    await bob.until(unfetched, ({ status }) => status === 'completed');
    await expect
      .poll(async () => (await usageOf(service, 'group_by=client')).data[1], { timeout: 30_000 })
      .toEqual({
        ...before.data[1],
        videos: { submitted: 5, completed: 2, failed: 2, cancelled: 1 },
        seconds: 12,
        failures: { generation_failed: 1, upstream_rejected: 1 },
      });
  });

  test('a removed video stays counted', async () => {
    const before = await usageOf(service, 'group_by=client,model');
    const remove = (client: Service, id: string) => client.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
    expect((await remove(bob, unfetched)).status).toBe(200);
    await expect
      .poll(
        () => service.logs().filter((line) => line.includes('video removed') && line.includes(unfetched)),
        {
          timeout: 30_000,
        },
      )
      .toHaveLength(1);
    expect(await usageOf(service, 'group_by=client,model')).toEqual(before);
  });
});

test('videos without a client are counted with the client null', async () => {
  const service = await startService({ secrets: { OPERATOR_TOKEN }, sim: { speed: 600 } });
  await make(service, 'a coin found in the street');
  await expect
    .poll(async () => (await usageOf(service, 'group_by=client,model')).data, { timeout: 30_000 })
    .toEqual([
      {
        ...NOTHING,
        client: null,
        model: 'hailuo-2.3',
        videos: { submitted: 1, completed: 1, failed: 0, cancelled: 0 },
        seconds: 6,
        spent_usd: '0.28',
      },
    ]);
  expect((await usageOf(service)).today).toEqual({
    spent_usd: '0.28',
    reserved_usd: '0.00',
    limit_usd: null,
  });
  await service.close();
});

test('a video that is redriven after its day is paid once', async () => {
  const service = await startWrapped('forgetful-budget-worker.js', {
    vars: { COPY_DEADLINE_SECONDS: '2' },
    secrets: { CLIENT_TOKENS, OPERATOR_TOKEN },
    sim: { speed: 600 },
  });
  const alice = service.as(ALICE);
  const id = await make(alice, 'a coin in a well', { faults: UNFETCHABLE, status: 'failed' });
  const figures = async () => (await usageOf(service, 'group_by=client')).data;
  const failed = {
    ...NOTHING,
    client: 'alice',
    videos: { submitted: 1, completed: 0, failed: 1, cancelled: 0 },
    spent_usd: '0.28',
    failures: { storage_failed: 1 },
  };
  await expect.poll(figures, { timeout: 30_000 }).toEqual([failed]);
  expect(await (await service.fetch('/forget')).json()).toBeGreaterThan(0);
  // The dispatcher has the amounts of the day in memory.
  await service.evictDispatcher();
  expect((await usageOf(service)).today.spent_usd).toBe('0.00');
  service.sim.clearScripts();
  const path = `/operator/videos/${id}/redrive`;
  expect((await service.as(OPERATOR_TOKEN).fetch(path, { method: 'POST' })).status).toBe(202);
  await alice.until(id, ({ status }) => status === 'completed');
  const videos = { submitted: 1, completed: 1, failed: 0, cancelled: 0 };
  await expect.poll(figures, { timeout: 30_000 }).toEqual([{ ...failed, videos, seconds: 6, failures: {} }]);
  // The budget has the cost again, and usage counted it when it was first known.
  await expect.poll(async () => (await usageOf(service)).today.spent_usd, { timeout: 30_000 }).toBe('0.28');
  expect((await figures())[0]?.spent_usd).toBe('0.28');
  await service.close();
});

test('lost, repeated and duplicate messages count once', async () => {
  const service = await startWrapped('lossy-dispatcher.js', {
    secrets: { CLIENT_TOKENS, OPERATOR_TOKEN },
    sim: { speed: 600 },
  });
  const alice = service.as(ALICE);
  const ids: string[] = [];
  for (const number of [1, 2, 3, 4]) ids.push(await make(alice, `a coin in copy ${number}.`));
  for (const id of ids.slice(0, 3))
    expect((await alice.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
  const removed = () => service.logs().filter((line) => line.includes('video removed'));
  await expect.poll(removed, { timeout: 30_000 }).toHaveLength(3);
  const figures = async () => (await usageOf(service, 'group_by=client')).data;
  await expect.poll(figures, { timeout: 30_000 }).toEqual([
    {
      ...NOTHING,
      client: 'alice',
      videos: { submitted: 4, completed: 4, failed: 0, cancelled: 0 },
      seconds: 24,
      spent_usd: '1.12',
    },
  ]);
  await service.close();
});

describe('a report is refused', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ secrets: { OPERATOR_TOKEN } });
  });
  afterAll(() => service?.close());

  test.for([
    ['from=yesterday', ['from']],
    ['to=2026-02-29', ['to']],
    ['from=2026-11-02&to=2026-11-01', ['to']],
    ['from=2020-01-01&to=2026-11-01', ['to']],
    ['group_by=owner', ['group_by']],
    ['format=xml', ['format']],
    ['form=2026-11-01', ['form']],
  ] as [string, string[]][])('for %s', async ([query, fields]) => {
    const answer = await service.as(OPERATOR_TOKEN).fetch(`/operator/usage?${query}`);
    expect(fieldNames(await expectProblem(answer, INVALID_PARAMETER))).toEqual(fields);
  });

  test('without the token', async () => {
    await expectProblem(await service.fetch('/operator/usage'), [401, 'unauthorized']);
  });
});
