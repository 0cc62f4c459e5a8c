// A client's list in pages: complete, without repeats or videos of others, and with new videos at once.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem, fieldNames, INVALID_PARAMETER } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';
import type { List, Video } from '../support/types.ts';

const TOKENS = {
  alice: 'alice-token-6f2d91c07b3e',
  bob: 'bob-token-c4f0a85e21d7',
  carol: 'carol-token-5b80e7f3a962',
  dave: 'dave-token-31c9d07e84ab',
  erin: 'erin-token-a94e6b10f8c2',
};
type Name = keyof typeof TOKENS;

/** Two whole pages of the largest size and a rest, a multiple of another limit, and exactly one largest page. */
const COUNTS = { alice: 230, bob: 120, carol: 100 } as const;
/** Of each owner's videos, so many are completed: the others wait in line. */
const DONE = 20;
const LIMITS = [7, 20, 99, 100];
const AT_ONCE = 12;

let service: Service;
const as = (name: Name) => service.as(TOKENS[name]);
/** In the order in which they were taken. */
const made = { alice: [] as string[], bob: [] as string[], carol: [] as string[] };

beforeAll(async () => {
  service = await startService({
    // Callbacks end the first jobs; the held ones are not polled.
    vars: { MAX_ACTIVE: '12', POLL_SECONDS: '600' },
    secrets: { CLIENT_TOKENS: JSON.stringify(TOKENS) },
    sim: { speed: 6000 },
  });
  const names = Object.keys(COUNTS) as (keyof typeof COUNTS)[];
  // The first jobs of each owner end, then the owners take turns.
  const turns = names.flatMap((name) =>
    Array.from({ length: COUNTS[name] }, (_, index) => ({ name, index })),
  );
  turns.sort((one, other) => one.index - other.index);
  const make = async ({ name, index }: (typeof turns)[number]) => {
    const { id } = await as(name).accepted({ prompt: `number ${index} of ${name}'s videos` });
    made[name].push(id);
    return id;
  };
  const isFirst = ({ index }: (typeof turns)[number]) => index < DONE;
  await inParallel(turns.filter(isFirst), async (turn) => void (await as(turn.name).ended(await make(turn))));
  service.sim.script('', { holdAt: 'task_queue' });
  await inParallel(
    turns.filter((turn) => !isFirst(turn)),
    async (turn) => void (await make(turn)),
  );
});
afterAll(() => service.close());

async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

async function page(name: Name, query: Record<string, string>): Promise<List> {
  const answer = await as(name).fetch(`/v1/videos?${new URLSearchParams(query)}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as List;
}

/** All pages, one behind the other, each checked by itself. */
async function everything(name: Name, limit: number, order: 'asc' | 'desc'): Promise<Video[]> {
  const videos: Video[] = [];
  for (let after: string | undefined; ; ) {
    const list = await page(name, { limit: `${limit}`, order, ...(after ? { after } : {}) });
    const ids = list.data.map(({ id }) => id);
    expect(list).toMatchObject({ object: 'list', first_id: ids[0], last_id: ids.at(-1) });
    if (list.has_more) expect(ids).toHaveLength(limit);
    videos.push(...list.data);
    if (!list.has_more) return videos;
    after = list.last_id ?? undefined;
  }
}

function expectAll(name: keyof typeof COUNTS, videos: Video[], order: 'asc' | 'desc'): void {
  expect(videos.map(({ id }) => id).toSorted()).toEqual(made[name].toSorted());
  const times = videos.map(({ created_at }) => created_at);
  expect(times).toEqual(times.toSorted((one, other) => (order === 'asc' ? one - other : other - one)));
}

describe('450 videos of three owners', () => {
  test.for((['alice', 'bob'] as const).flatMap((name) => LIMITS.map((limit) => [name, limit] as const)))(
    "%s's list, %i on a page, in both orders",
    async ([name, limit]) => {
      const newestFirst = await everything(name, limit, 'desc');
      expectAll(name, newestFirst, 'desc');
      const oldestFirst = await everything(name, limit, 'asc');
      expectAll(name, oldestFirst, 'asc');
      const ids = (videos: Video[]) => videos.map(({ id }) => id);
      expect(ids(oldestFirst)).toEqual(ids(newestFirst).toReversed());
    },
  );

  test("carol's list with every limit next to a divisor of its length", async () => {
    const divisors = [1, 2, 4, 5, 10, 20, 25, 50, 100];
    const limits = new Set(divisors.flatMap((divisor) => [divisor - 1, divisor, divisor + 1]));
    for (const limit of limits) {
      if (limit < 1 || limit > 100) continue;
      const order = limit % 2 ? 'asc' : 'desc';
      expectAll('carol', await everything('carol', limit, order), order);
    }
  });

  test('a listed video equals the video that is read alone', async () => {
    for (const listed of (await everything('carol', 50, 'desc')).filter((_, index) => index % 7 === 0)) {
      const { queue_position: _, ...alone } = await as('carol').video(listed.id);
      expect(listed).toMatchObject({ ...alone, urls: expect.anything() });
    }
  });
});

test('a new video is at the front of the list at once', async () => {
  for (let index = 0; index < 20; index++) {
    const { id } = await as('dave').accepted({ prompt: `a video that is quite new ${index}` });
    const { data } = await page('dave', { limit: '3' });
    expect(data.map((video) => video.id)).toContain(id);
  }
});

test('a deleted video leaves the list at once, and the page after it stays', async () => {
  const [first, second] = (await page('dave', { limit: '2' })).data;
  const answer = await as('dave').fetch(`/v1/videos/${first!.id}`, { method: 'DELETE' });
  expect(answer.status).toBe(200);
  expect((await page('dave', { limit: '1' })).data[0]?.id).toBe(second!.id);
  // Its object is removed in the background.
  await expect.poll(() => service.bindings.TASKS.get(`video:${first!.id}`), { timeout: 10_000 }).toBeNull();
  const behind = async () => (await page('dave', { limit: '1', after: first!.id })).data[0]?.id;
  for (let time = 0; time < 20; time++) expect(await behind()).toBe(second!.id);
});

test('a client without videos gets an empty list', async () => {
  const answer = await as('erin').fetch('/v1/videos');
  expect(await answer.json()).toEqual({
    object: 'list',
    data: [],
    first_id: null,
    last_id: null,
    has_more: false,
  });
});

describe('a list is refused', () => {
  test.for([
    ['limit=0', ['limit']],
    ['limit=101', ['limit']],
    ['limit=ten', ['limit']],
    ['order=newest', ['order']],
    ['after=vid_x', ['after']],
    ['limit=-1&order=&after=1', ['limit', 'after', 'order']],
  ] as [string, string[]][])('for %s', async ([query, fields]) => {
    const answer = await as('carol').fetch(`/v1/videos?${query}`);
    expect(fieldNames(await expectProblem(answer, INVALID_PARAMETER))).toEqual(fields);
  });

  test("when `after` is another client's video", async () => {
    const answer = await as('carol').fetch(`/v1/videos?after=${made.bob[0]}`);
    expect(fieldNames(await expectProblem(answer, INVALID_PARAMETER))).toEqual(['after']);
  });

  test('without client tokens', async () => {
    const open = await startService();
    await expectProblem(await open.fetch('/v1/videos'), [401, 'unauthorized']);
    await open.close();
  });
});
