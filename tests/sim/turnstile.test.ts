// Turnstile's verifier: tokens and error codes by its documentation.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sim, startSim, TURNSTILE_SECRET } from '../../sim/index.ts';

let sim: Sim;
beforeAll(async () => {
  sim = await startSim();
});
afterAll(() => sim.close());

type Asked = Record<string, string | undefined>;

async function verify(fields: Asked, init: RequestInit = {}): Promise<unknown> {
  const body = JSON.stringify({ secret: TURNSTILE_SECRET, ...fields });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(sim.verifyUrl, { method: 'POST', headers, body, ...init });
  expect(answer.status).toBe(200);
  return answer.json();
}

const refusal = (code: string) => ({ success: false, 'error-codes': [code] });

test('a solved challenge is valid once, and names its host and action', async () => {
  const at = Date.now() - 200_000;
  const response = sim.solve({ hostname: 'video.example', action: 'login', at });
  const asked = { response, remoteip: '203.0.113.7' };
  expect(await verify(asked)).toEqual({
    success: true,
    'error-codes': [],
    challenge_ts: new Date(at).toISOString(),
    hostname: 'video.example',
    action: 'login',
    cdata: '',
  });
  expect(await verify(asked)).toEqual(refusal('timeout-or-duplicate'));
  expect(sim.callsTo('/turnstile/').at(-1)?.fields).toMatchObject(asked);
});

test('with the same idempotency key the answer is repeated; with another one the token is a duplicate', async () => {
  const response = sim.solve({ hostname: 'video.example' });
  const idempotency_key = randomUUID();
  const first = await verify({ response, idempotency_key });
  expect(first).toMatchObject({ success: true, action: 'submit' });
  expect(await verify({ response, idempotency_key })).toEqual(first);
  expect(await verify({ response, idempotency_key: randomUUID() })).toEqual(refusal('timeout-or-duplicate'));
  expect(await verify({ response })).toEqual(refusal('timeout-or-duplicate'));
});

test('a token is valid for five minutes', async () => {
  const solvedAgo = (seconds: number) =>
    verify({ response: sim.solve({ hostname: 'video.example', at: Date.now() - seconds * 1000 }) });
  expect(await solvedAgo(240)).toMatchObject({ success: true });
  expect(await solvedAgo(301)).toEqual(refusal('timeout-or-duplicate'));
});

test('a form body is accepted too', async () => {
  const response = sim.solve({ hostname: 'video.example' });
  const body = new URLSearchParams({ secret: TURNSTILE_SECRET, response });
  expect(await verify({}, { body, headers: {} })).toMatchObject({ success: true });
});

test('each error has its code, and errors of an incorrect client are recorded', async () => {
  const before = sim.rejections().length;
  expect(await verify({ response: 'made-up' })).toEqual(refusal('invalid-input-response'));
  expect(sim.rejections()).toHaveLength(before);
  const faults: [Asked, RequestInit, string][] = [
    [{ secret: undefined }, {}, 'missing-input-secret'],
    [{ secret: 'made-up' }, {}, 'invalid-input-secret'],
    [{ response: '' }, {}, 'missing-input-response'],
    [{}, { body: 'not json' }, 'bad-request'],
    [{}, { headers: { 'content-type': 'text/plain' } }, 'bad-request'],
  ];
  for (const [fields, init, code] of faults) expect(await verify(fields, init)).toEqual(refusal(code));
  expect(sim.rejections().slice(before)).toMatchObject(faults.map(([, , refused]) => ({ refused })));
});

test('a fault can happen before or after the token is checked', async () => {
  const response = sim.solve({ hostname: 'video.example' });
  sim.script('', {
    siteverify: [
      { kind: 'status', status: 500 },
      { kind: 'garbage' },
      { kind: 'lost', how: 'status', status: 502 },
    ],
  });
  const ask = () => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ secret: TURNSTILE_SECRET, response });
    return fetch(sim.verifyUrl, { method: 'POST', headers, body });
  };
  expect((await ask()).status).toBe(500);
  await expect((await ask()).json()).rejects.toThrow();
  expect((await ask()).status).toBe(502);
  expect(await (await ask()).json()).toEqual(refusal('timeout-or-duplicate'));
});
