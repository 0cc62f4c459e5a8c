// With client tokens: requests without one are refused, and only the owner can access a video.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ALICE, BOB, BOB_BEFORE, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, NOT_FOUND, traces } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';

let service: Service;
let alice: Service;
let bob: Service;
/** Alice's, completed. */
let video: Video;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, secrets: { CLIENT_TOKENS } });
  alice = service.as(ALICE);
  bob = service.as(BOB);
  video = await alice.accepted({ prompt: 'a letter to nobody else' });
  video = await alice.ended(video.id);
  await publishedRecord(service, video.id, 'completed');
});
afterAll(() => service.close());

/** Every way to a video, and to all of them. */
const waysTo = (id: string): [string, string][] => [
  ['POST', '/v1/videos'],
  ['GET', '/v1/videos'],
  ['GET', `/v1/videos/${id}`],
  ['GET', `/v1/videos/${id}/content`],
  ['HEAD', `/v1/videos/${id}/content`],
  ['GET', `/v1/videos/${id}/events`],
  ['POST', `/v1/videos/${id}/cancel`],
  ['DELETE', `/v1/videos/${id}`],
];

describe('without a valid client token', () => {
  test.for([
    ['none', {}],
    ['another', { authorization: `Bearer ${ALICE}x` }],
    ['one cut short', { authorization: `Bearer ${ALICE.slice(0, -1)}` }],
    ['in capitals', { authorization: `Bearer ${ALICE.toUpperCase()}` }],
    ['by another scheme', { authorization: `Basic ${ALICE}` }],
    ['two at once', { authorization: `Bearer ${ALICE}, Bearer ${BOB}` }],
    ['its name', { authorization: 'Bearer alice' }],
  ] as [string, Record<string, string>][])('%s: 401 everywhere', async ([, headers]) => {
    const before = await traces(service);
    for (const [method, path] of waysTo(video.id)) {
      const answer = await service.fetch(path, { method, headers });
      expect(answer.status, `${method} ${path}`).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      if (method !== 'HEAD') await expectProblem(answer, [401, 'unauthorized']);
    }
    expect(await traces(service)).toEqual(before);
  });

  test('public endpoints are open', async () => {
    expect(await (await service.fetch('/health')).json()).toMatchObject({
      status: 'ok',
      protection: 'tokens',
    });
    expect(service.logs().join()).not.toContain('anyone can submit');
    expect((await service.fetch('/')).status).toBe(200);
  });
});

test("another client's video is 404, without reading any storage", async () => {
  const before = await traces(service);
  for (const [method, path] of waysTo(video.id).filter(([, path]) => path !== '/v1/videos')) {
    const answer = await bob.fetch(path, { method });
    expect(answer.status, `${method} ${path}`).toBe(404);
    if (method !== 'HEAD') await expectProblem(answer, NOT_FOUND);
  }
  expect(await traces(service)).toEqual(before);
  expect((await alice.video(video.id)).status).toBe('completed');
});

test('both tokens of a client identify the same client', async () => {
  const { id } = await bob.accepted({ prompt: 'a key that is being changed' });
  expect((await service.as(BOB_BEFORE).video(id)).id).toBe(id);
});

test('an idempotency key belongs to its owner', async () => {
  const body = { prompt: 'the same words of two people' };
  const [hers, his] = await Promise.all([alice.submit(body, 'one-key'), bob.submit(body, 'one-key')]);
  const ids = [(await hers.json()).id, (await his.json()).id];
  expect(new Set(ids).size).toBe(2);
  const again = await alice.submit(body, 'one-key');
  expect([again.headers.get('idempotent-replayed'), (await again.json()).id]).toEqual(['true', ids[0]]);
});

test('KV lists an owner’s videos, newest first, until they are deleted', async () => {
  const { id, created_at } = await alice.accepted({ prompt: 'an entry in the index' });
  await alice.ended(id);
  const key = `owner:alice:${String(9_999_999_999 - created_at).padStart(10, '0')}:${id}`;
  const keys = async () => (await service.bindings.TASKS.list()).keys.map(({ name }) => name);
  await vi.waitFor(async () => expect(await keys()).toContain(key), { timeout: 30_000 });
  await alice.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
  await vi.waitFor(async () => expect((await keys()).join()).not.toContain(id), { timeout: 30_000 });
});
