// A retry of OpenAI's SDK, which has no idempotency key, never buys a second video.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../worker/support/clients.ts';
import { formBody, type Part } from '../worker/support/requests/bodies.ts';
import { picture } from '../worker/support/requests/pictures.ts';
import { FORM_TYPE } from '../worker/support/requests/uploads.ts';
import { type Service, startService } from '../worker/support/service.ts';
import { sha256 } from '../worker/support/stored.ts';
import type { Video } from '../worker/support/types.ts';
import { runsOf } from '../worker/support/upstream-calls.ts';
import { sdk } from './client.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, secrets: { CLIENT_TOKENS } });
});
afterAll(() => service.close());

test('an SDK retry after a lost response gets the same video', async () => {
  const prompt = 'a heron whose letter was lost';
  const { client, sent } = sdk(service, ALICE, ({ method }, attempt) => method === 'POST' && attempt < 2);
  const { data, response } = await client.videos.create({ prompt }).withResponse();
  expect(sent.map(({ retryCount }) => retryCount)).toEqual(['0', '1', '2']);
  expect(response.headers.get('idempotent-replayed')).toBe('true');
  expect(runsOf(service.sim, prompt)).toHaveLength(1);
  const video = await service.as(ALICE).ended(data.id);
  expect(video.status).toBe('completed');
  const list = await client.videos.list({ limit: 100 });
  expect(list.data.filter((video) => video.prompt === prompt)).toHaveLength(1);
});

test('an SDK retry after a lost response sends the image again', async () => {
  const prompt = 'a heron whose picture was lost';
  const { client } = sdk(service, ALICE, ({ method }, attempt) => method === 'POST' && attempt === 0);
  const frame = picture('image/png', 9000);
  const input_reference = new File([frame], 'heron.png', { type: 'image/png' });
  const { id } = await client.videos.create({ prompt, input_reference });
  expect((await service.as(ALICE).ended(id)).status).toBe('completed');
  const [run, ...others] = runsOf(service.sim, prompt);
  expect([run?.file?.sha256, others.length]).toEqual([sha256(frame), 0]);
  // The image of the second attempt is not stored.
  const { objects } = await service.bindings.VIDEOS.list({ prefix: 'inputs/' });
  expect(objects.map(({ key }) => key)).toEqual([`inputs/${id}`]);
});

const SDK = {
  'user-agent': 'OpenAI/JS 7',
  'x-stainless-lang': 'js',
  'x-stainless-package-version': '7.59.0',
};

interface Attempt {
  prompt: string;
  count?: number | undefined;
  token?: string;
  headers?: Record<string, string>;
  key?: string;
}

async function attempt({
  prompt,
  count,
  token = ALICE,
  headers = {},
  key,
}: Attempt): Promise<[string, boolean]> {
  const answer = await service.as(token).fetch('/v1/videos', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...SDK,
      ...(count === undefined ? {} : { 'x-stainless-retry-count': `${count}` }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...headers,
    },
    body: JSON.stringify({ prompt }),
  });
  expect(answer.status).toBe(202);
  const { id } = (await answer.json()) as Video;
  return [id, answer.headers.get('idempotent-replayed') === 'true'];
}

describe('equal requests', () => {
  test('each first attempt creates a video', async () => {
    const prompt = 'herons, as many as are asked for';
    const ids = [];
    for (const count of [0, 0, undefined, undefined]) ids.push((await attempt({ prompt, count }))[0]);
    expect(new Set(ids).size).toBe(4);
  });

  test('one retry gets the video of the first attempt, another creates its own', async () => {
    const prompt = 'herons, asked for in turn';
    const [first] = await attempt({ prompt, count: 0 });
    expect(await attempt({ prompt, count: 1 })).toEqual([first, true]);
    const [other, isReplay] = await attempt({ prompt, count: 1 });
    expect([other === first, isReplay]).toEqual([false, false]);
  });

  test('two concurrent retries get different videos', async () => {
    const prompt = 'herons, asked for at once';
    const [first] = await attempt({ prompt, count: 0 });
    const retries = await Promise.all([attempt({ prompt, count: 1 }), attempt({ prompt, count: 1 })]);
    expect(retries.map(([, isReplay]) => isReplay).toSorted()).toEqual([false, true]);
    expect(new Set([first, ...retries.map(([id]) => id)]).size).toBe(2);
  });

  test('the second retry gets the video of the first, even if the first request never arrived', async () => {
    const prompt = 'a heron that nobody heard of';
    const [first, isReplay] = await attempt({ prompt, count: 1 });
    expect(isReplay).toBe(false);
    expect(await attempt({ prompt, count: 2 })).toEqual([first, true]);
    expect(runsOf(service.sim, prompt)).toHaveLength(1);
  });
});

describe('a retry does not match a request with', () => {
  const others: [string, Partial<Attempt>][] = [
    ['another client', { token: BOB }],
    ['another program', { headers: { 'user-agent': 'OpenAI/Python 3' } }],
    ['another version of the SDK', { headers: { 'x-stainless-package-version': '7.58.0' } }],
    ['another prompt', { prompt: 'a crane' }],
    ['a key of its own', { key: 'a-key-of-its-own' }],
  ];
  test.for(others)('%s', async ([name, other]) => {
    const prompt = `a heron beside ${name}`;
    const [first] = await attempt({ prompt, count: 0 });
    const [id, isReplay] = await attempt({ prompt, count: 1, ...other });
    expect([id === first, isReplay]).toEqual([false, false]);
  });
});

test('a form with another boundary is the same request', async () => {
  const parts: Part[] = [
    { name: 'prompt', value: 'a heron in two envelopes' },
    { name: 'input_reference', value: picture('image/png', 3000), filename: 'a.png' },
  ];
  const send = async (count: number, boundary: string) => {
    const text = Buffer.from(formBody(parts)).toString('latin1');
    const body = Buffer.from(text.replaceAll('boundary-5d1c94e7', boundary), 'latin1');
    const headers = {
      ...{ 'content-type': FORM_TYPE.replace('boundary-5d1c94e7', boundary), ...SDK },
      'x-stainless-retry-count': `${count}`,
    };
    const answer = await service.as(ALICE).fetch('/v1/videos', { method: 'POST', headers, body });
    expect(answer.status).toBe(202);
    return ((await answer.json()) as Video).id;
  };
  const first = await send(0, 'another-0');
  expect(await send(1, 'another-1')).toBe(first);
});
