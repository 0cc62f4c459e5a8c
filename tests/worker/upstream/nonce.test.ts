// Each signed call has its own nonce: Wiro accepts a thousand calls close together.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sign } from '../../../sim/index.ts';
import { type Service, startService } from '../support/service.ts';

const CALLS = 1000;
const VIDEOS = 20;

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '0.02' } });
});
afterAll(() => service.close());

test('a thousand calls have a thousand nonces and valid signatures', async () => {
  const { sim } = service;
  sim.script('one of many', { holdAt: 'task_start' });
  await Promise.all(
    Array.from({ length: VIDEOS }, (_, index) => service.accepted({ prompt: `one of many: ${index}` })),
  );
  await sim.waitForCall('/Task/Detail', CALLS - VIDEOS);

  const calls = sim.calls.filter(({ path }) => path.startsWith('/v1/'));
  expect(calls.length).toBeGreaterThanOrEqual(CALLS);
  expect(sim.rejections()).toEqual([]);
  const nonces = calls.map(({ headers }) => headers['x-nonce'] ?? '');
  expect(new Set(nonces).size).toBe(calls.length);
  for (const nonce of nonces) expect(nonce).toMatch(/^\d{1,16}$/);
  // They contain neither times nor counters, which two isolates could share.
  expect(nonces).not.toEqual(nonces.toSorted((a, b) => Number(a) - Number(b)));
  const signatures = calls.map(({ headers }) => headers['x-signature']);
  expect(signatures).toEqual(nonces.map((nonce) => sign(sim.apiKey, sim.apiSecret!, nonce)));
});
