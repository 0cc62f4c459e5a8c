// Attacks with text that could become a header, a log line or a page; and the headers that stop browsers from guessing
// content types.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patchOutputs } from '../support/output-rows.ts';
import { picture } from '../support/requests/pictures.ts';
import { filePart, upload } from '../support/requests/uploads.ts';
import { type Service, startService } from '../support/service.ts';
import { storedVideo } from '../support/stored.ts';
import { AttackTable, rawRequest, sendRaw } from './attacks.ts';

const PAGE = '<!doctype html><script>alert(document.domain)</script>';
const PAGE_BYTES = Buffer.from(PAGE.padEnd(4096, ' '));

const table = new AttackTable();
let service: Service;
let cdn: Server;
/** What the hostile CDN answers, by path. */
const files: Record<string, { type: string; bytes: Uint8Array }> = {
  '/page.html': { type: 'text/html', bytes: PAGE_BYTES },
  '/page.mp4': { type: 'video/mp4', bytes: PAGE_BYTES },
  '/drawing.svg': {
    type: 'image/svg+xml',
    bytes: Buffer.from(`<svg onload="alert(1)"/>${' '.repeat(4000)}`),
  },
  '/script.js': { type: 'text/javascript', bytes: Buffer.from(`\0\0\0\x18//ftyp${' '.repeat(4000)}`) },
  '/both.mp4': {
    type: 'text/html',
    bytes: Buffer.concat([Buffer.from('\0\0\0\x18ftypisom\0\0\x02\0isomiso2'), PAGE_BYTES]),
  },
};

beforeAll(async () => {
  cdn = createServer((request, response) => {
    const { type = '', bytes = Buffer.alloc(0) } = files[request.url ?? ''] ?? {};
    response.writeHead(200, { 'content-type': type, 'content-length': bytes.length }).end(bytes);
  });
  await new Promise<void>((resolve) => cdn.listen(0, '127.0.0.1', resolve));
  service = await startService({
    sim: { speed: 600 },
    vars: { OUTPUT_HOSTS: `127.0.0.1:${(cdn.address() as AddressInfo).port}`, COPY_DEADLINE_SECONDS: '2' },
  });
});
afterAll(async () => {
  table.print();
  cdn.close();
  await service.close();
});

/** The video whose output lies under this path of the hostile CDN. */
async function made(prompt: string, path: string) {
  const url = `http://127.0.0.1:${(cdn.address() as AddressInfo).port}${path}`;
  const size = String(files[path]?.bytes.length);
  service.sim.script(prompt, { task: patchOutputs((output) => ({ ...output, url, size })) });
  const { id } = await service.accepted({ prompt });
  return service.ended(id);
}

describe('an output that is not a video', () => {
  test.for(['/page.html', '/page.mp4', '/drawing.svg', '/script.js'])('%s is never stored', async (path) => {
    const video = await made(`a film in the shape of ${path}`, path);
    expect(video).toMatchObject({ status: 'failed', output: null, error: { code: 'storage_failed' } });
    expect(await storedVideo(service, video.id)).toBeUndefined();
    const answer = await service.fetch(`/v1/videos/${video.id}/content`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).not.toContain('<');
    table.add(`output ${path} (${files[path]?.type})`, 'storage_failed, content 404');
  });

  test('that starts like MP4 and continues as HTML is served as a video only', async () => {
    const video = await made('a film with a page behind it', '/both.mp4');
    expect(video).toMatchObject({ status: 'completed', output: { content_type: 'video/mp4' } });
    expect((await storedVideo(service, video.id))?.contentType).toBe('video/mp4');
    for (const init of [{}, { headers: { range: 'bytes=24-' } }, { headers: { accept: 'text/html' } }]) {
      const answer = await service.fetch(`/v1/videos/${video.id}/content`, init);
      expect(answer.headers.get('content-type')).toBe('video/mp4');
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      await answer.body?.cancel();
    }
    table.add('output that is MP4 and a page (text/html)', 'served as video/mp4, nosniff');
  });
});

describe('injection into headers', () => {
  test('a file name contains only letters and digits of the prompt', async () => {
    // Line breaks arrive as \n in any notation.
    const prompt = 'Evil"; filename="x.html\nSet-Cookie: a=b\n\n<script>';
    const { id } = await made(prompt, '/both.mp4');
    const answer = await service.fetch(`/v1/videos/${id}/content?download=1`, { method: 'HEAD' });
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="evil[a-z0-9-]+\.mp4"$/);
    expect(answer.headers.get('set-cookie')).toBeNull();
    table.add(
      'a prompt with quotes and line breaks, downloaded',
      String(answer.headers.get('content-disposition')),
    );
  });

  test.for([
    ['X-Request-Id', 'forged-request-id'],
    ['Idempotency-Key', 'forged\tkey'],
    ['Origin', 'https://forged.example'],
    ['Prefer', 'wait=1; forged'],
  ])('%s appears in no header', async ([name, value]) => {
    const lines = [`${name}: ${value}`, 'Content-Type: application/json'];
    const { headers } = await sendRaw(service, rawRequest(service, 'POST /v1/videos', lines, '{}'));
    expect([...headers].flat().join()).not.toContain('forged');
    table.add(`${name}: ${value}`, 'is not repeated');
  });
});

test('no input can write its own log line', async () => {
  const FORGED = '{"level":"error","message":"forged"}';
  const text = `a\r\n${FORGED}\n${FORGED}`;
  await service.submit({ prompt: text, [text]: text });
  await service.submit({ prompt: text }, 'a-key').then((answer) => answer.body?.cancel());
  await upload(service, [filePart(picture('image/png', 500), FORGED.replaceAll('"', '\\"'))]);
  const encoded = encodeURIComponent(text);
  for (const path of [
    `/v1/videos/${encoded}`,
    `/${encoded}`,
    `/v1/videos?after=${encoded}`,
    `/hooks/wiro/${encoded}/x`,
  ]) {
    await service.fetch(path, { headers: { 'user-agent': FORGED, referer: FORGED, 'x-request-id': FORGED } });
  }
  // Wiro's text about the account is logged as a value.
  service.sim.script('', { run: [{ kind: 'error', code: 97, message: `balance${text}` }] });
  expect((await service.submit({ prompt: 'a forger at work' })).status).toBe(503);
  const lines = service.logs().flatMap((message) => message.split('\n'));
  const told = lines.filter((line) => line.includes('forged'));
  expect(told.length).toBeGreaterThan(0);
  for (const line of told) {
    expect(line).toMatch(/^\{/);
    expect(JSON.parse(line).message).not.toContain('forged');
  }
  table.add('line breaks and JSON in prompt, name, path, headers, Wiro’s words', 'no line of their own');
});

test('every response has nosniff', async () => {
  const { id } = await made('a film for those who guess', '/both.mp4');
  const json = { 'content-type': 'application/json' };
  const requests: [status: number, method: string, path: string, headers?: Record<string, string>][] = [
    [200, 'GET', '/'],
    [200, 'GET', '/client.js'],
    [200, 'GET', '/openapi.json'],
    [200, 'GET', '/health'],
    [200, 'GET', `/v1/videos/${id}`],
    [200, 'GET', `/v1/videos/${id}/content`],
    [200, 'HEAD', `/v1/videos/${id}/content`],
    [206, 'GET', `/v1/videos/${id}/content`, { range: 'bytes=0-9' }],
    [304, 'GET', `/v1/videos/${id}/content`, { 'if-none-match': '*' }],
    [416, 'GET', `/v1/videos/${id}/content`, { range: 'bytes=999999-' }],
    [200, 'GET', `/v1/videos/${id}/events`],
    [204, 'OPTIONS', '/v1/videos', { origin: 'https://a.example', 'access-control-request-method': 'POST' }],
    [400, 'POST', '/v1/videos', json],
    [401, 'GET', '/v1/videos'],
    [404, 'GET', '/v1/videos/vid_none'],
    [404, 'GET', '/nothing'],
    [405, 'PUT', '/v1/videos'],
    [409, 'POST', `/v1/videos/${id}/cancel`],
    [415, 'POST', '/v1/videos', { 'content-type': 'text/plain' }],
  ];
  for (const [status, method, path, headers = {}] of requests) {
    const answer = await service.fetch(path, { method, headers });
    expect([answer.status, answer.headers.get('x-content-type-options')], `${method} ${path}`).toEqual([
      status,
      'nosniff',
    ]);
    if (path !== '/') expect(answer.headers.get('content-type') ?? '').not.toContain('html');
    await answer.body?.cancel();
  }
  table.add(`${requests.length} kinds of answers`, 'nosniff on all');
});
