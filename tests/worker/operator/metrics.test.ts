// GET /operator/metrics in the OpenMetrics format: equal to the usage report.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';

const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';

let service: Service;
let operator: Service;
beforeAll(async () => {
  service = await startService({
    vars: { MAX_ACTIVE: '1', DAILY_BUDGET_USD: '9' },
    secrets: { OPERATOR_TOKEN, CLIENT_TOKENS },
    sim: { speed: 600 },
  });
  operator = service.as(OPERATOR_TOKEN);
});
afterAll(() => service?.close());

/** The samples by name and labels. */
async function samples(): Promise<Record<string, string>> {
  const answer = await operator.fetch('/operator/metrics');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe(
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  );
  const text = await answer.text();
  expect(text).toMatch(/\n# EOF\n$/);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  // Each metric is announced before its samples.
  for (const line of lines) {
    const name = /^\w+/.exec(line)?.[0].replace(/_info$/, '');
    expect(text.indexOf(`# TYPE ${name} `), line).toBeGreaterThanOrEqual(0);
    expect(text.indexOf(`# TYPE ${name} `)).toBeLessThan(text.indexOf(`\n${line}`));
  }
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), line.split(' ').at(-1) ?? '']),
  );
}

test('videos, money and queue are what happened', async () => {
  const alice = service.as(ALICE);
  await alice.ended((await alice.accepted({ prompt: 'a measured step' })).id);
  service.sim.script('a bad step', { task: { pexit: '1', outputs: 'none' } });
  await alice.ended((await alice.accepted({ prompt: 'a bad step' })).id);
  service.sim.script('a held step', { holdAt: 'task_start' });
  await alice.accepted({ prompt: 'a held step' });
  await alice.accepted({ prompt: 'a step behind it' });
  await service.sweep(Date.now() / 1000);
  const ended = (outcome: string) => `hailuo_videos_ended{model="hailuo-2.3",outcome="${outcome}"}`;
  await expect.poll(samples).toMatchObject({
    'hailuo_build_info{version="0.1.0"}': '1',
    'hailuo_videos_submitted{model="hailuo-2.3"}': '4',
    [ended('completed')]: '1',
    [ended('generation_failed')]: '1',
    [ended('cancelled')]: '0',
    'hailuo_video_seconds{model="hailuo-2.3"}': '6',
    'hailuo_spent_usd{model="hailuo-2.3"}': '0.28',
    hailuo_today_spent_usd: '0.28',
    hailuo_today_reserved_usd: '0.56',
    hailuo_today_budget_usd: '9.00',
    'hailuo_jobs{state="waiting"}': '1',
    'hailuo_jobs{state="active"}': '1',
    hailuo_paused: '0',
    hailuo_circuit_open: '0',
    hailuo_last_sweep_timestamp_seconds: expect.stringMatching(/^\d{10}$/),
  });
});

test('only the operator gets them', async () => {
  await expectProblem(await service.as(ALICE).fetch('/operator/metrics'), [401, 'unauthorized']);
  await expectProblem(await service.fetch('/operator/metrics'), [401, 'unauthorized']);
});
