// Slow bodies: they use little memory, time out, and do not delay a refusal.
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type BareService, startBare } from '../support/bare.ts';
import { BOUNDARY, submitForm } from '../support/requests/bodies.ts';
import { MIB, picture } from '../support/requests/pictures.ts';
import { drip, type SlowClient, slowClient } from '../support/requests/slow-clients.ts';
import { FORM_TYPE } from '../support/requests/uploads.ts';

const TOKEN = 'a-token-for-slow-clients';
const AUTHORIZATION = `Authorization: Bearer ${TOKEN}`;
const IMAGE_START = Buffer.concat([
  Buffer.from(
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="inputImageFirst"; filename="a.png"\r\n\r\n`,
  ),
  picture('image/png', 12),
]);
const UPLOADS = 30;
/** Buffers of 5 MiB in the 64 MiB of an isolate, and one that is still growing. */
const HOLDING = 13;

let service: BareService;
let clients: SlowClient[] = [];
beforeAll(async () => {
  service = await startBare({
    vars: { POLL_SECONDS: '600' },
    sim: { speed: 0 },
    secrets: { CLIENT_TOKENS: JSON.stringify({ alice: TOKEN }) },
  });
});
afterEach(() => {
  for (const { socket } of clients) socket.destroy();
  clients = [];
});
afterAll(() => service.close());

async function uploading(count: number): Promise<SlowClient[]> {
  const headers = [`Content-Type: ${FORM_TYPE}`, AUTHORIZATION];
  clients = Array.from({ length: count }, () => slowClient(service, 'POST /v1/videos', headers));
  await Promise.all(clients.map(({ send }) => send(IMAGE_START)));
  return clients;
}

const submitImage = () =>
  submitForm(service.as(TOKEN), [
    { name: 'prompt', value: 'a barge' },
    { name: 'inputImageFirst', value: picture('image/png', 6 * MIB), filename: 'a.png' },
  ]);

test(`${UPLOADS} concurrent uploads of 5 MiB: those above the memory limit are refused`, async () => {
  expect((await submitImage()).status).toBe(202);
  const before = service.resident();
  await uploading(UPLOADS);
  const chunk = Buffer.alloc(64 * 1024, 'x');
  for (let sent = 0; sent + chunk.length < 5 * MIB; sent += chunk.length) {
    await Promise.all(clients.map(({ send }) => send(chunk)));
  }
  const isRefused = ({ received }: SlowClient) => received().startsWith('HTTP/1.1 503');
  await expect
    .poll(() => clients.filter(isRefused).length, { timeout: 30_000 })
    .toBeGreaterThanOrEqual(UPLOADS - HOLDING);
  const growth = (service.resident() - before) / MIB;
  console.info(`${UPLOADS} uploads of 5 MiB: ${growth.toFixed(0)} MiB more`);
  const answer = clients.find(isRefused)?.received();
  expect(answer).toMatch(/retry-after: 10\r\n/i);
  expect(answer).toContain('"code":"upstream_unavailable"');
  expect(answer).toContain('Too many images are being uploaded');
  // Their memory is free after they have disconnected.
  for (const { socket } of clients) socket.destroy();
  await expect.poll(async () => (await submitImage()).status, { timeout: 30_000 }).toBe(202);
  await expect
    .poll(
      async () => {
        const statuses = await Promise.all(
          Array.from({ length: 10 }, async () => (await submitImage()).status),
        );
        return new Set(statuses);
      },
      { timeout: 30_000 },
    )
    .toEqual(new Set([202]));
});

test.for([
  ['401', 'POST /v1/videos', [], 401],
  ['404', 'POST /nothing/here', [AUTHORIZATION], 404],
  ['405', 'POST /health', [AUTHORIZATION], 405],
] as const)(
  '%s does not wait for a slow body',
  { concurrent: true },
  async ([, start, headers, expected]) => {
    const client = slowClient(service, start, ['Content-Type: application/json', ...headers]);
    const { status, milliseconds } = await drip(client, 300);
    client.socket.destroy();
    expect(status).toBe(expected);
    expect(milliseconds).toBeLessThan(4000);
  },
);

test.for([
  ['JSON', 'application/json', '{"prompt":"drop by drop"'],
  ['a form', FORM_TYPE, `--${BOUNDARY}\r\nContent-Disposition: form-data; name="prompt"\r\n\r\ndrop`],
] as const)('%s with a slow body times out', { concurrent: true }, async ([, type, start]) => {
  const client = slowClient(service, 'POST /v1/videos', [`Content-Type: ${type}`, AUTHORIZATION]);
  await client.send(Buffer.from(start));
  const { status, milliseconds } = await drip(client, 2000);
  expect(status).toBe(400);
  expect(milliseconds).toBeLessThan(60_000);
  await vi.waitUntil(() => client.received().includes('request body timed out'));
  client.socket.destroy();
});
