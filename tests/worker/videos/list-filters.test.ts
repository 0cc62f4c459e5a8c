// Filters of a client's list: each page holds exactly the videos that fit, whatever their order and limit, and a change of
// status is in the list at once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAMILY } from '../../../sim/family.ts';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, fieldNames, INVALID_PARAMETER, messageFor } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';
import type { List, Video } from '../support/types.ts';

const MODELS = ['hailuo-2.3', 'hailuo-2.3-fast'];
const STATUSES = ['queued', 'in_progress', 'completed', 'failed', 'cancelled'] as const;
/** Fewer than the jobs that are held, so that the others are queued. */
const MAX_ACTIVE = 5;

let service: Service;
let alice: Service;
/** All of alice's videos as they are read alone, newest first. */
let videos: Video[];

beforeAll(async () => {
  service = await startService({
    // Callbacks end the jobs; the held ones are not polled.
    vars: { MODELS: MODELS.join(), MAX_ACTIVE, POLL_SECONDS: '600' },
    secrets: { CLIENT_TOKENS },
    sim: { speed: 6000, models: FAMILY },
  });
  alice = service.as(ALICE);
  await service.as(BOB).accepted({ prompt: 'a stamp of another collector' });
  const prompts: string[] = [];
  const make = async (kind: string, index: number) => {
    const prompt = `a ${kind} stamp, number ${index}`;
    prompts.push(prompt);
    if (kind === 'failed') service.sim.script(prompt, { task: { pexit: '1' } });
    if (kind === 'held' || kind === 'cancelled') service.sim.script(prompt, { holdAt: 'task_start' });
    const model = MODELS[index % MODELS.length];
    const frame = index % MODELS.length ? { inputImageFirstUrl: 'https://images.example.com/stamp.png' } : {};
    const { id } = await alice.accepted({ prompt, model, ...frame });
    if (kind === 'cancelled') {
      await (await service.sim.waitForTask(prompt)).reached('task_start');
      await alice.cancel(id);
    }
    if (kind === 'completed' || kind === 'failed' || kind === 'cancelled') await alice.ended(id);
    return id;
  };
  const ids: string[] = [];
  // Kinds take turns, so that no page holds only one of them.
  for (let index = 0; index < 24; index++) {
    const kinds = [
      'completed',
      'failed',
      'completed',
      index < 8 ? 'held' : 'completed',
      'cancelled',
    ] as const;
    if (index % 5 !== 3 || index < 20) ids.push(await make(kinds[index % 5]!, index));
  }
  for (let index = 24; index < 31; index++) ids.push(await make('held', index));
  videos = await Promise.all(ids.toReversed().map((id) => alice.video(id)));
});
afterAll(() => service?.close());

async function page(query: Record<string, string | number>, client = alice): Promise<List> {
  const all = Object.entries(query).map(([name, value]) => [name, `${value}`] as [string, string]);
  const answer = await client.fetch(`/v1/videos?${new URLSearchParams(all)}`);
  if (answer.status !== 200) throw new Error(await answer.text());
  return (await answer.json()) as List;
}

/** The ids on all pages, one behind the other. Only the last page may be short. */
async function everything(query: Record<string, string | number>, limit: number): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | undefined; ; ) {
    const list = await page({ ...query, limit, ...(after ? { after } : {}) });
    const found = list.data.map(({ id }) => id);
    expect(list).toMatchObject({ first_id: found[0] ?? null, last_id: found.at(-1) ?? null });
    if (list.has_more) expect(found).toHaveLength(limit);
    ids.push(...found);
    if (!list.has_more) return ids;
    after = list.last_id ?? undefined;
  }
}

const fitting = (fits: (video: Video) => boolean) => videos.filter(fits).map(({ id }) => id);

test('there are videos of every status and model', () => {
  for (const status of STATUSES) expect(fitting((video) => video.status === status)).not.toEqual([]);
  for (const model of MODELS) expect(fitting((video) => video.model === model)).not.toEqual([]);
});

describe.each([1, 2, 3, 7, 20, 100])('with %i on a page the list has exactly the videos', (limit) => {
  test.each(STATUSES)('of status %s', async (status) => {
    const expected = fitting((video) => video.status === status);
    expect(await everything({ status }, limit)).toEqual(expected);
    expect(await everything({ status, order: 'asc' }, limit)).toEqual(expected.toReversed());
  });

  test.each(MODELS)('of model %s, also with each status', async (model) => {
    expect(await everything({ model }, limit)).toEqual(fitting((video) => video.model === model));
    for (const status of STATUSES)
      expect(await everything({ model, status }, limit)).toEqual(
        fitting((video) => video.model === model && video.status === status),
      );
  });

  test('created after a time', async () => {
    const created_after = videos[10]!.created_at;
    const isLater = (video: Video) => video.created_at > created_after;
    expect(await everything({ created_after }, limit)).toEqual(fitting(isLater));
    expect(await everything({ created_after, status: 'completed' }, limit)).toEqual(
      fitting((video) => isLater(video) && video.status === 'completed'),
    );
    expect(await everything({ created_after: Math.floor(Date.now() / 1000) + 60 }, limit)).toEqual([]);
  });
});

test('a model may be named as Wiro names it', async () => {
  expect(await everything({ model: 'minimax/hailuo-2-3' }, 100)).toEqual(
    fitting(({ model }) => model === 'hailuo-2.3'),
  );
});

test('an end is in the list as soon as it is seen', async () => {
  const client = service.as(BOB);
  // The held jobs occupy every slot.
  const isOpen = ({ status }: Video) => status === 'queued' || status === 'in_progress';
  await Promise.all(videos.filter(isOpen).map(({ id }) => alice.cancel(id)));
  for (let index = 0; index < 10; index++) {
    const prompt = `a stamp that is just printed, number ${index}`;
    if (index % 2) service.sim.script(prompt, { task: { pexit: '1' } });
    const { id } = await client.accepted({ prompt });
    const { status } = await client.ended(id, 30_000);
    const now = async (wanted: string) => (await page({ status: wanted, limit: 1 }, client)).data[0]?.id;
    expect(await now(status)).toBe(id);
    expect(await now('in_progress')).not.toBe(id);
    expect(await now('queued')).not.toBe(id);
  }
});

test('a deleted video leaves a filtered list at once', async () => {
  const client = service.as(BOB);
  const list = () => page({ status: 'completed' }, client);
  const [first, second] = (await list()).data;
  expect((await client.fetch(`/v1/videos/${first!.id}`, { method: 'DELETE' })).status).toBe(200);
  expect((await list()).data[0]?.id).toBe(second!.id);
  expect((await page({ status: 'completed', after: first!.id }, client)).data[0]?.id).toBe(second!.id);
});

describe('unknown values are refused, with the known ones:', () => {
  test.each([
    ['status=done', 'status', 'must be queued, in_progress, completed, failed or cancelled'],
    ['status=', 'status', 'must be queued, in_progress, completed, failed or cancelled'],
    ["status=completed'--", 'status', 'must be queued, in_progress, completed, failed or cancelled'],
    ['model=sora-2', 'model', `must be one of ${MODELS.join(', ')}`],
    ['model=%ff', 'model', `must be one of ${MODELS.join(', ')}`],
    ['created_after=today', 'created_after', 'must be a time in whole unix seconds'],
    ['created_after=-1', 'created_after', 'must be a time in whole unix seconds'],
    ['created_after=1e9', 'created_after', 'must be a time in whole unix seconds'],
  ])('%s', async (query, field, message) => {
    const found = await expectProblem(await alice.fetch(`/v1/videos?${query}`), INVALID_PARAMETER);
    expect(messageFor(found, field)).toBe(message);
  });

  test('all at once', async () => {
    const answer = await alice.fetch('/v1/videos?limit=0&status=x&model=y&created_after=z');
    const found = await expectProblem(answer, INVALID_PARAMETER);
    expect(fieldNames(found)).toEqual(['limit', 'status', 'model', 'created_after']);
  });
});
