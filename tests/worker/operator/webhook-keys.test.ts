// Several keys in NOTIFY_SECRET: each signs, so that a receiver can change from one to the other. Verified by the library
// of the scheme and by OpenAI's SDK.
import OpenAI from 'openai';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { type Message, startWebhookReceiver, type Told, type WebhookReceiver } from './webhook-receiver.ts';

const keyOf = (bytes: string) => `whsec_${Buffer.from(bytes).toString('base64')}`;
const NEW_KEY = keyOf('the key that is being introduced');
const OLD_KEY = keyOf('the key that is being taken away');
const OTHER_KEY = keyOf('a key that this Worker has never');

let receiver: WebhookReceiver;
let service: Service;
/** One message that the receiver refused, and the same when it was tried again. */
let tries: Told[];
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
  tries = await receiver.told(prompt, 2);
});
afterAll(async () => {
  await service?.close();
  await receiver?.close();
});

const byLibrary = (key: string, { body, headers }: Told) => new Webhook(key).verify(body, headers) as Message;

const openai = new OpenAI({ apiKey: 'none' });
const byOpenAi = (key: string, { body, headers }: Told) =>
  openai.webhooks.unwrap(body, headers, key) as Promise<unknown> as Promise<Message>;

test('every try has a signature by each key, the first key first', () => {
  for (const { headers } of tries)
    expect(headers['webhook-signature']).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/);
});

describe.each([
  ['new', NEW_KEY],
  ['old', OLD_KEY],
])('with the %s key', (_name, key) => {
  test('the library of the scheme takes every try', () => {
    for (const told of tries) expect(byLibrary(key, told).type).toBe('video.completed');
  });

  test("OpenAI's SDK unwraps it to an event as it knows them", async () => {
    const [told] = tries as [Told];
    const event = await byOpenAi(key, told);
    expect(event).toEqual({
      id: told.headers['webhook-id'],
      object: 'event',
      type: 'video.completed',
      created_at: event.data.completed_at,
      timestamp: expect.stringMatching(/Z$/),
      data: expect.objectContaining({ object: 'video', status: 'completed', client: null }),
    });
  });
});

test('with another key, neither takes it', async () => {
  const [told] = tries as [Told];
  expect(() => byLibrary(OTHER_KEY, told)).toThrow(/signature/i);
  await expect(byOpenAi(OTHER_KEY, told)).rejects.toThrow(/signature/i);
});
