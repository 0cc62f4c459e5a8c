// The thumbnail: made once by Media Transformations, stored beside the video, removed with it.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { MediaStandIn, type Outcome, sampleFrame } from '../support/media/stand-in.ts';
import { sampleSha256 } from '../support/sample.ts';
import { problem, type Service, startService } from '../support/service.ts';
import { isVideoStored, publishedRecord } from '../support/stored.ts';
import type { List, Video } from '../support/types.ts';

const DAY_SECONDS = 86_400;

const media = new MediaStandIn();
let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, media, vars: { RETENTION_DAYS: '2' } });
});
afterAll(() => service.close());

async function completed(prompt: string): Promise<Video> {
  const { id } = await service.accepted({ prompt });
  return service.ended(id);
}

const thumbnail = (id: string, init?: RequestInit) =>
  service.fetch(`/v1/videos/${id}/content?variant=thumbnail`, init);

const stored = (id: string) => service.bindings.VIDEOS.get(`videos/${id}/thumbnail.jpg`);

/** The answers of the stand-in to this video's transformations, one after the other. */
function answering(...outcomes: (Outcome | Promise<Outcome>)[]): void {
  media.calls.length = 0;
  media.answer = () => outcomes[media.calls.length - 1] ?? {};
}

async function expectFrame(response: Response): Promise<void> {
  expect(response.status).toBe(200);
  expect(Buffer.from(await response.arrayBuffer()).equals(sampleFrame)).toBe(true);
}

describe('the thumbnail of a completed video', () => {
  let video: Video;
  beforeAll(async () => {
    answering();
    video = await completed('a lighthouse in a picture');
  });

  test('is made from the stored video on the first request only, and stored', async () => {
    expect(await stored(video.id)).toBeNull();
    expect(media.calls).toEqual([]);
    const first = await thumbnail(video.id);
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=3600',
      'content-disposition': `inline; filename="${video.id}.jpg"`,
      'content-length': String(sampleFrame.length),
      'content-type': 'image/jpeg',
      'cross-origin-resource-policy': 'cross-origin',
      etag: expect.stringMatching(/^"[^"]+"$/),
      'last-modified': new Date((video.completed_at ?? 0) * 1000).toUTCString(),
    });
    await expectFrame(first);
    await expectFrame(await thumbnail(video.id));
    expect(media.calls).toEqual([
      {
        sha256: sampleSha256,
        transform: { width: 960, height: 960, fit: 'scale-down' },
        output: { mode: 'frame', time: '1s', format: 'jpg' },
      },
    ]);
    const object = await stored(video.id);
    expect(object?.httpMetadata?.contentType).toBe('image/jpeg');
    expect(Buffer.from((await object?.bytes()) ?? []).equals(sampleFrame)).toBe(true);
  });

  test('answers conditional requests, ranges, HEAD and downloads', async () => {
    const etag = (await thumbnail(video.id, { method: 'HEAD' })).headers.get('etag') ?? '';
    const same = await thumbnail(video.id, { headers: { 'if-none-match': etag } });
    expect([same.status, same.headers.get('etag'), await same.text()]).toEqual([304, etag, '']);
    await expectFrame(await thumbnail(video.id, { headers: { 'if-none-match': '"other"' } }));
    const part = await thumbnail(video.id, { headers: { range: 'bytes=2-9', 'if-range': etag } });
    expect([part.status, part.headers.get('content-range')]).toEqual([
      206,
      `bytes 2-9/${sampleFrame.length}`,
    ]);
    expect(Buffer.from(await part.arrayBuffer()).equals(sampleFrame.subarray(2, 10))).toBe(true);
    const behind = await thumbnail(video.id, { headers: { range: `bytes=${sampleFrame.length}-` } });
    expect(await problem(behind)).toMatchObject({ status: 416, code: 'range_not_satisfiable' });
    const head = await thumbnail(video.id, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      200,
      String(sampleFrame.length),
      '',
    ]);
    const download = await service.fetch(`/v1/videos/${video.id}/content?variant=thumbnail&download=1`);
    expect(download.headers.get('content-disposition')).toMatch(/^attachment; filename="[\w-]+\.jpg"$/);
    await expectFrame(download);
    expect(media.calls).toHaveLength(1);
  });

  test('is what urls.thumbnail points to', async () => {
    const url = `${service.origin}/v1/videos/${video.id}/content?variant=thumbnail`;
    expect(video.urls.thumbnail).toBe(url);
    expect((await service.video(video.id)).urls.thumbnail).toBe(url);
    const events = await (await service.fetch(`/v1/videos/${video.id}/events`)).text();
    const { urls } = JSON.parse(/^data: (.+)$/m.exec(events)?.[1] ?? '{}') as Video;
    expect(urls.thumbnail).toBe(url);
    await expectFrame(await service.fetch(url));
  });

  test('leaves the video as it is', async () => {
    const response = await service.fetch(video.urls.content!);
    expect([response.status, response.headers.get('etag')]).toEqual([200, video.output?.etag]);
    await response.arrayBuffer();
    expect(await isVideoStored(service, video.id)).toBe(true);
  });
});

test('many requests at once make one transformation, also if the first client disconnects', async () => {
  const { id } = await completed('a lighthouse that many look at');
  const isHeld = Promise.withResolvers<void>();
  const frame = Promise.withResolvers<Outcome>();
  answering(frame.promise);
  const { answer } = media;
  media.answer = (call) => {
    isHeld.resolve();
    return answer(call);
  };
  const leaving = new AbortController();
  const first = thumbnail(id, { signal: leaving.signal });
  await isHeld.promise;
  const others = Array.from({ length: 8 }, () => thumbnail(id));
  leaving.abort();
  await expect(first).rejects.toThrow();
  // Answers of the same object, so that it has the other requests too.
  for (let index = 0; index < 20; index++) await service.fetch(`/v1/videos/${id}/deliveries`);
  frame.resolve({});
  for (const response of await Promise.all(others)) await expectFrame(response);
  expect(media.calls).toHaveLength(1);
});

describe('a transformation that fails', () => {
  const large = new Uint8Array(9 * 1024 * 1024);
  large.set(sampleFrame);
  test.each<[string, Outcome, string]>([
    ['an error of the binding', { error: 'The input is too large.', code: 9402 }, 'The input is too large.'],
    ['another type', { contentType: 'text/html' }, 'text/html'],
    ['an error status', { status: 500 }, '500'],
    ['no image', { body: Buffer.from('<html>') }, 'not a JPEG'],
    ['nothing', { body: new Uint8Array() }, 'not a JPEG'],
    ['too many bytes', { body: large }, 'longer than 8388608 bytes'],
  ])('by %s is 503, names the video in the log, and stores nothing', async (what, outcome, reason) => {
    const { id } = await completed(`a lighthouse in the fog: ${what}`);
    answering(outcome);
    const response = await thumbnail(id);
    const retryAfter = Number(response.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(30);
    expect(await problem(response)).toMatchObject({ status: 503, code: 'upstream_unavailable' });
    const lines = service.logs().map((line) => JSON.parse(line) as Record<string, unknown>);
    const line = lines.find(
      (line) => line['video.id'] === id && line.message === 'making the thumbnail failed',
    );
    expect(line).toMatchObject({ level: 'warn', error: expect.stringContaining(reason) });
    expect(await stored(id)).toBeNull();

    // Each attempt reads the whole video, so the next one is not made at once.
    expect((await thumbnail(id)).status).toBe(503);
    expect(media.calls).toHaveLength(1);
    const content = await service.fetch(`/v1/videos/${id}/content`, { method: 'HEAD' });
    expect(content.status).toBe(200);

    await service.evict(id);
    await expectFrame(await thumbnail(id));
    expect(media.calls).toHaveLength(2);
  });
});

describe('is removed', () => {
  test('with a deleted video', async () => {
    answering();
    const { id } = await completed('a lighthouse to be forgotten');
    await expectFrame(await thumbnail(id));
    expect((await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    await vi.waitUntil(async () => (await stored(id)) === null, { timeout: 30_000 });
    expect((await thumbnail(id)).status).toBe(404);
    expect(await stored(id)).toBeNull();
    expect(media.calls).toHaveLength(1);
  });

  test('if its video is deleted while it is made', async () => {
    const { id } = await completed('a lighthouse deleted too early');
    const isHeld = Promise.withResolvers<void>();
    const frame = Promise.withResolvers<Outcome>();
    answering();
    media.answer = () => {
      isHeld.resolve();
      return frame.promise;
    };
    const asked = thumbnail(id);
    await isHeld.promise;
    expect((await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    await vi.waitUntil(async () => !(await isVideoStored(service, id)), { timeout: 30_000 });
    frame.resolve({});
    expect((await asked).status).toBe(404);
    expect(await stored(id)).toBeNull();
  });

  test('with an expired video', async () => {
    answering();
    const { id } = await completed('a lighthouse of long ago');
    await expectFrame(await thumbnail(id));
    await publishedRecord(service, id, 'completed');
    await service.sweep(Date.now() / 1000 + 3 * DAY_SECONDS);
    await vi.waitUntil(async () => (await stored(id)) === null, { timeout: 30_000 });
    expect(await isVideoStored(service, id)).toBe(false);
  });
});

test('before the end there is none, nor of a video without content', async () => {
  const prompt = 'a lighthouse that is being built';
  service.sim.script(prompt, { holdAt: 'task_start' });
  answering();
  const { id, urls } = await service.accepted({ prompt });
  expect(urls.thumbnail).toBeNull();
  const response = await thumbnail(id);
  expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(await problem(response)).toMatchObject({ status: 409, code: 'not_ready' });
  await service.cancel(id);
  const ended = await service.ended(id);
  expect([ended.status, ended.urls.thumbnail]).toEqual(['cancelled', null]);
  expect(await problem(await thumbnail(id))).toMatchObject({ status: 404, code: 'not_found' });
  expect(media.calls).toEqual([]);
});

test('a client’s thumbnail needs its token or the grant in urls.thumbnail', async () => {
  const guarded = await startService({ sim: { speed: 600 }, media, secrets: { CLIENT_TOKENS } });
  answering();
  const alice = guarded.as(ALICE);
  const { id } = await alice.accepted({ prompt: 'a lighthouse of alice' });
  const { urls } = await alice.ended(id);
  const path = `/v1/videos/${id}/content?variant=thumbnail`;
  expect((await guarded.fetch(path)).status).toBe(401);
  expect((await guarded.as(BOB).fetch(path)).status).toBe(404);
  expect(media.calls).toEqual([]);
  const link = new URL(urls.thumbnail ?? '');
  expect(link.searchParams.get('grant')).toBe(new URL(urls.content ?? '').searchParams.get('grant'));
  await expectFrame(await guarded.fetch(link.href));
  await expectFrame(await alice.fetch(path));
  const { data } = (await (await alice.fetch('/v1/videos')).json()) as List;
  expect(data.map(({ urls }) => urls.thumbnail)).toEqual([link.href]);
  expect(media.calls).toHaveLength(1);
  await guarded.close();
});

test('without the binding there are none', async () => {
  const bare = await startService({ sim: { speed: 600 } });
  const { id } = await bare.accepted({ prompt: 'a lighthouse nobody draws' });
  const { urls } = await bare.ended(id);
  expect(urls.thumbnail).toBeNull();
  const response = await bare.fetch(`/v1/videos/${id}/content?variant=thumbnail`);
  expect(await problem(response)).toMatchObject({ status: 404, code: 'unsupported' });
  await bare.close();
});
