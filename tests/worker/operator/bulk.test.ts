// The calls of the operator for one video of any client, and for all videos that a filter selects.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, fieldNames, INVALID_PARAMETER, NOT_FOUND } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { runsOf } from '../support/upstream-calls.ts';
import { startWrapped } from '../support/wrapped.ts';
import { clientNamed, OPERATOR_TOKEN, operate, operated } from './operator.ts';

interface Outcome {
  matched: number;
  done: number;
  failed: { id: string; code: string }[];
  has_more: boolean;
  last_id: string | null;
}

const NOBODY = `vid_${'a'.repeat(40)}`;

describe('with queued and running videos', () => {
  let service: Service;
  let alice: Service;
  let bob: Service;
  beforeAll(async () => {
    service = await startService({
      vars: { MAX_ACTIVE: '2' },
      secrets: { CLIENT_TOKENS, OPERATOR_TOKEN },
      sim: { speed: 600 },
    });
    [alice, bob] = [service.as(ALICE), service.as(BOB)];
  });
  afterAll(() => service?.close());

  test('one video of anybody is cancelled or deleted', async () => {
    service.sim.script('a stray balloon', { holdAt: 'task_start' });
    const { id } = await alice.accepted({ prompt: 'a stray balloon' });
    await service.sim.waitForTask('a stray balloon');
    const cancelled = await operated<Video>(service, 'POST', `videos/${id}/cancel`);
    expect(cancelled).toMatchObject({ id, object: 'video' });
    expect(await alice.ended(id)).toMatchObject({ status: 'cancelled' });
    const deleted = { id, object: 'video.deleted', deleted: true };
    expect(await operated(service, 'DELETE', `videos/${id}`)).toEqual(deleted);
    expect((await alice.fetch(`/v1/videos/${id}`)).status).toBe(404);
    await expectProblem(await operate(service, 'DELETE', `videos/${id}`), NOT_FOUND);
    await expectProblem(await operate(service, 'POST', `videos/${NOBODY}/cancel`), NOT_FOUND);
    await expectProblem(await operate(service, 'POST', `videos/${id}/rename`), NOT_FOUND);
  });

  test('all videos of a client that have not ended are cancelled, and no others', async () => {
    service.sim.script('of a runaway', { holdAt: 'task_start' });
    const early = await alice.accepted({ prompt: 'an early one of alice' });
    await alice.ended(early.id);
    const ids: string[] = [];
    while (ids.length < 6) ids.push((await alice.accepted({ prompt: `one of a runaway: ${ids.length}` })).id);
    const other = await bob.accepted({ prompt: 'one of somebody else' });
    const outcome = await operated<Outcome>(service, 'POST', 'videos/cancel?client=alice');
    expect(outcome).toMatchObject({ matched: 6, done: 6, failed: [], has_more: false });
    for (const id of ids) expect(await alice.ended(id)).toMatchObject({ status: 'cancelled' });
    expect(await bob.ended(other.id)).toMatchObject({ status: 'completed' });
    expect(await alice.video(early.id)).toMatchObject({ status: 'completed' });
    const again = await operated<Outcome>(service, 'POST', 'videos/cancel?client=alice');
    expect(again).toMatchObject({ matched: 0, done: 0, failed: [], has_more: false });
    // Those that a filter names although nothing can be done are reported.
    const wrong = await operated<Outcome>(service, 'POST', 'videos/cancel?client=bob&status=completed');
    expect(wrong.failed).toEqual([{ id: other.id, code: 'already_finished' }]);
    await expect.poll(() => clientNamed(service, 'alice')).toMatchObject({ active: 0 });
  });

  test('a deletion needs a filter, and a misspelt one deletes nothing', async () => {
    const kept = await bob.accepted({ prompt: 'one that must be kept' });
    await bob.ended(kept.id);
    const all = await expectProblem(await operate(service, 'DELETE', 'videos'), INVALID_PARAMETER);
    expect(fieldNames(all)).toEqual(['client']);
    for (const query of ['clients=bob', 'client=a:b', 'status=done', 'since=today', 'client=bob&limit=1'])
      await expectProblem(await operate(service, 'DELETE', `videos?${query}`), INVALID_PARAMETER);
    expect((await bob.video(kept.id)).id).toBe(kept.id);
    await expectProblem(await operate(service, 'POST', 'videos/delete?client=bob'), [
      405,
      'method_not_allowed',
    ]);
  });

  test('more videos than fit into one call are deleted by several', async () => {
    service.sim.script('a flyer', { holdAt: 'task_start' });
    const ids = new Set<string>();
    while (ids.size < 105) {
      const some = Array.from({ length: 15 }, (_, index) =>
        alice.accepted({ prompt: `a flyer ${ids.size + index}` }),
      );
      for (const { id } of await Promise.all(some)) ids.add(id);
    }
    const since = Math.floor(Date.now() / 1000) - 3600;
    let deleted = 0;
    let outcome: Outcome;
    do {
      outcome = await operated<Outcome>(service, 'DELETE', `videos?client=alice&since=${since}`);
      expect(outcome.failed).toEqual([]);
      deleted += outcome.done;
    } while (outcome.has_more);
    expect(deleted).toBeGreaterThanOrEqual(105);
    const list = await (await alice.fetch('/v1/videos')).json();
    expect(list).toMatchObject({ data: [], has_more: false });
    for (const id of [...ids].slice(0, 3)) expect((await alice.fetch(`/v1/videos/${id}`)).status).toBe(404);
  });
});

describe('with a budget', () => {
  const options = {
    vars: { TASK_DEADLINE_SECONDS: '4', COPY_DEADLINE_SECONDS: '2', DAILY_BUDGET_USD: '5' },
    secrets: { CLIENT_TOKENS, OPERATOR_TOKEN },
    sim: { speed: 600 },
  };
  let service: Service;
  let alice: Service;
  beforeAll(async () => {
    // The answer to the first reservation is lost.
    service = await startWrapped('lost-reservation-worker.js', options);
    alice = service.as(ALICE);
  });
  afterAll(() => service?.close());

  const release = (id: string) => operated<object>(service, 'POST', `videos/${id}/release`);
  const reserved = async () => (await clientNamed(service, 'alice'))?.reserved_usd;

  test('the reservation of a video that was never created is released', async () => {
    await expectProblem(await alice.submit({ prompt: 'a parcel without a sender' }, 'parcel'), [
      500,
      'internal',
    ]);
    expect(await reserved()).toBe('0.28');
    // The same key gives the same id everywhere.
    const other = await startService(options);
    const id = await other.as(ALICE).submit({ prompt: 'a parcel without a sender' }, 'parcel');
    const { id: parcel } = (await id.json()) as Video;
    await other.close();
    expect(await release(parcel)).toEqual({ id: parcel, released_usd: '0.28' });
    expect(await reserved()).toBe('0.00');
    expect(await release(parcel)).toEqual({ id: parcel, released_usd: '0.00' });
  });

  test('all failed videos are tried again, or their reservations released', async () => {
    const lost = 'a parcel that nobody saw again';
    const stuck = 'a parcel that did not fit';
    service.sim.script('', { list: Array(1000).fill({ kind: 'status', status: 500 }) });
    service.sim.script(lost, { run: [{ kind: 'lost', how: 'status' }], callback: { lost: true } });
    service.sim.script(stuck, { cdn: Array(100).fill({ kind: 'status', status: 503 }) });
    const [first, second] = await Promise.all(
      [lost, stuck].map(async (prompt) => (await alice.accepted({ prompt })).id),
    );
    expect(await alice.ended(first!)).toMatchObject({ error: { code: 'submission_unknown' } });
    expect(await alice.ended(second!)).toMatchObject({ error: { code: 'storage_failed' } });
    for (const id of [first!, second!]) await publishedRecord(service, id, 'failed');
    const releasing = await operate(service, 'POST', `videos/${second}/release`);
    await expectProblem(releasing, [409, 'conflict']);
    // The one without a job holds its price until the operator says that there is none.
    expect(await reserved()).toBe('0.28');
    const many = await operated<Outcome>(service, 'POST', 'videos/release?client=alice');
    expect(many).toMatchObject({ matched: 2, done: 1, failed: [{ id: second, code: 'conflict' }] });
    expect(await reserved()).toBe('0.00');
    service.sim.clearScripts();
    const outcome = await operated<Outcome>(service, 'POST', 'videos/redrive?client=alice');
    expect(outcome).toMatchObject({ matched: 2, done: 2, failed: [], has_more: false });
    // Both are found and paid for once.
    for (const id of [first!, second!]) await alice.until(id, ({ status }) => status === 'completed');
    for (const prompt of [lost, stuck]) expect(runsOf(service.sim, prompt)).toHaveLength(1);
    const paid = { spent_today_usd: '0.56', reserved_usd: '0.00' };
    await expect.poll(() => clientNamed(service, 'alice')).toMatchObject(paid);
  });
});
