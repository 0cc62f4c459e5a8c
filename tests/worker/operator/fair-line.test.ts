// Clients take turns in the queue, and a client has no more jobs at Wiro at once than it may. Checks are a minute apart
// here, so earlier events were caused by a free slot.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB } from '../support/clients.ts';
import { type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';
import { startWrapped } from '../support/wrapped.ts';
import { clientNamed, OPERATOR_TOKEN, operated } from './operator.ts';

const CAROL = 'carol-token-5b80e7f3a962';
const secrets = { CLIENT_TOKENS: JSON.stringify({ alice: ALICE, bob: BOB, carol: CAROL }), OPERATOR_TOKEN };
const PATIENT = { POLL_SECONDS: '60', RETRY_SECONDS: '60' };

/** Submits one after another. */
async function submitted(client: Service, what: string, count: number): Promise<Video[]> {
  const videos: Video[] = [];
  while (videos.length < count)
    videos.push(await client.accepted({ prompt: `${what}, number ${videos.length}` }));
  return videos;
}

async function positions(client: Service, videos: Video[]): Promise<(number | null)[]> {
  const seen = await Promise.all(videos.map(({ id }) => client.video(id)));
  return seen.map(({ queue_position }) => queue_position);
}

async function finish(client: Service, { id, input: { prompt } }: Video): Promise<void> {
  const task = await client.sim.waitForTask(prompt);
  await task.reached('task_start');
  client.sim.release(task);
  expect(await client.ended(id)).toMatchObject({ status: 'completed' });
}

describe('with one slot', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ vars: { ...PATIENT, MAX_ACTIVE: '1' }, secrets, sim: { speed: 6000 } });
    service.sim.script('', { holdAt: 'task_start' });
  });
  afterAll(() => service?.close());

  test('clients take turns, each in the order of its submits', async () => {
    const [alice, bob, carol] = [service.as(ALICE), service.as(BOB), service.as(CAROL)];
    const [started, ...long] = await submitted(alice, 'a long wish list', 5);
    const short = await submitted(bob, 'a short wish list', 2);
    const last = await submitted(carol, 'a single wish', 1);
    expect(await positions(alice, long)).toEqual([1, 4, 6, 7]);
    expect(await positions(bob, short)).toEqual([2, 5]);
    expect(await positions(carol, last)).toEqual([3]);
    const order = [long[0]!, short[0]!, last[0]!, long[1]!, short[1]!, long[2]!, long[3]!];
    const owner = (video: Video) => (long.includes(video) ? alice : short.includes(video) ? bob : carol);
    await finish(alice, started!);
    for (const [index, video] of order.entries()) {
      await service.sim.waitForTask(video.input.prompt);
      const behind = order.slice(index + 1);
      const seen = await Promise.all(behind.map((other) => positions(owner(other), [other])));
      expect(seen.flat()).toEqual(behind.map((_, place) => place + 1));
      await finish(owner(video), video);
    }
    expect(service.sim.tasks.map(({ prompt }) => prompt)).toEqual(
      [started!, ...order].map(({ input }) => input.prompt),
    );
  });
});

describe('with two jobs of a client at once', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ vars: { ...PATIENT, MAX_ACTIVE: '3' }, secrets, sim: { speed: 6000 } });
    service.sim.script('', { holdAt: 'task_start' });
  });
  afterAll(() => service?.close());

  test('more of its jobs wait, and the jobs of others pass', async () => {
    const [alice, bob] = [service.as(ALICE), service.as(BOB)];
    await operated(service, 'PATCH', 'clients/alice', { max_active: 2 });
    const [first, second, ...waiting] = await submitted(alice, 'a hungry client', 5);
    expect(await positions(alice, waiting)).toEqual([1, 2, 3]);
    const [passing] = await submitted(bob, 'a modest client', 1);
    expect(passing!.queue_position).toBeNull();
    await service.sim.waitForTask(passing!.input.prompt);
    await finish(bob, passing!);
    expect(await clientNamed(service, 'alice')).toMatchObject({ active: 2, max_active: 2 });
    expect(await positions(alice, waiting)).toEqual([1, 2, 3]);
    await finish(alice, first!);
    await service.sim.waitForTask(waiting[0]!.input.prompt);
    expect(await positions(alice, waiting.slice(1))).toEqual([1, 2]);
    // Without the limit the free slot is used at once.
    await operated(service, 'PATCH', 'clients/alice', { max_active: null });
    await service.sim.waitForTask(waiting[1]!.input.prompt);
    expect(await positions(alice, waiting.slice(2))).toEqual([1]);
    for (const video of [second!, ...waiting]) await finish(alice, video);
  });
});

test('a queue that an earlier version stored goes on, with the clients of its jobs', async () => {
  const service = await startWrapped('earlier-queue-worker.js', {
    vars: { ...PATIENT, MAX_ACTIVE: '1' },
    secrets,
    sim: { speed: 6000 },
  });
  service.sim.script('', { holdAt: 'task_start' });
  try {
    const [alice, bob] = [service.as(ALICE), service.as(BOB)];
    const [running, ...long] = await submitted(alice, 'an old wish list', 3);
    const [short] = await submitted(bob, 'an old wish', 1);
    const columns = await (await service.fetch('/earlier')).json();
    expect(columns).toEqual(['ticket', 'id', 'state', 'look_at']);
    await service.evictDispatcher();
    expect(await positions(alice, long)).toEqual([1, 3]);
    expect(await positions(bob, [short!])).toEqual([2]);
    await finish(alice, running!);
    await finish(alice, long[0]!);
    await finish(bob, short!);
    await finish(alice, long[1]!);
  } finally {
    await service.close();
  }
});

test('a position in the queue is read without the videos that have ended', async () => {
  const service = await startWrapped('read-rows-worker.js', {
    vars: { ...PATIENT, MAX_ACTIVE: '1' },
    secrets,
    sim: { speed: 6000 },
  });
  service.sim.script('', { holdAt: 'task_start' });
  const rowsRead = async (query = '') =>
    ((await (await service.fetch(`/rows${query}`)).json()) as { read: number }).read;
  try {
    const alice = service.as(ALICE);
    const [running, waiting] = await submitted(alice, 'a wish among many', 2);
    await service.sim.waitForTask(running!.input.prompt);
    const before = await rowsRead('?ended=2000');
    expect(before).toBeGreaterThan(0);
    expect(await positions(alice, [waiting!])).toEqual([1]);
    const [next] = await submitted(alice, 'another wish among many', 1);
    expect(next!.queue_position).toBe(2);
    expect((await rowsRead()) - before).toBeLessThan(200);
  } finally {
    await service.close();
  }
});
