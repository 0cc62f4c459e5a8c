// A request over the rate limit is refused at once, whatever its body does.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BareService, startBare } from '../support/bare.ts';
import { drip, slowClient } from '../support/requests/slow-clients.ts';

let service: BareService;
beforeAll(async () => {
  service = await startBare({ vars: { VISITS_PER_MINUTE: '1' }, sim: { speed: 0 } });
});
afterAll(() => service.close());

test('429 does not wait for a slow body', async () => {
  await service.fetch('/v1/usage');
  const client = slowClient(service, 'POST /v1/videos', ['Content-Type: application/json']);
  const { status, milliseconds } = await drip(client, 300);
  client.socket.destroy();
  expect(status).toBe(429);
  expect(milliseconds).toBeLessThan(4000);
});
