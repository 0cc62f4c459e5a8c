// public/client.js with a server that answers anything: ids are validated before they are part of a URL, and responses
// before the caller gets them.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cancel, get, list, remove, submit, VideoError, watch } from '../../public/client.js';

const ID = `vid_${'a2'.repeat(20)}`;

const VIDEO = {
  ...{ id: ID, object: 'video', model: 'm', status: 'completed', stage: 'done', queue_position: null },
  ...{ progress: 100, progress_source: 'none', created_at: 1, started_at: null, completed_at: null },
  ...{ expires_at: null, output: null, cost_usd: null, error: null },
  input: { prompt: 'p', promptOptimizer: true, resolution: '768P', duration: 6 },
  urls: { self: '', events: '', content: '', cancel: '' },
};

const WRONG_IDS = [
  '',
  '..',
  '/../../health',
  '../../health',
  `${ID}/../x`,
  `${ID}?x`,
  'vid_short',
  `${ID}\n`,
];

const NO_VIDEOS: [string, unknown][] = [
  ['the answer of /health', { status: 'ok', version: '0.1.0' }],
  ['null', null],
  ['text', 'text'],
  ['an empty object', {}],
  ['a wrong id', { ...VIDEO, id: '../../health' }],
  ['the id of another video', { ...VIDEO, id: `vid_${'b'.repeat(40)}` }],
  ['an unknown status', { ...VIDEO, status: 'ok' }],
  ['no input', { ...VIDEO, input: undefined }],
  ['no urls', { ...VIDEO, urls: null }],
  ['an error without words', { ...VIDEO, error: { code: 1 } }],
  ['warnings that are no list', { ...VIDEO, warnings: 'first_frame_ignored' }],
];

describe('client.js', () => {
  let asked: IncomingMessage[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let base: string;
  const server = createServer((request, response) => {
    asked.push(request);
    request.resume().on('end', () => answer(request, response));
  });
  beforeEach(async () => {
    asked = [];
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const answerWith = (value: unknown, status = 200) => {
    answer = (_, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
  };
  const first = async (id: string) => (await watch({ id }, { base }).next()).value;
  const CALLS: [string, (id: string) => Promise<unknown>][] = [
    ['get', (id) => get(id, { base })],
    ['cancel', (id) => cancel(id, { base })],
    ['remove', (id) => remove(id, { base })],
    ['watch', first],
  ];

  test.for(CALLS)('%s sends no request for an invalid id', async ([, call]) => {
    answerWith(VIDEO);
    for (const id of WRONG_IDS) {
      await expect(call(id)).rejects.toMatchObject({ status: 404, code: 'not_found' });
    }
    expect(asked).toEqual([]);
    await call(ID);
    expect(asked[0]?.url).toMatch(new RegExp(`^/v1/videos/${ID}(/cancel|/events)?$`));
  });

  test.for(NO_VIDEOS)('get, cancel and submit reject the response %s', async ([, value]) => {
    answerWith(value);
    for (const call of [get, cancel]) {
      const error = await call(ID, { base }).catch((error) => error);
      expect(error).toBeInstanceOf(VideoError);
      expect(error).toMatchObject({ status: 502, code: 'upstream_error', isUnclear: true });
    }
  });

  test('submit retries with the same key after a response that is not the Worker’s', async () => {
    const answers = ['<html>Sign in to this network</html>', '{"status":"ok"}', JSON.stringify(VIDEO)];
    answer = (_, response) => response.writeHead(200).end(answers.shift());
    expect((await submit({ prompt: 'p' }, { base })).id).toBe(ID);
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  });

  test('list rejects a response that is not a list of Videos', async () => {
    for (const value of [
      null,
      {},
      { data: {} },
      { data: [VIDEO, { status: 'ok' }], has_more: false, last_id: null },
    ]) {
      answerWith(value);
      await expect(list({ base })).rejects.toMatchObject({ status: 502, code: 'upstream_error' });
    }
    answerWith({ data: [VIDEO], has_more: false, last_id: ID });
    expect((await list({ base })).data).toHaveLength(1);
  });

  test('watch ignores events that are not Videos, and malformed log lines', async () => {
    const data = (event: string, value: unknown) =>
      `event: ${event}\nid: 1\ndata: ${JSON.stringify(value)}\n\n`;
    answer = (request, response) => {
      if (!request.url?.endsWith('/events')) return void response.end(JSON.stringify(VIDEO));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(data('log', { type: 'video', stream: 'stdout', text: 'a line' }));
      response.write(data('log', { type: 'video', video: 'forged' }));
      response.end(data('video', { status: 'completed' }));
    };
    const events = [];
    for await (const event of watch({ id: ID }, { base })) events.push(event);
    expect(events).toEqual([
      { type: 'connection', state: 'live' },
      { type: 'log', stream: 'stdout', text: 'a line', id: '1' },
      { type: 'video', video: VIDEO },
    ]);
  });

  test.for([null, 'text', { detail: 7, code: {}, errors: 'x' }, { errors: [null, { field: 1 }] }])(
    'a malformed problem document becomes a VideoError: %j',
    async (problem) => {
      answerWith(problem, 400);
      const error = await get(ID, { base }).catch((error) => error);
      expect(error).toBeInstanceOf(VideoError);
      expect(error).toMatchObject({ status: 400, code: 'upstream_error', errors: [] });
      expect(error.message).toBe('The server answered 400.');
    },
  );

  test('the base URL may end with a slash or with the version', async () => {
    answerWith(VIDEO);
    for (const end of ['/', '/v1', '/v1/', '']) {
      asked = [];
      await get(ID, { base: `${base}${end}` });
      expect(asked[0]?.url).toBe(`/v1/videos/${ID}`);
    }
    for (const wrong of [`${base}/?x=`, `${base}/#`, 'javascript:alert(1)//', 'example.com']) {
      await expect(get(ID, { base: wrong })).rejects.toThrow(TypeError);
    }
    expect(asked).toHaveLength(1);
  });
});
