// Messages about a video's end and removal may be repeated, or arrive after the removal, on a later day too: usage counts
// its money once.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Service } from '../support/service.ts';
import { startWrapped } from '../support/wrapped.ts';
import { OPERATOR_TOKEN } from './operator.ts';

const DAY_SECONDS = 86_400;

let service: Service;
beforeAll(async () => {
  service = await startWrapped('distant-dispatcher.js', {
    vars: { DAILY_BUDGET_USD: '100', PRICES_USD: '768P/6=0.28' },
    secrets: { OPERATOR_TOKEN, CLIENT_TOKENS: '{"alice":"a-token-of-alice-0123456789"}' },
  });
});
afterAll(() => service.close());

/** Sends the dispatcher a message, after the clock was moved. */
async function send(message: object, skipSeconds = 0): Promise<void> {
  const query = new URLSearchParams({ skip: `${skipSeconds}`, message: JSON.stringify(message) });
  expect((await service.fetch(`/test?${query}`)).status).toBe(200);
}

async function spent(): Promise<string[]> {
  const answer = await service.as(OPERATOR_TOKEN).fetch('/operator/usage?group_by=client');
  const { data } = (await answer.json()) as { data: { spent_usd: string }[] };
  return data.map(({ spent_usd }) => spent_usd);
}

test('a repeated removal and a late report on a later day count nothing again', async () => {
  const createdAt = Math.floor(Date.now() / 1000);
  const video = { id: `vid_${'a'.repeat(40)}`, owner: 'alice', created_at: createdAt, model: 'hailuo-2.3' };
  const kind = 'minimax/hailuo-2-3:768P/6';
  const cost = 280_000;
  const end = {
    ending: { status: 'completed', code: null, seconds: 6 },
    expires_at: createdAt + DAY_SECONDS,
  };
  const report = { report: [video, kind, { needs_slot: false, generation_time: 1000, cost, end }] };
  const removal = { forget: { video, cost, is_refused: false, expires_at: createdAt + DAY_SECONDS } };
  await send({ reserve: [video, kind] });
  await send({ enter: [video, kind, null] });
  await send(report);
  expect(await spent()).toEqual(['0.28']);
  await send(removal, 2 * DAY_SECONDS);
  expect(await spent()).toEqual(['0.28']);
  await send(removal);
  expect(await spent()).toEqual(['0.28']);
  await send(report);
  expect(await spent()).toEqual(['0.28']);
});
