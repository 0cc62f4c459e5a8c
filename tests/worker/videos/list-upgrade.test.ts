// A list that an earlier version stored, without status and model: filters find its videos too, and new ones beside them.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import type { Service } from '../support/service.ts';
import type { List } from '../support/types.ts';
import { startWrapped } from '../support/wrapped.ts';

const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';

let service: Service;
let alice: Service;
beforeAll(async () => {
  service = await startWrapped('earlier-lists-worker.js', {
    secrets: { CLIENT_TOKENS, OPERATOR_TOKEN },
    sim: { speed: 600 },
  });
  alice = service.as(ALICE);
});
afterAll(() => service?.close());

async function made(prompt: string, task: object = {}): Promise<string> {
  service.sim.script(prompt, task);
  const { id } = await alice.accepted({ prompt });
  await alice.ended(id);
  return id;
}

async function listed(query: string): Promise<string[]> {
  const { data } = (await (await alice.fetch(`/v1/videos?${query}`)).json()) as List;
  return data.map(({ id }) => id);
}

test('filters find the videos of an earlier version, and those that came after it', async () => {
  const completed = [await made('an old photograph'), await made('another old photograph')];
  const failed = await made('an old photograph out of focus', { task: { pexit: '1' } });
  const columns = await (await service.fetch('/earlier')).json();
  expect(columns).toEqual(['ticket', 'id', 'owner', 'created_at']);
  // What is in memory of the tables goes with the object.
  await service.evictDispatcher();
  expect(await listed('status=completed')).toEqual(completed.toReversed());
  expect(await listed('status=failed')).toEqual([failed]);
  const later = await made('a new photograph');
  expect(await listed('status=completed&limit=2')).toEqual([later, completed[1]]);
  expect(await listed('status=failed')).toEqual([failed]);
  expect(await listed('status=in_progress')).toEqual([]);
  expect(await listed('model=hailuo-2.3')).toEqual([later, failed, ...completed.toReversed()]);
  expect(await listed('model=hailuo-2.3&status=completed&order=asc')).toEqual([...completed, later]);
  expect(await listed('model=hailuo-2.3-fast')).toEqual([]);
  // The operator sees them all, and usage goes on.
  const operator = service.as(OPERATOR_TOKEN);
  const { data } = (await (await operator.fetch('/operator/videos?client=alice')).json()) as List;
  expect(data.map(({ id }) => id)).toEqual([later, failed, ...completed.toReversed()]);
  const usage = await (await operator.fetch('/operator/usage')).json();
  expect(usage.totals.videos).toEqual({ submitted: 4, completed: 3, failed: 1, cancelled: 0 });
});
