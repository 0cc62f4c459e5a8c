// Data points of Analytics Engine, where a data set is bound: one for each accepted video and one for each end.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import type { Service } from '../support/service.ts';
import { startWrapped } from '../support/wrapped.ts';

let service: Service;
beforeAll(async () => {
  service = await startWrapped('analytics-worker.js', {
    vars: { REFUSED_CLIENT: 'bob' },
    secrets: { CLIENT_TOKENS },
    sim: { speed: 600 },
  });
});
afterAll(() => service?.close());

interface Point {
  indexes: string[];
  blobs: string[];
  doubles: number[];
}

const points = () =>
  service
    .logs()
    .filter((line) => line.includes('"data point"'))
    .map((line) => (JSON.parse(line) as { point: Point }).point);

test('acceptance and end are data points with client, model, code, cost and time', async () => {
  const alice = service.as(ALICE);
  await alice.ended((await alice.accepted({ prompt: 'a point well made' })).id);
  service.sim.script('a point missed', { task: { pexit: '1', outputs: 'none' } });
  await alice.ended((await alice.accepted({ prompt: 'a point missed' })).id);
  await expect.poll(points).toHaveLength(4);
  const point = (event: string, code = '', cost = 0) => ({
    indexes: ['alice'],
    blobs: [event, 'alice', 'hailuo-2.3', code],
    doubles: [cost, expect.any(Number)],
  });
  expect(points()).toEqual([
    point('accepted'),
    point('completed', '', 0.28),
    point('accepted'),
    point('failed', 'generation_failed'),
  ]);
});

test('a data point that is refused is logged, and the video goes on', async () => {
  const bob = service.as(BOB);
  const { id } = await bob.accepted({ prompt: 'a point refused' });
  expect(await bob.ended(id)).toMatchObject({ status: 'completed' });
  const lines = service.logs().filter((line) => line.includes('writing a data point failed'));
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(line).toContain(id);
});
