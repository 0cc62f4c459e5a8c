// While the outcomes of Runs are unknown, only probes are sent and other jobs are queued. A job that no search finds
// releases its slot and reservation.
import { afterEach, expect, test } from 'vitest';
import { ALICE } from '../support/clients.ts';
import { type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';
import { runsOf } from '../support/upstream-calls.ts';

const secrets = { CLIENT_TOKENS: JSON.stringify({ alice: ALICE }) };
const bad = { kind: 'status', status: 502 } as const;

let service: Service;
let alice: Service;
afterEach(() => service.close());

async function start(vars: Record<string, string>): Promise<void> {
  service = await startService({ vars, secrets, sim: { speed: 600 } });
  alice = service.as(ALICE);
}

async function usage(): Promise<[spent: string, reserved: string]> {
  const { spent_usd, reserved_usd } = await (await alice.fetch('/v1/usage')).json();
  return [spent_usd, reserved_usd];
}

test('after three unknown outcomes jobs are queued, and start when a probe is answered', async () => {
  await start({ RETRY_SECONDS: '3', SEARCH_SECONDS: '600', DAILY_BUDGET_USD: '100' });
  service.sim.script('', { run: [bad, bad, bad, bad] });
  for (const n of [1, 2, 3]) {
    const video = await alice.accepted({ prompt: `into the dark ${n}.` });
    expect(video.status).toBe('in_progress');
  }
  // The dispatcher learns the outcome shortly after the submit.
  const waiting: Video[] = [];
  await expect
    .poll(async () => {
      const video = await alice.accepted({ prompt: `at the closed gate ${waiting.length}.` });
      waiting.push(video);
      return [video.status, video.stage, video.queue_position !== null];
    })
    .toEqual(['queued', 'waiting', true]);
  const sent = service.sim.callsTo('/Run/').length;
  expect(sent).toBeLessThanOrEqual(4);
  for (let n = 0; n < 5; n += 1) {
    waiting.push(await alice.accepted({ prompt: `behind the closed gate ${n}.` }));
  }
  expect(service.sim.callsTo('/Run/').length).toBeLessThanOrEqual(4);
  // The first probe is lost like the Runs before, the second is answered.
  for (const { id } of waiting.slice(-5)) {
    expect(await alice.ended(id)).toMatchObject({ status: 'completed' });
  }
  for (const { input } of waiting) expect(runsOf(service.sim, input.prompt)).toHaveLength(1);
});

test('up to a hundred jobs are queued, and further submits get 503', async () => {
  await start({ RETRY_SECONDS: '600', SEARCH_SECONDS: '600' });
  service.sim.script('', { run: [bad, bad, bad] });
  for (const n of [1, 2, 3]) await alice.accepted({ prompt: `the last that was sent ${n}.` });
  const submit = (n: number) => alice.submit({ prompt: `a crowd ${n}.` }, `crowd-${n}`);
  const answers = await Promise.all(Array.from({ length: 120 }, (_, n) => submit(n)));
  const refused = answers.flatMap((answer, n) => (answer.status === 503 ? [{ answer, n }] : []));
  const taken = answers.filter(({ status }) => status === 202);
  expect([taken.length >= 100, refused.length]).toEqual([true, 120 - taken.length]);
  expect(refused.length).toBeGreaterThan(10);
  for (const { answer } of refused) {
    expect(answer.headers.get('retry-after')).toBe('60');
    expect(await answer.json()).toMatchObject({ code: 'upstream_unavailable' });
  }
  // Its key is free: the same submit is refused again in the same way.
  expect((await submit(refused[0]!.n)).status).toBe(503);
  expect(service.sim.callsTo('/Run/').length).toBeLessThanOrEqual(6);
});

test('a job that no search finds releases its slot and reservation', async () => {
  await start({ MAX_ACTIVE: '1', DAILY_BUDGET_USD: '0.30', SEARCH_SECONDS: '0.2,0.2' });
  const prompt = 'a refusal in unknown words';
  service.sim.script(prompt, { run: [{ kind: 'error', code: 0, message: 'Das geht leider nicht' }] });
  const lost = await alice.accepted({ prompt });
  await expect.poll(usage, { timeout: 30_000 }).toEqual(['0.00', '0.00']);
  const next = await alice.accepted({ prompt: 'whoever waited for its place' });
  expect(await alice.ended(next.id)).toMatchObject({ status: 'completed' });
  expect(await alice.video(lost.id)).toMatchObject({ status: 'in_progress' });
  await expect.poll(usage, { timeout: 30_000 }).toEqual(['0.28', '0.00']);
});

test('a job that is found later gets its slot and cost back', async () => {
  await start({ MAX_ACTIVE: '1', DAILY_BUDGET_USD: '0.30', SEARCH_SECONDS: '0.2' });
  service.sim.listCallbackUrl = false;
  service.sim.parametersAs = 'none';
  const prompt = 'a ship that comes back late';
  service.sim.script(prompt, { run: [{ kind: 'lost', how: 'status' }], holdAt: 'task_start' });
  const lost = await alice.accepted({ prompt });
  await expect.poll(usage, { timeout: 30_000 }).toEqual(['0.00', '0.00']);
  service.sim.listCallbackUrl = true;
  // The job still runs, so it acquires its slot and reservation again.
  await expect.poll(usage, { timeout: 30_000 }).toEqual(['0.00', '0.28']);
  service.sim.release(await service.sim.waitForTask(prompt));
  expect(await alice.ended(lost.id)).toMatchObject({ status: 'completed' });
  await expect.poll(usage, { timeout: 30_000 }).toEqual(['0.28', '0.00']);
});
