// Authentication: the signature, the nonce and projects without a secret.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { REFUSALS, type Sim, sign, startSim } from '../../sim/index.ts';
import { ask, post, RUN_FIELDS, signedHeaders } from './support/client.ts';

const RUN = '/Run/minimax/hailuo-2-3';

test('the signature equals the documented example', () => {
  expect(sign('key', 'secret', '123456')).toBe(
    'fcdfafa34a71577832e3006955d2af86d619f68af604abb81b0b480e34d9aa7e',
  );
});

describe('a project with a secret', () => {
  let sim: Sim;
  beforeEach(async () => {
    sim = await startSim();
  });
  afterEach(() => sim.close());

  test('accepts a valid signature', async () => {
    const response = await post(sim, RUN, RUN_FIELDS);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ result: true, errors: [] });
    expect(sim.rejections()).toEqual([]);
  });

  const wrong: [
    string,
    (right: Record<string, string>) => Record<string, string>,
    string,
    'keyNotFound' | 'signatureRequired' | 'invalidSignature',
  ][] = [
    ['no headers', () => ({}), 'x-api-key is missing', 'keyNotFound'],
    [
      'another key',
      (right) => ({ ...right, 'x-api-key': 'other' }),
      'x-api-key is not the key of this project',
      'keyNotFound',
    ],
    [
      'the key alone',
      () => ({ 'x-api-key': sim.apiKey }),
      'x-nonce or x-signature is missing',
      'signatureRequired',
    ],
    ['another nonce', (right) => ({ ...right, 'x-nonce': '12' }), 'x-signature is wrong', 'invalidSignature'],
    [
      'an uppercase signature',
      (right) => ({ ...right, 'x-signature': right['x-signature']!.toUpperCase() }),
      'x-signature is wrong',
      'invalidSignature',
    ],
    [
      'a nonce that is no integer',
      () => signedHeaders(sim, '12.5'),
      'x-nonce is not an integer',
      'invalidSignature',
    ],
    [
      'key and secret swapped',
      (right) => ({ ...right, 'x-signature': sign(sim.apiSecret!, sim.apiKey, right['x-nonce']!) }),
      'x-signature is wrong',
      'invalidSignature',
    ],
  ];
  test.for(wrong)('refuses %s', async ([, change, reason, refusal]) => {
    const response = await post(sim, RUN, RUN_FIELDS, change(signedHeaders(sim)));
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ result: false, errors: REFUSALS[refusal].errors });
    expect(sim.rejections()).toMatchObject([
      { path: '/v1/Run/minimax/hailuo-2-3', status: 401, refused: reason },
    ]);
    expect(sim.tasks).toEqual([]);
  });

  test('refuses a nonce that was used before, in any call', async () => {
    const headers = signedHeaders(sim, '1734513807');
    expect((await post(sim, RUN, RUN_FIELDS, headers)).status).toBe(200);
    const replay = await post(sim, '/Task/Detail', { tasktoken: sim.tasks[0]!.token }, headers);
    expect(replay.status).toBe(401);
    expect(sim.rejections()).toMatchObject([{ path: '/v1/Task/Detail', refused: 'x-nonce was used before' }]);
  });

  test('records a refused call with its fields', async () => {
    await post(sim, RUN, RUN_FIELDS, {});
    expect(sim.calls).toMatchObject([{ fields: RUN_FIELDS, fieldOrder: Object.keys(RUN_FIELDS) }]);
  });
});

test('a project without a secret needs only the key', async () => {
  const sim = await startSim({ apiSecret: null, apiKey: 'only-a-key' });
  expect(await ask(sim, RUN, RUN_FIELDS)).toMatchObject({ result: true });
  const signed = { 'x-api-key': 'only-a-key', 'x-nonce': '1', 'x-signature': sign('only-a-key', '', '1') };
  expect((await post(sim, RUN, RUN_FIELDS, signed)).status).toBe(401);
  expect(sim.tasks).toHaveLength(1);
  await sim.close();
});
