// Several keys in NOTIFY_SECRET: each signs, so that a receiver can change from one to the other. Verified by the library
// of the scheme and by OpenAI's SDK.
import OpenAI from 'openai';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import {
  type Delivery,
  type Message,
  startWebhookReceiver,
  type WebhookReceiver,
} from './webhook-receiver.ts';

const keyOf = (bytes: string) => `whsec_${Buffer.from(bytes).toString('base64')}`;
const NEW_KEY = keyOf('the key that is being introduced');
const OLD_KEY = keyOf('the key that is being taken away');
const OTHER_KEY = keyOf('a key that this Worker has never');

let receiver: WebhookReceiver;
let service: Service;
/** One message that the receiver refused, and its repetition. */
let attempts: Delivery[];
beforeAll(async () => {
  receiver = await startWebhookReceiver();
  service = await startService({
    vars: { NOTIFY_URL: receiver.url, NOTIFY_SECONDS: '0.2' },
    secrets: { NOTIFY_SECRET: `${NEW_KEY} ${OLD_KEY}` },
    sim: { speed: 600 },
  });
  const prompt = 'a lock that is being changed';
  receiver.script(prompt, [401]);
  await service.accepted({ prompt });
  attempts = await receiver.deliveriesFor(prompt, 2);
});
afterAll(async () => {
  await service?.close();
  await receiver?.close();
});

const byLibrary = (key: string, { body, headers }: Delivery) =>
  new Webhook(key).verify(body, headers) as Message;

const openai = new OpenAI({ apiKey: 'none' });
const byOpenAi = (key: string, { body, headers }: Delivery) =>
  openai.webhooks.unwrap(body, headers, key) as Promise<unknown> as Promise<Message>;

test('every attempt has a signature by each key, the first key first', () => {
  for (const { headers } of attempts)
    expect(headers['webhook-signature']).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/);
});

describe.each([
  ['new', NEW_KEY],
  ['old', OLD_KEY],
])('with the %s key', (_name, key) => {
  test('the library of Standard Webhooks accepts every attempt', () => {
    for (const delivery of attempts) expect(byLibrary(key, delivery).type).toBe('video.completed');
  });

  test("OpenAI's SDK unwraps it to an event of its format", async () => {
    const [delivery] = attempts as [Delivery];
    const event = await byOpenAi(key, delivery);
    expect(event).toEqual({
      id: delivery.headers['webhook-id'],
      object: 'event',
      type: 'video.completed',
      created_at: event.data.completed_at,
      timestamp: expect.stringMatching(/Z$/),
      data: expect.objectContaining({ object: 'video', status: 'completed', client: null }),
    });
  });
});

test('both reject it with another key', async () => {
  const [delivery] = attempts as [Delivery];
  expect(() => byLibrary(OTHER_KEY, delivery)).toThrow(/signature/i);
  await expect(byOpenAi(OTHER_KEY, delivery)).rejects.toThrow(/signature/i);
});
