// Reservations survive a kill, and count for the day on which they were made.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { letDayPass } from '../lifecycle/object-databases.ts';
import { ALICE } from '../support/clients.ts';
import { type DirectService, startDirect } from '../support/direct.ts';
import { expectProblem } from '../support/refusals.ts';
import type { Service } from '../support/service.ts';

let service: DirectService;
let alice: Service;
beforeAll(async () => {
  service = await startDirect({
    vars: { DAILY_BUDGET_USD: '0.60' },
    secrets: { CLIENT_TOKENS: JSON.stringify({ alice: ALICE }) },
    sim: { speed: 600 },
  });
  alice = service.as(ALICE);
  service.sim.script('', { holdAt: 'task_start' });
});
afterAll(() => service.close());

async function usage(): Promise<[spent: string, reserved: string]> {
  const { spent_usd, reserved_usd } = await (await alice.fetch('/v1/usage')).json();
  return [spent_usd, reserved_usd];
}

async function restarted(meanwhile: () => void = () => {}): Promise<void> {
  await service.dev.kill('SIGKILL');
  meanwhile();
  await service.dev.start();
}

async function expectExhausted(prompt: string): Promise<void> {
  await expectProblem(await alice.submit({ prompt }), [429, 'budget_exhausted']);
}

async function ended(id: string, prompt: string): Promise<void> {
  service.sim.release(await service.sim.waitForTask(prompt));
  expect((await alice.ended(id, 30_000)).status).toBe('completed');
}

test('a day, a kill during it, and the next day: the budget is correct', async () => {
  const first = await alice.accepted({ prompt: 'yesterday, early' });
  const second = await alice.accepted({ prompt: 'yesterday, late' });
  await expectExhausted('yesterday, too late');
  await restarted();
  expect(await usage()).toEqual(['0.00', '0.56']);
  await expectExhausted('yesterday, still too late');
  await ended(first.id, 'yesterday, early');
  await expect.poll(usage, { timeout: 30_000 }).toEqual(['0.28', '0.28']);

  await restarted(() => letDayPass(service));
  expect(await usage()).toEqual(['0.00', '0.00']);
  const third = await alice.accepted({ prompt: 'today, early' });
  // The job that ends today was reserved yesterday.
  await ended(second.id, 'yesterday, late');
  await ended(third.id, 'today, early');
  await expect.poll(usage, { timeout: 30_000 }).toEqual(['0.28', '0.00']);
  await alice.accepted({ prompt: 'today, late' });
  await expectExhausted('today, too late');
  expect(service.sim.callsTo('/Tool/Detail')).toHaveLength(1);
});
