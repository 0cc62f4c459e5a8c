// Grants: a link plays or watches one video, and gives no other access.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { watch } from '../support/event-source.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';

let service: Service;
let alice: Service;
let video: Video;
let other: Video;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, secrets: { CLIENT_TOKENS } });
  alice = service.as(ALICE);
  const made = await Promise.all(
    ['a window', 'a door'].map((prompt) => alice.accepted({ prompt: `${prompt} for whoever has the key` })),
  );
  [video, other] = (await Promise.all(made.map(({ id }) => alice.ended(id)))) as [Video, Video];
});
afterAll(() => service.close());

const grantIn = (link: string | null) => new URL(link ?? '').searchParams.get('grant') ?? '';
const grantOf = ({ urls }: Video) => grantIn(urls.content);

test('a grant plays the video, with and without ranges, without a token', async () => {
  const whole = await service.fetch(video.urls.content!);
  expect(whole.status).toBe(200);
  expect((await whole.arrayBuffer()).byteLength).toBe(video.output?.size);
  const part = await service.fetch(video.urls.content!, { headers: { range: 'bytes=100-199' } });
  expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 100]);
  const head = await service.fetch(video.urls.content!, { method: 'HEAD' });
  expect(head.headers.get('content-length')).toBe(String(video.output?.size));
  const download = await service.fetch(video.urls.download!);
  expect(download.headers.get('content-disposition')).toMatch(/^attachment/);
});

test('the owner gets a grant in every Video, the same one if it is read again soon', async () => {
  const read = await alice.fetch(`/v1/videos/${video.id}`);
  const again = await alice.fetch(`/v1/videos/${video.id}`, {
    headers: { 'if-none-match': read.headers.get('etag') ?? '' },
  });
  expect([read.status, again.status]).toEqual([200, 304]);
  const list = await (await alice.fetch('/v1/videos')).json();
  const prompt = 'a door that is being built';
  service.sim.script(prompt, { holdAt: 'task_start' });
  const { id } = await alice.accepted({ prompt });
  const watcher = await watch(alice, id);
  service.sim.release(await service.sim.waitForTask(prompt));
  await watcher.ended;
  expect(watcher.events.length).toBeGreaterThan(1);
  const cancelled = await alice.accepted({ prompt: 'a door that is not built' });
  const cancel = await alice.cancel(cancelled.id);
  const seen: Video[] = [
    (await read.json()) as Video,
    ...list.data,
    cancelled,
    ...(cancel.status === 200 ? [(await cancel.json()) as Video] : []),
    ...watcher.events.filter(({ event }) => event === 'video').map(({ data }) => data as Video),
  ];
  const completed = seen.filter(({ status }) => status === 'completed');
  expect(completed.length).toBeGreaterThan(2);
  for (const { urls } of completed) {
    expect(urls.content).toMatch(/\?grant=[a-z2-7]{32}$/);
    expect(urls.download).toBe(`${urls.content}&download=1`);
  }
  for (const { status, urls } of seen) {
    expect(urls.events).toMatch(/\/events\?grant=[a-z2-7]{32}$/);
    if (status !== 'completed') expect([urls.content, urls.download]).toEqual([null, null]);
  }
  // A grant in the middle of its validity plays the video too.
  expect((await service.fetch(completed.at(-1)!.urls.content!)).status).toBe(200);
});

describe('an invalid grant', () => {
  const altered = (grant: string, at: number) =>
    grant.slice(0, at) + (grant[at] === 'a' ? 'b' : 'a') + grant.slice(at + 1);
  const grants: [string, () => string][] = [
    ['for another video', () => grantOf(other)],
    ['with its time altered', () => altered(grantOf(video), 5)],
    ['with its proof altered', () => altered(grantOf(video), 20)],
    ['cut short', () => grantOf(video).slice(0, -1)],
    ['with something behind it', () => `${grantOf(video)}aa`],
    ['in capitals', () => grantOf(video).toUpperCase()],
    ['empty', () => ''],
  ];
  test.for(grants)('%s', async ([, grant]) => {
    const path = `/v1/videos/${video.id}/content?grant=${grant()}`;
    expect((await service.fetch(path)).status).toBe(401);
    expect((await service.as(BOB).fetch(path)).status).toBe(404);
    expect((await alice.fetch(path)).status).toBe(200);
  });

  test('for another endpoint', async () => {
    const ways: [string, string][] = [
      ['GET', ''],
      ['GET', '/events'],
      ['POST', '/cancel'],
      ['DELETE', ''],
    ];
    for (const [method, path] of ways) {
      const answer = await service.fetch(`/v1/videos/${video.id}${path}?grant=${grantOf(video)}`, { method });
      expect(answer.status, `${method} ${path}`).toBe(401);
    }
  });

  test('for watching opens nothing else', async () => {
    const grant = grantIn(video.urls.events);
    const ways: [string, string][] = [
      ['GET', ''],
      ['GET', '/content'],
      ['HEAD', '/content'],
      ['POST', '/cancel'],
      ['DELETE', ''],
    ];
    for (const [method, path] of ways) {
      const answer = await service.fetch(`/v1/videos/${video.id}${path}?grant=${grant}`, { method });
      expect(answer.status, `${method} ${path}`).toBe(401);
    }
  });

  test('for a deleted video', async () => {
    const { id } = await alice.accepted({ prompt: 'a door that is torn down' });
    const { urls } = await alice.ended(id);
    await publishedRecord(service, id, 'completed');
    expect((await service.fetch(urls.content!)).status).toBe(200);
    await alice.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
    expect((await service.fetch(urls.content!)).status).toBe(404);
  });
});
