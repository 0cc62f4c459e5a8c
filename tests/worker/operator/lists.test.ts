// The operator's list: the videos of all clients in pages, newest first, with the same filters as a client's list.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAMILY } from '../../../sim/family.ts';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, fieldNames, INVALID_PARAMETER, messageFor } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';
import type { List, Video } from '../support/types.ts';

const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';
const MODELS = ['hailuo-2.3', 'hailuo-2.3-fast'];
const STATUSES = ['queued', 'in_progress', 'completed', 'failed', 'cancelled'] as const;
/** Fewer than the jobs that are held, so that the others are queued. */
const MAX_ACTIVE = 3;
const COUNT = 25;

type Listed = Video & { client: string | null };

let service: Service;
let operator: Service;
/** All videos as their clients read them, newest first. */
let videos: Listed[];

beforeAll(async () => {
  service = await startService({
    // Callbacks end the jobs; the held ones are not polled.
    vars: { MODELS: MODELS.join(), MAX_ACTIVE, POLL_SECONDS: '600' },
    secrets: { CLIENT_TOKENS, OPERATOR_TOKEN },
    sim: { speed: 6000, models: FAMILY },
  });
  operator = service.as(OPERATOR_TOKEN);
  const clients = { alice: service.as(ALICE), bob: service.as(BOB) };
  const made: { id: string; client: keyof typeof clients }[] = [];
  const make = async (kind: string, index: number) => {
    const client = index % 3 === 0 ? 'bob' : 'alice';
    const prompt = `a ${kind} ticket, number ${index}`;
    if (kind === 'failed') service.sim.script(prompt, { task: { pexit: '1' } });
    if (kind === 'held' || kind === 'cancelled') service.sim.script(prompt, { holdAt: 'task_start' });
    const model = MODELS[index % MODELS.length];
    const frame =
      index % MODELS.length ? { inputImageFirstUrl: 'https://images.example.com/ticket.png' } : {};
    const { id } = await clients[client].accepted({ prompt, model, ...frame });
    if (kind === 'cancelled') {
      await (await service.sim.waitForTask(prompt)).reached('task_start');
      await clients[client].cancel(id);
    }
    if (kind !== 'held') await clients[client].ended(id);
    made.push({ id, client });
  };
  for (let index = 0; index < COUNT - 8; index++)
    await make((['completed', 'failed', 'completed', 'cancelled'] as const)[index % 4]!, index);
  for (let index = COUNT - 8; index < COUNT; index++) await make('held', index);
  videos = await Promise.all(
    made.toReversed().map(async ({ id, client }) => ({ ...(await clients[client].video(id)), client })),
  );
});
afterAll(() => service?.close());

async function page(query: Record<string, string | number>, from = operator) {
  const all = Object.entries(query).map(([name, value]) => [name, `${value}`] as [string, string]);
  const answer = await from.fetch(`/operator/videos?${new URLSearchParams(all)}`);
  if (answer.status !== 200) throw new Error(await answer.text());
  return (await answer.json()) as Omit<List, 'data'> & { data: Listed[] };
}

/** The ids on all pages, one after the other. */
async function everything(query: Record<string, string | number>, limit: number): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | undefined; ; ) {
    const list = await page({ ...query, limit, ...(after ? { after } : {}) });
    const found = list.data.map(({ id }) => id);
    expect(list).toMatchObject({ object: 'list', first_id: found[0] ?? null, last_id: found.at(-1) ?? null });
    if (list.has_more) expect(found).toHaveLength(limit);
    ids.push(...found);
    if (!list.has_more) return ids;
    after = list.last_id ?? undefined;
  }
}

const fitting = (fits: (video: Listed) => boolean) => videos.filter(fits).map(({ id }) => id);

test('there are videos of every client, status and model', () => {
  for (const status of STATUSES) expect(fitting((video) => video.status === status)).not.toEqual([]);
  for (const model of MODELS) expect(fitting((video) => video.model === model)).not.toEqual([]);
  for (const client of ['alice', 'bob']) expect(fitting((video) => video.client === client)).not.toEqual([]);
});

describe.each([1, 4, 100])('with %i on a page the list has exactly the videos', (limit) => {
  test('of all clients, in both orders', async () => {
    expect(await everything({}, limit)).toEqual(fitting(() => true));
    expect(await everything({ order: 'asc' }, limit)).toEqual(fitting(() => true).toReversed());
  });

  test.each(STATUSES)('of status %s', async (status) => {
    expect(await everything({ status }, limit)).toEqual(fitting((video) => video.status === status));
    expect(await everything({ status, client: 'bob' }, limit)).toEqual(
      fitting((video) => video.status === status && video.client === 'bob'),
    );
  });

  test.each(MODELS)('of model %s', async (model) => {
    expect(await everything({ model }, limit)).toEqual(fitting((video) => video.model === model));
    expect(await everything({ model, status: 'completed' }, limit)).toEqual(
      fitting((video) => video.model === model && video.status === 'completed'),
    );
    expect(await everything({ model, status: 'failed', client: 'alice' }, limit)).toEqual(
      fitting((video) => video.model === model && video.status === 'failed' && video.client === 'alice'),
    );
  });

  test('since a second, which counts too', async () => {
    const since = videos[7]!.created_at;
    const fits = ({ created_at }: Video) => created_at >= since;
    expect(await everything({ since }, limit)).toEqual(fitting(fits));
    expect(await everything({ since, status: 'completed' }, limit)).toEqual(
      fitting((video) => fits(video) && video.status === 'completed'),
    );
    expect(await everything({ since: Math.floor(Date.now() / 1000) + 60 }, limit)).toEqual([]);
  });
});

test('each video is as its client reads it, with the name of the client', async () => {
  const { data } = await page({ limit: 100 });
  expect(data.map(({ id, client, status }) => ({ id, client, status }))).toEqual(
    videos.map(({ id, client, status }) => ({ id, client, status })),
  );
  const hasEnded = ({ status }: Video) => status !== 'queued' && status !== 'in_progress';
  // The links of content have grants, whose end may differ.
  expect(data.filter(hasEnded)).toEqual(
    videos.filter(hasEnded).map((video) => ({ ...video, urls: expect.anything() })),
  );
});

test('the links in a list play without a token', async () => {
  const { data } = await page({ status: 'completed', client: 'alice', limit: 1 });
  const { content } = data[0]!.urls;
  expect((await service.fetch(content!.replace(service.origin, ''))).status).toBe(200);
});

test('the queued videos have their position; the oldest come first on request', async () => {
  const { data } = await page({ status: 'queued', order: 'asc' });
  expect(data.map(({ id }) => id)).toEqual(fitting(({ status }) => status === 'queued').toReversed());
  // Clients take turns, so the positions may have another order.
  expect(data.map(({ queue_position }) => queue_position).toSorted()).toEqual(
    data.map((_, index) => index + 1),
  );
  expect(data.length).toBeGreaterThan(1);
});

test('a deleted video leaves the list at once, and the page after it stays', async () => {
  const [first, second] = (await page({ status: 'completed', client: 'alice' })).data;
  const deleted = await service.as(ALICE).fetch(`/v1/videos/${first!.id}`, { method: 'DELETE' });
  expect(deleted.status).toBe(200);
  videos = videos.filter(({ id }) => id !== first!.id);
  expect((await page({ limit: 100 })).data.map(({ id }) => id)).toEqual(fitting(() => true));
  const after = await page({ status: 'completed', client: 'alice', after: first!.id });
  expect(after.data[0]?.id).toBe(second!.id);
});

test('videos without a client are in the list too, with the client null', async () => {
  const open = await startService({ secrets: { OPERATOR_TOKEN }, sim: { speed: 600 } });
  const from = open.as(OPERATOR_TOKEN);
  const ids: string[] = [];
  for (const kind of ['completed', 'failed', 'completed']) {
    const prompt = `a ${kind} ticket of nobody, number ${ids.length}`;
    if (kind === 'failed') open.sim.script(prompt, { task: { pexit: '1' } });
    const { id } = await open.accepted({ prompt });
    await open.ended(id);
    ids.unshift(id);
  }
  const { data } = await page({}, from);
  expect(data.map(({ id, client }) => ({ id, client }))).toEqual(ids.map((id) => ({ id, client: null })));
  expect((await page({ client: '', limit: 2 }, from)).data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  expect((await page({ client: 'alice' }, from)).data).toEqual([]);
  expect((await page({ status: 'failed' }, from)).data.map(({ id }) => id)).toEqual([ids[1]]);
  // A list without a token stays closed.
  await expectProblem(await open.fetch('/v1/videos'), [401, 'unauthorized']);
  await open.close();
});

describe('a list is refused', () => {
  test.for([
    ['stauts=failed', 'stauts', /is not a parameter; there are client, status, model, since, limit/],
    ['status=done', 'status', /must be queued, in_progress, completed, failed or cancelled/],
    ['status=failed&status=queued', 'status', /must be given once/],
    ['model=sora-2', 'model', /must be one of hailuo-2\.3, hailuo-2\.3-fast/],
    ['client=a%20b', 'client', /must be a client's name/],
    ['since=yesterday', 'since', /must be a time in whole unix seconds/],
    ['limit=101', 'limit', /must be a whole number from 1 to 100/],
    ['after=vid_x', 'after', /must be the id of one of your videos/],
  ] as [string, string, RegExp][])('for %s', async ([query, field, message]) => {
    const found = await expectProblem(await operator.fetch(`/operator/videos?${query}`), INVALID_PARAMETER);
    expect(messageFor(found, field)).toMatch(message);
  });

  test('for an id that no video has', async () => {
    const answer = await operator.fetch(`/operator/videos?after=vid_${'a'.repeat(40)}`);
    expect(fieldNames(await expectProblem(answer, INVALID_PARAMETER))).toEqual(['after']);
  });
});
