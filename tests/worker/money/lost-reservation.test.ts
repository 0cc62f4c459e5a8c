// A reservation of a submit whose answer was lost does not pay for a more expensive video with the same key.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALICE } from '../support/clients.ts';
import { expectProblem } from '../support/refusals.ts';
import type { Service } from '../support/service.ts';
import { runsOf } from '../support/upstream-calls.ts';
import { startWrapped } from '../support/wrapped.ts';

let service: Service;
let alice: Service;
beforeAll(async () => {
  service = await startWrapped('lost-reservation-worker.js', {
    vars: { DAILY_BUDGET_USD: '0.30' },
    secrets: { CLIENT_TOKENS: JSON.stringify({ alice: ALICE }) },
  });
  alice = service.as(ALICE);
  service.sim.script('', { holdAt: 'task_start' });
});
afterAll(() => service.close());

async function reserved(): Promise<string> {
  return (await (await alice.fetch('/v1/usage')).json()).reserved_usd;
}

test('a key whose first submit reserved a lower price reserves the difference', async () => {
  const cheap = { prompt: 'a short walk', duration: 6 };
  await expectProblem(await alice.submit(cheap, 'walk'), [500, 'internal']);
  expect(await reserved()).toBe('0.28');
  const dear = { prompt: 'a long walk', duration: 10 };
  await expectProblem(await alice.submit(dear, 'walk'), [429, 'budget_exhausted']);
  expect(runsOf(service.sim, dear.prompt)).toHaveLength(0);
  expect((await alice.submit(cheap, 'walk')).status).toBe(202);
  expect(runsOf(service.sim, cheap.prompt)).toHaveLength(1);
  expect(await reserved()).toBe('0.28');
});
