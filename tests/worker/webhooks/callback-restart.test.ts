// Deliveries to a callback_url survive a kill of the Worker: the next attempt comes with the same webhook-id.
import { rm } from 'node:fs/promises';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Delivery, startWebhookReceiver, type WebhookReceiver } from '../operator/webhook-receiver.ts';
import { ALICE } from '../support/clients.ts';
import { type DirectService, startDirect } from '../support/direct.ts';
import type { Service } from '../support/service.ts';
import { bundleOf } from '../support/wrapped.ts';

const KEY = `whsec_${Buffer.from('the one key of the client alice.').toString('base64')}`;
const CLIENT_TOKENS = JSON.stringify({ alice: { token: ALICE, webhook_secret: KEY } });

const BETWEEN = 'a letter between two attempts';
const DURING = 'a letter on its way';
const DELIVERED = 'a letter that has arrived';

let receiver: WebhookReceiver;
let bundle: string;
let service: DirectService;
let alice: Service;
/** The id of the video, and what was delivered before the kill. */
const before = new Map<string, { id: string; first: Delivery }>();
beforeAll(async () => {
  receiver = await startWebhookReceiver();
  bundle = await bundleOf('public-receivers-worker.js');
  // Long enough for the kill to come before the second attempt.
  const vars = { NOTIFY_SECONDS: '12' };
  service = await startDirect({ bundle, vars, secrets: { CLIENT_TOKENS }, sim: { speed: 600 } });
  alice = service.as(ALICE);
  const callback_url = `https://receiver-${new URL(receiver.url).port}.example.com/hook`;
  receiver.script(BETWEEN, [500]);
  receiver.script(DURING, ['silence']);
  for (const prompt of [DELIVERED, BETWEEN, DURING]) {
    const { id } = await alice.accepted({ prompt, callback_url });
    const [first] = (await receiver.deliveriesFor(prompt)) as [Delivery];
    before.set(prompt, { id, first });
  }
  for (const [prompt, status] of [
    [DELIVERED, 204],
    [BETWEEN, 500],
  ] as const)
    await vi.waitUntil(async () => (await attemptsOf(prompt))[0]?.status === status, { timeout: 30_000 });
  expect(receiver.of(BETWEEN)).toHaveLength(1);
  await service.dev.kill('SIGKILL');
  await service.dev.start();
});
afterAll(async () => {
  await service?.close();
  await receiver?.close();
  await rm(bundle, { recursive: true, force: true });
});

interface Attempt {
  webhook_id: string;
  attempt: number;
  status?: number;
  next_attempt_at: number | null;
}

async function attemptsOf(prompt: string): Promise<Attempt[]> {
  const answer = await alice.fetch(`/v1/videos/${before.get(prompt)?.id}/deliveries`);
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { data: Attempt[] }).data;
}

test.each([
  ['between two attempts', BETWEEN, [500, 204]],
  ['during an attempt', DURING, [204]],
])('a delivery that is interrupted %s is made after the restart', async (_, prompt, statuses) => {
  const { id, first } = before.get(prompt)!;
  const [, second] = await receiver.deliveriesFor(prompt, 2, 60_000);
  const webhookId = first.headers['webhook-id'];
  expect(webhookId).toMatch(/./);
  expect(second?.headers['webhook-id']).toBe(webhookId);
  for (const { body, headers } of [first, second!]) {
    const event = new Webhook(KEY).verify(body, headers);
    expect(event).toMatchObject({ id: webhookId, type: 'video.completed', data: { id } });
  }
  await vi.waitUntil(async () => (await attemptsOf(prompt)).at(-1)?.status === 204, { timeout: 30_000 });
  const attempts = await attemptsOf(prompt);
  expect(attempts.map(({ status }) => status)).toEqual(statuses);
  expect(attempts.every(({ webhook_id }) => webhook_id === webhookId)).toBe(true);
  expect(attempts.at(-1)?.next_attempt_at).toBeNull();
  expect(receiver.of(prompt)).toHaveLength(2);
});

test('a delivery that has arrived is not made again', async () => {
  expect(await attemptsOf(DELIVERED)).toMatchObject([{ attempt: 1, status: 204, next_attempt_at: null }]);
  expect(receiver.of(DELIVERED)).toHaveLength(1);
});
