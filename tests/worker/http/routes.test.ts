// Unknown paths, wrong methods and invalid ids: an error, without access to storage.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { METHOD_NOT_ALLOWED, NOT_FOUND, refused } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

let service: Service;
/** A video that was made. */
let id: string;
/** The secret part of its callback's path. */
let proof: string;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 } });
  const prompt = 'the only video there is';
  ({ id } = await service.accepted({ prompt }));
  await service.ended(id);
  const task = await service.sim.waitForTask(prompt);
  await task.calledBack();
  proof = task.callbackUrl.split('/').at(-1)!;
});
afterAll(() => service.close());

/** Plain: the path may hold a proof, which must not be taken for an answer that leaked it. */
const call = (method: string, path: string) => fetch(service.origin + path, { method });

test('the correct video exists, with which the wrong ones are compared', async () => {
  expect((await service.fetch(`/v1/videos/${id}`)).status).toBe(200);
  expect((await service.fetch(`/v1/videos/${id}/content`)).status).toBe(200);
  expect((await call('POST', `/hooks/wiro/${id}/${proof}`)).status).toBe(200);
});

describe('an unknown path is 404', () => {
  test.for([
    '/v1',
    '/v1/',
    '/v1/video',
    '/v1/videos/',
    '/v1/files/',
    '/v1/files/file_1',
    '//v1/videos',
    '/V1/videos',
    '/v1//videos',
    '/v2/videos',
    '/health/',
    '/hooks/wiro',
    '/nothing-here?x=1',
  ])('%s', async (path) => {
    for (const method of ['GET', 'POST']) {
      await refused(service, NOT_FOUND, () => service.fetch(service.origin + path, { method }));
    }
  });
});

describe('a wrong method is 405', () => {
  test.for([
    ['PUT', '/v1/videos', ['POST']],
    ['PATCH', '/v1/videos', ['POST']],
    ['DELETE', '/v1/videos', ['POST']],
    ['GET', '/v1/files', ['POST']],
    ['DELETE', '/v1/files', ['POST']],
    ['PUT', '/v1/videos/:id', ['GET']],
    ['POST', '/v1/videos/:id', ['GET']],
    ['POST', '/v1/videos/:id/content', ['GET', 'HEAD']],
    ['DELETE', '/v1/videos/:id/content', ['GET', 'HEAD']],
    ['GET', '/hooks/wiro/:id/0', ['POST']],
    ['POST', '/health', ['GET', 'HEAD']],
    ['POST', '/v1/models', ['GET', 'HEAD']],
    ['GET', '/v1/videos/:id/remix', ['POST']],
  ] as const)('%s %s', async ([method, path, allowed]) => {
    let allow: string | null = null;
    await refused(service, METHOD_NOT_ALLOWED, async () => {
      const response = await service.fetch(path.replace(':id', id), { method });
      allow = response.headers.get('allow');
      return response;
    });
    const methods = String(allow).split(', ');
    expect(methods).toEqual(expect.arrayContaining([...allowed]));
    expect(methods).not.toContain(method);
  });
});

describe('HEAD has the headers of GET without a body', () => {
  test.for(['/health', '/v1/models', '/v1/models/hailuo-2.3', '/v1/videos/:id', '/v1/videos/:id/content'])(
    '%s',
    async (path) => {
      const at = path.replace(':id', id);
      const [get, head] = [await service.fetch(at), await service.fetch(at, { method: 'HEAD' })];
      expect([head.status, await head.text()]).toEqual([200, '']);
      for (const name of ['content-type', 'etag', 'cache-control', 'access-control-allow-origin']) {
        expect(head.headers.get(name), name).toBe(get.headers.get(name));
      }
      expect(Number(head.headers.get('content-length'))).toBe((await get.arrayBuffer()).byteLength);
    },
  );

  test('for events, including refusals', async () => {
    const events = await service.fetch(`/v1/videos/${id}/events`, { method: 'HEAD' });
    expect([events.status, events.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    const nowhere = await service.fetch('/v1/videos/vid_no', { method: 'HEAD' });
    expect([nowhere.status, await nowhere.text()]).toEqual([404, '']);
  });
});

describe('endpoints of OpenAI that are not supported', () => {
  test.for([
    ['POST', '/v1/videos/:id/remix'],
    ['POST', '/v1/videos/edits'],
    ['POST', '/v1/videos/extensions'],
    ['POST', '/v1/videos/characters'],
    ['GET', '/v1/videos/characters/char_1'],
  ] as const)('%s %s', async ([method, path]) => {
    await refused(service, [404, 'unsupported'], () => service.fetch(path.replace(':id', id), { method }));
  });
});

describe('an invalid id or proof is 404', () => {
  /** Every endpoint of a video under another id. */
  async function expectNowhere(otherId: string): Promise<void> {
    for (const [method, path] of [
      ['GET', `/v1/videos/${otherId}`],
      ['GET', `/v1/videos/${otherId}/content`],
      ['HEAD', `/v1/videos/${otherId}/content`],
      ['POST', `/hooks/wiro/${otherId}/${proof}`],
    ] as const) {
      if (method === 'HEAD') expect((await call(method, path)).status).toBe(404);
      else await refused(service, NOT_FOUND, () => call(method, path));
    }
  }

  const madeUp = () => Array.from(randomBytes(40), (byte) => ALPHABET[byte % ALPHABET.length]).join('');

  const ids: [string, () => string][] = [
    ['of the right shape', () => `vid_${madeUp()}`],
    ['that is all one letter', () => `vid_${'a'.repeat(40)}`],
    ['without its prefix', () => id.slice('vid_'.length)],
    ['with another prefix', () => id.replace('vid_', 'task_')],
    ['in capitals', () => `vid_${id.slice('vid_'.length).toUpperCase()}`],
    ['without its last character', () => id.slice(0, -1)],
    ['with a character more', () => `${id}a`],
    ['with padding', () => `${id}=`],
    ['with a space behind it', () => `${id}%20`],
    ['with a percent-encoded slash', () => `${id}%2f`],
    ['of another service', () => '0b6f2d1c-7c39-4d0e-9f6b-0f2f3f1d6b1e'],
    ['that is very long', () => `vid_${'a'.repeat(4000)}`],
    ['that is no text', () => '%ff%fe%00'],
  ];
  test.for(ids)('an id %s', async ([_name, otherId]) => {
    await expectNowhere(otherId());
  });

  test('an id with one character changed', async () => {
    for (let at = 'vid_'.length; at < id.length; at++) {
      const changed: string = ALPHABET[(ALPHABET.indexOf(id[at]!) + 1 + (at % 31)) % ALPHABET.length]!;
      const otherId = id.slice(0, at) + changed + id.slice(at + 1);
      expect(otherId).not.toBe(id);
      await expectNowhere(otherId);
    }
  });

  test('a callback with one character of its proof changed', async () => {
    for (let at = 0; at < proof.length; at++) {
      const changed = ALPHABET[(ALPHABET.indexOf(proof[at]!) + 1) % ALPHABET.length];
      const otherProof = proof.slice(0, at) + changed + proof.slice(at + 1);
      await refused(service, NOT_FOUND, () => call('POST', `/hooks/wiro/${id}/${otherProof}`));
    }
  });

  test.for(['', 'a', '%20', 'undefined'])('a callback with the proof %j', async (otherProof) => {
    await refused(service, NOT_FOUND, () => call('POST', `/hooks/wiro/${id}/${otherProof}`));
  });
});
