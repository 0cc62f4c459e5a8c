// The content: whole, in ranges, conditional, and missing.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleBytes } from '../support/sample.ts';
import { problem, type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';

const SIZE = sampleBytes.length;

let service: Service;
let video: Video;
let etag: string;
let lastModified: string;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 } });
  const { id } = await service.accepted({ prompt: 'a boat to be watched' });
  video = await service.ended(id);
  etag = video.output?.etag ?? '';
  lastModified = new Date((video.completed_at ?? 0) * 1000).toUTCString();
});
afterAll(() => service.close());

function content(headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  return service.fetch(`/v1/videos/${video.id}/content`, { method, headers });
}

async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

/** Compares bytes without printing them. */
async function expectBytes(response: Response, expected: Uint8Array): Promise<void> {
  const bytes = await bytesOf(response);
  expect([bytes.length, bytes.equals(expected)]).toEqual([expected.length, true]);
}

async function expectWhole(response: Response): Promise<void> {
  expect([response.status, response.headers.get('content-range')]).toEqual([200, null]);
  await expectBytes(response, sampleBytes);
}

describe('the whole content', () => {
  test('GET returns the exact bytes and their headers', async () => {
    const response = await content();
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'cache-control': expect.stringContaining('private'),
      'content-length': String(SIZE),
      'content-type': 'video/mp4',
      etag: expect.stringMatching(/^"[^"]+"$/),
      'last-modified': lastModified,
      'repr-digest': `sha-256=:${createHash('sha256').update(sampleBytes).digest('base64')}:`,
      'x-request-id': expect.stringMatching(/./),
    });
    expect(response.headers.get('etag')).toBe(etag);
    expect(response.headers.get('content-disposition') ?? '').not.toContain('attachment');
    await expectWhole(response);
  });

  test('HEAD returns the same headers without the bytes', async () => {
    const head = await content({}, 'HEAD');
    const get = await content();
    await get.arrayBuffer();
    const said = ({ headers }: Response) => {
      const {
        date: _,
        connection: __,
        'keep-alive': ___,
        'x-request-id': ____,
        ...said
      } = Object.fromEntries(headers);
      return said;
    };
    expect(head.status).toBe(200);
    expect(said(head)).toEqual(said(get));
    expect(head.headers.get('content-length')).toBe(String(SIZE));
    expect((await bytesOf(head)).length).toBe(0);
  });

  test('urls.content points to it', async () => {
    await expectWhole(await service.fetch(video.urls.content!));
  });

  test('?download=1 returns it as an attachment', async () => {
    const response = await service.fetch(`/v1/videos/${video.id}/content?download=1`);
    expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="[\w-]+\.mp4"$/);
    await expectWhole(response);
  });

  test.each([
    ['夕暮れの街を、紙の舟が流れる', '夕暮れの街を-紙の舟が流れる.mp4', undefined],
    ['Ein Bär im Schnee; "x"', 'ein-bär-im-schnee-x.mp4', 'ein-im-schnee-x.mp4'],
    ['Бумажный кораблик\u202e', 'Бумажный-кораблик.mp4', undefined],
  ])('?download=1 of %s has a name in that script, and one in ASCII', async (prompt, name, ascii) => {
    const { id } = await service.accepted({ prompt });
    await service.ended(id);
    const response = await service.fetch(`/v1/videos/${id}/content?download=1`, { method: 'HEAD' });
    const disposition = response.headers.get('content-disposition') ?? '';
    const [, plain, extended = ''] =
      /^attachment; filename="([\w.-]+)"; filename\*=UTF-8''([\w.%-]+)$/.exec(disposition) ?? [];
    expect([decodeURIComponent(extended), plain]).toEqual([name, ascii ?? `${id}.mp4`]);
  });
});

describe('a byte range', () => {
  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=1-1', 1, 1],
    ['bytes=0-499', 0, 499],
    ['bytes=500-', 500, SIZE - 1],
    ['bytes=-500', SIZE - 500, SIZE - 1],
    ['bytes=0-', 0, SIZE - 1],
    [`bytes=${SIZE - 1}-`, SIZE - 1, SIZE - 1],
    [`bytes=${SIZE - 10}-${SIZE + 10}`, SIZE - 10, SIZE - 1],
    ['bytes=7-99999999999999999999999999', 7, SIZE - 1],
    [`bytes=-${SIZE * 2}`, 0, SIZE - 1],
  ])('%s', async (range, first, last) => {
    const response = await content({ range });
    expect(response.status).toBe(206);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'content-length': String(last - first + 1),
      'content-range': `bytes ${first}-${last}/${SIZE}`,
      'content-type': 'video/mp4',
      etag,
      'last-modified': lastModified,
    });
    await expectBytes(response, sampleBytes.subarray(first, last + 1));
  });

  test('many ranges at once make up the whole file', async () => {
    const step = Math.ceil(SIZE / 7);
    const starts = Array.from({ length: 7 }, (_, index) => index * step);
    const parts = starts.map(async (first) =>
      bytesOf(await content({ range: `bytes=${first}-${first + step - 1}` })),
    );
    expect(Buffer.concat(await Promise.all(parts)).equals(sampleBytes)).toBe(true);
  });

  test.each([
    `bytes=${SIZE}-`,
    `bytes=${SIZE + 1}-${SIZE + 9}`,
    'bytes=99999999999999999999999999-',
    'bytes=-0',
  ])('%s is after the end: 416', async (range) => {
    const response = await content({ range });
    expect([response.status, response.headers.get('content-range')]).toEqual([416, `bytes */${SIZE}`]);
    expect(await problem(response)).toMatchObject({ status: 416, code: 'range_not_satisfiable' });
  });

  test.each([
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=5-4',
    'bytes=0x0-0x1',
    'bytes=1-2-3',
    'bytes=--1',
    'items=0-1',
    'bytes=0-0,1-1',
    'bytes=0-0, -1',
  ])('%s is not a single range: the whole file', async (range) => {
    await expectWhole(await content({ range }));
  });

  test('HEAD ignores Range', async () => {
    const head = await content({ range: 'bytes=0-0' }, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(SIZE)]);
  });
});

describe('conditional requests', () => {
  const LONG_AGO = 'Sun, 06 Nov 1994 08:49:37 GMT';
  const LATER = 'Fri, 31 Dec 2100 23:59:59 GMT';

  test.each<[string, () => Record<string, string>]>([
    ['If-None-Match with its tag', () => ({ 'if-none-match': etag })],
    ['If-None-Match with its tag, weak', () => ({ 'if-none-match': `W/${etag}` })],
    ['If-None-Match with its tag among others', () => ({ 'if-none-match': `"x", ${etag}` })],
    ['If-None-Match with *', () => ({ 'if-none-match': '*' })],
    ['If-None-Match and a range', () => ({ 'if-none-match': etag, range: 'bytes=0-0' })],
    [
      'If-None-Match before If-Modified-Since',
      () => ({ 'if-none-match': etag, 'if-modified-since': LONG_AGO }),
    ],
    ['If-Modified-Since its date', () => ({ 'if-modified-since': lastModified })],
    ['If-Modified-Since later', () => ({ 'if-modified-since': LATER })],
  ])('%s: not modified', async (_, headers) => {
    const response = await content(headers());
    expect([response.status, response.headers.get('etag')]).toEqual([304, etag]);
    expect(response.headers.get('cache-control')).toContain('private');
    expect(await response.text()).toBe('');
    expect((await content(headers(), 'HEAD')).status).toBe(304);
  });

  test.each<[string, Record<string, string>]>([
    ['If-None-Match with another tag', { 'if-none-match': '"x"' }],
    [
      'If-None-Match with another tag, whatever the date',
      { 'if-none-match': '"x"', 'if-modified-since': LATER },
    ],
    ['If-Modified-Since before', { 'if-modified-since': LONG_AGO }],
    ['If-Modified-Since that is no date', { 'if-modified-since': 'yesterday' }],
  ])('%s: the whole file', async (_, headers) => {
    await expectWhole(await content(headers));
  });

  test.each<[string, () => string]>([
    ['its tag', () => etag],
    ['its date', () => lastModified],
  ])('If-Range with %s: the range', async (_, ifRange) => {
    const response = await content({ range: 'bytes=100-199', 'if-range': ifRange() });
    expect(response.status).toBe(206);
    await expectBytes(response, sampleBytes.subarray(100, 200));
  });

  test.each<[string, () => string]>([
    ['another tag', () => '"x"'],
    ['its tag, weak', () => `W/${etag}`],
    ['an earlier date', () => LONG_AGO],
    ['a later date', () => LATER],
    ['neither', () => 'x'],
  ])('If-Range with %s: the whole file', async (_, ifRange) => {
    await expectWhole(await content({ range: 'bytes=100-199', 'if-range': ifRange() }));
  });
});

describe('no content', () => {
  test.each(['GET', 'HEAD'])('%s of an unfinished video: not ready', async (method) => {
    const prompt = `a boat asked for too early by ${method}`;
    service.sim.script(prompt, { holdAt: 'task_start' });
    const { id, urls } = await service.accepted({ prompt });
    const response = await service.fetch(`${urls.self}/content`, { method });
    expect(response.status).toBe(409);
    expect(response.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    if (method === 'GET') expect(await problem(response)).toMatchObject({ status: 409, code: 'not_ready' });
    service.sim.release(await service.sim.waitForTask(prompt));
    await service.ended(id);
    await expectWhole(await service.fetch(`${urls.self}/content`));
  });

  test('of a queued video: not ready', async () => {
    service.sim.script('kept waiting', { run: [{ kind: 'status', status: 429, retryAfter: 3600 }] });
    const { status, urls } = await service.accepted({ prompt: 'a boat kept waiting' });
    expect(status).toBe('queued');
    expect(await problem(await service.fetch(`${urls.self}/content`))).toMatchObject({ code: 'not_ready' });
  });

  test.each([
    ['failed', { pexit: '1' }],
    ['cancelled', { end: 'task_cancel' as const }],
  ])('of a %s video: not found', async (status, task) => {
    service.sim.script(`it ${status}`, { task });
    const { id, urls } = await service.accepted({ prompt: `a boat, but it ${status}` });
    expect((await service.ended(id)).status).toBe(status);
    const response = await service.fetch(`${urls.self}/content`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([404, null]);
    expect(await problem(response)).toMatchObject({ code: 'not_found' });
  });

  test('an invalid id: not found, and no object is started', async () => {
    const before = await service.objectIds();
    const last = video.id.endsWith('a') ? 'b' : 'a';
    for (const id of [`${video.id.slice(0, -1)}${last}`, `vid_${'b'.repeat(40)}`, 'vid_', '%00']) {
      const response = await service.fetch(`/v1/videos/${id}/content`);
      expect(response.status, id).toBe(404);
      expect(await problem(response)).toMatchObject({ code: 'not_found' });
    }
    expect((await service.objectIds()).toSorted()).toEqual(before.toSorted());
  });

  test.each([
    ['thumbnail', 404],
    ['spritesheet', 400],
    ['x', 400],
  ])('variant=%s is refused as unsupported, not ignored', async (variant, status) => {
    const response = await service.fetch(`/v1/videos/${video.id}/content?variant=${variant}`);
    expect(await problem(response)).toMatchObject({ status, code: 'unsupported' });
    await expectWhole(await service.fetch(`/v1/videos/${video.id}/content?variant=video`));
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s is not allowed', async (method) => {
    const response = await content({}, method);
    expect(response.status).toBe(405);
    const allowed = response.headers.get('allow')?.split(', ');
    expect(allowed).toEqual(expect.arrayContaining(['GET', 'HEAD']));
    expect(allowed).not.toContain(method);
    expect(await problem(response)).toMatchObject({ code: 'method_not_allowed' });
  });
});
