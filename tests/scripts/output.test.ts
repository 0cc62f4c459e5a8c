// How the scripts filter and format wrangler's output.
import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { gradientPng } from '../../scripts/shared/gradient.ts';
import { reasonOf } from '../../scripts/shared/reason.ts';
import { bar, columns } from '../../scripts/shared/terminal.ts';
import { readable } from '../../scripts/shared/wrangler-output.ts';

test.each([
  '',
  ' ⛅️ wrangler 4.164.0',
  '────────────────────',
  '[custom build] Running: make worker',
  "[custom build] make: Nothing to be done for 'worker'.",
  'Using secrets defined in ../../dev/null',
  'Binding                                               Resource                  Mode',
  'env.WIRO_API_URL ("(hidden)")                         Environment Variable      local',
  'env.VIDEO_TASK (VideoTask)                            Durable Object            local',
  'env.TASKS                                             KV Namespace              local',
  '⎔ Starting local server...',
  '[wrangler:info] Ready on http://127.0.0.1:8787',
  'Error: getaddrinfo ENOTFOUND workers.cloudflare.com',
  '    at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:123:26)',
  '\x1b[33m▲ [43;33m[\x1b[0m NOSENTRY SQLite alarm overdue, running despite AlarmManager mismatch',
])('not shown: %s', (line) => {
  expect(readable(line)).toBeUndefined();
});

test.each([
  'error[E0308]: mismatched types',
  '[custom build] make: *** [Makefile:77: build/.done] Error 101',
  '✘ [ERROR] Uncaught Error: unreachable',
  '    at wasm://wasm/0001:wasm-function[12]:0x34',
  '{"level":"not the form of a log',
])('shown unchanged: %s', (line) => {
  expect(readable(line)).toBe(line);
});

test('a log line of any level is formatted', () => {
  const entry = '{"level":"warn","message":"the copy failed","bytes":3,"video.id":"vid_1"}';
  expect(readable(entry)).toBe('warn   the copy failed  bytes=3  video.id=vid_1');
  expect(readable(`\x1b[33m▲ \x1b[0m[WARNING] ${entry}`)).toBe(readable(entry));
});

test('a logged request does not contain the proof of a callback', () => {
  expect(readable('[wrangler:info] GET /v1/videos/vid_1 200 OK (3ms)')).toBe(
    'GET /v1/videos/vid_1 200 OK (3ms)',
  );
  expect(readable('[wrangler:info] POST /hooks/wiro/vid_1/s3cret 200 OK (3ms)')).toBe(
    'POST /hooks/wiro/vid_1/… 200 OK (3ms)',
  );
});

test('text columns are aligned left, numbers right', () => {
  const rows = [
    ['a', '1,000', 'x'],
    ['long', '1', ''],
  ];
  expect(columns(rows, [1])).toEqual(['a      1,000   x', 'long       1']);
});

test('a progress bar has the same length at every percentage', () => {
  expect(new Set([0, 1, 50, 99, 100].map((percent) => bar(percent).length)).size).toBe(1);
  expect([bar(0), bar(100)].map((each) => new Set(each))).toEqual([new Set('░'), new Set('█')]);
});

test('the reason of a failed fetch is its cause', () => {
  const failed = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') });
  expect(reasonOf(failed)).toBe('fetch failed: connect ECONNREFUSED 127.0.0.1:1');
  expect(reasonOf(new Error('one\ntwo'))).toBe('one');
  expect(reasonOf('text')).toBe('text');
});

test('the sample image is a PNG of its stated size', () => {
  const png = gradientPng(5, 3);
  expect(png.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([5, 3]);
  const data = png.indexOf('IDAT');
  const pixels = inflateSync(png.subarray(data + 4, data + 4 + png.readUInt32BE(data - 4)));
  expect(pixels).toHaveLength(3 * (1 + 5 * 3));
});
