// The callback_url of a submit: what its receiver gets, beside the operator's webhook and independent of it. Signatures
// are verified with the library of the standard.
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Delivery, startWebhookReceiver, type WebhookReceiver } from '../operator/webhook-receiver.ts';
import { ALICE, BOB } from '../support/clients.ts';
import { expectProblem, messageFor } from '../support/refusals.ts';
import { submitForm } from '../support/requests/bodies.ts';
import type { Service } from '../support/service.ts';
import type { Video } from '../support/types.ts';
import { startWrapped } from '../support/wrapped.ts';

const keyOf = (bytes: string) => `whsec_${Buffer.from(bytes).toString('base64')}`;
const NOTIFY_SECRET = keyOf('the key of the operator, 32 bytes');
const ALICE_KEYS = [keyOf('the new key of the client alice.'), keyOf('the old key of the client alice.')];
const CAROL_KEY = keyOf('the only key of the client carol');
const CAROL = 'carol-token-5b80e7f3a962';
const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';
/** In every callback_url; it must be in nothing that leaves the Worker but the request line of a delivery. */
const SECRET_PATH = 'hook-3f1c9b70a2';

const CLIENT_TOKENS = JSON.stringify({
  alice: { token: ALICE, webhook_secret: ALICE_KEYS.join(' ') },
  bob: BOB,
  carol: { token: CAROL, webhook_secret: CAROL_KEY },
});

let operator: WebhookReceiver;
let receiver: WebhookReceiver;
let service: Service;
let alice: Service;
let carol: Service;
/** A public https URL of the receiver. */
let callback_url: string;
/** Every answer that a client got. */
const answers: string[] = [];

beforeAll(async () => {
  [operator, receiver] = await Promise.all([startWebhookReceiver(), startWebhookReceiver()]);
  callback_url = `https://receiver-${new URL(receiver.url).port}.example.com/${SECRET_PATH}?a=b`;
  service = await startWrapped('public-receivers-worker.js', {
    vars: { NOTIFY_URL: operator.url, NOTIFY_SECONDS: '1,1,1' },
    secrets: { NOTIFY_SECRET, OPERATOR_TOKEN, CLIENT_TOKENS },
    sim: { speed: 600 },
  });
  [alice, carol] = [service.as(ALICE), service.as(CAROL)];
});
afterAll(async () => {
  await service?.close();
  await Promise.all([operator?.close(), receiver?.close()]);
});

interface Event {
  id: string;
  type: string;
  data: Video & { client?: string | null };
}

const verified = ({ body, headers }: Delivery, key: string) =>
  new Webhook(key).verify(body, headers) as Event;

interface ShownDelivery {
  at: number;
  webhook_id: string;
  attempt: number;
  status?: number;
  error?: string;
  next_attempt_at: number | null;
}

async function deliveries(id: string, client = alice): Promise<ShownDelivery[]> {
  const answer = await client.fetch(`/v1/videos/${id}/deliveries`);
  expect(answer.status).toBe(200);
  const text = await answer.text();
  answers.push(text);
  const list = JSON.parse(text);
  expect(list).toEqual({ object: 'list', data: expect.any(Array) });
  return list.data;
}

/** The deliveries as soon as there are so many. */
const delivered = (id: string, count: number, client = alice) =>
  vi.waitUntil(
    async () => {
      const known = await deliveries(id, client);
      return known.length >= count && known;
    },
    { timeout: 20_000, interval: 50 },
  ) as Promise<ShownDelivery[]>;

async function submitted(prompt: string, client = alice): Promise<Video> {
  const video = await client.accepted({ prompt, callback_url });
  answers.push(JSON.stringify(video));
  return video;
}

describe('a completed video is told', () => {
  const prompt = 'a letter to two addresses';
  let own: Delivery;
  let operators: Delivery;
  let id: string;
  beforeAll(async () => {
    ({ id } = await submitted(prompt));
    [own] = (await receiver.deliveriesFor(prompt)) as [Delivery];
    [operators] = (await operator.deliveriesFor(prompt)) as [Delivery];
  });

  test('to the callback_url, signed by each key of the client', async () => {
    for (const key of ALICE_KEYS) {
      const event = verified(own, key);
      const video = await alice.ended(id);
      expect(event).toMatchObject({ id: own.headers['webhook-id'], type: 'video.completed', data: { id } });
      expect(Object.keys(event.data).sort()).toEqual(Object.keys(video).sort());
    }
    expect(own.path).toBe(`/${SECRET_PATH}?a=b`);
    expect(own.headers['webhook-signature']?.split(' ')).toHaveLength(2);
  });

  test("to the operator's webhook, with the client's name and the same id", () => {
    const event = verified(operators, NOTIFY_SECRET);
    expect(event.data.client).toBe('alice');
    expect(event.id).toBe(verified(own, ALICE_KEYS[0]!).id);
  });

  test('in a message that no other key has signed', () => {
    for (const key of [CAROL_KEY, NOTIFY_SECRET]) expect(() => verified(own, key)).toThrow(/signature/i);
    for (const key of ALICE_KEYS) expect(() => verified(operators, key)).toThrow(/signature/i);
  });

  test('and its delivery is shown to its client only', async () => {
    const known = await delivered(id, 1);
    const { at } = known[0]!;
    const webhook_id = own.headers['webhook-id'];
    expect(known).toEqual([{ at, webhook_id, attempt: 1, status: 204, next_attempt_at: null }]);
    expect(Math.abs(at * 1000 - own.at)).toBeLessThan(10_000);
    for (const [client, status] of [
      [carol, 404],
      [service, 401],
    ] as const)
      expect((await client.fetch(`/v1/videos/${id}/deliveries`)).status).toBe(status);
    expect((await alice.fetch(`/v1/videos/vid_${'a'.repeat(40)}/deliveries`)).status).toBe(404);
  });
});

test('another client’s message has its own signature', async () => {
  const prompt = 'a letter in another envelope';
  await submitted(prompt, carol);
  const [told] = (await receiver.deliveriesFor(prompt)) as [Delivery];
  expect(verified(told, CAROL_KEY).type).toBe('video.completed');
  for (const key of ALICE_KEYS) expect(() => verified(told, key)).toThrow(/signature/i);
});

test('a form has the field too', async () => {
  const prompt = 'a letter on a form';
  const answer = await submitForm(alice, [
    { name: 'prompt', value: prompt },
    { name: 'callback_url', value: callback_url },
  ]);
  expect(answer.status).toBe(202);
  const [told] = (await receiver.deliveriesFor(prompt)) as [Delivery];
  expect(verified(told, ALICE_KEYS[0]!).type).toBe('video.completed');
});

describe('the two addresses are independent:', () => {
  test('410 from one does not stop the other', async () => {
    const prompt = 'a letter to a house that is gone';
    receiver.script(prompt, [410]);
    operator.script(prompt, [500, 204]);
    const { id } = await submitted(prompt);
    await operator.deliveriesFor(prompt, 2);
    expect(await deliveries(id)).toMatchObject([{ status: 410, next_attempt_at: null }]);
    expect(receiver.of(prompt)).toHaveLength(1);
  });

  test('errors of one are tried again there only', async () => {
    const prompt = 'a letter that is sent again';
    receiver.script(prompt, [500, [302, { location: '/elsewhere' }], 204]);
    const { id } = await submitted(prompt);
    const waiting = await delivered(id, 1);
    expect(waiting[0]?.next_attempt_at).toBeGreaterThanOrEqual(waiting[0]!.at);
    // The object forgets what it does not store.
    await service.evict(id);
    const tries = await receiver.deliveriesFor(prompt, 3);
    const ids = new Set(tries.map(({ headers }) => headers['webhook-id']));
    expect(ids.size).toBe(1);
    for (const told of tries) expect(verified(told, ALICE_KEYS[1]!).data.id).toBe(id);
    expect(await delivered(id, 3)).toMatchObject([
      { attempt: 1, status: 500, next_attempt_at: null },
      { attempt: 2, status: 302, next_attempt_at: null },
      { attempt: 3, status: 204, next_attempt_at: null },
    ]);
    expect(operator.of(prompt)).toHaveLength(1);
  });
});

test('nothing more is sent after the video was deleted', async () => {
  const prompt = 'a letter that is called back';
  receiver.script(prompt, [500, 500, 500, 500]);
  const { id } = await submitted(prompt);
  await receiver.deliveriesFor(prompt);
  expect((await alice.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
  const count = receiver.of(prompt).length;
  expect((await alice.fetch(`/v1/videos/${id}/deliveries`)).status).toBe(404);
  // A later video gets two deliveries in the time that one more try would take.
  const later = 'a letter that is sent after it';
  receiver.script(later, [500]);
  await submitted(later);
  await receiver.deliveriesFor(later, 2);
  expect(receiver.of(prompt)).toHaveLength(count);
});

test('an Idempotency-Key with another callback_url is another request', async () => {
  const prompt = 'a letter with a wrong address';
  const key = 'one-key-for-two-addresses';
  expect((await alice.submit({ prompt, callback_url }, key)).status).toBe(202);
  expect((await alice.submit({ prompt, callback_url }, key)).status).toBe(202);
  for (const body of [{ prompt }, { prompt, callback_url: `${callback_url}&c=d` }])
    await expectProblem(await alice.submit(body, key), [422, 'idempotency_key_reused']);
});

describe('without a secret a callback_url is refused', () => {
  test('for a client without webhook_secret', async () => {
    const answer = await service.as(BOB).submit({ prompt: 'an unsigned letter', callback_url });
    const found = await expectProblem(answer, [400, 'invalid_parameter']);
    expect(messageFor(found, 'callback_url')).toMatch(/must set your webhook_secret/);
    await service.as(BOB).accepted({ prompt: 'a letter without an address', callback_url: null });
  });

  test('without clients: if NOTIFY_SECRET is not set; otherwise it signs', async () => {
    const prompt = 'a letter from nobody';
    const open = async (secrets: Record<string, string>, use: (open: Service) => Promise<void>) => {
      const options = { secrets, sim: { speed: 600 } };
      const started = await startWrapped('public-receivers-worker.js', options);
      await use(started).finally(() => started.close());
    };
    await open({}, async (unsigned) => {
      const found = await expectProblem(await unsigned.submit({ prompt, callback_url }), [
        400,
        'invalid_parameter',
      ]);
      expect(messageFor(found, 'callback_url')).toMatch(/NOTIFY_SECRET/);
    });
    await open({ NOTIFY_SECRET }, async (signed) => {
      await signed.accepted({ prompt, callback_url });
      const [told] = (await receiver.deliveriesFor(prompt)) as [Delivery];
      expect(Object.keys(verified(told, NOTIFY_SECRET).data)).not.toContain('client');
    });
  });
});

test('the callback_url is in no answer, record, log line or other message', async () => {
  const { data } = (await (await alice.fetch('/v1/videos?limit=100')).json()) as { data: Video[] };
  const { keys } = await service.bindings.TASKS.list();
  const records = await Promise.all(keys.map(({ name }) => service.bindings.TASKS.get(name)));
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
  const inspected = await Promise.all(
    data.map(async ({ id }) => (await service.fetch(`/operator/videos/${id}`, { headers })).text()),
  );
  const messages = data.flatMap(({ prompt }) => [...operator.of(prompt), ...receiver.of(prompt)]);
  const texts = [
    ...[...answers, JSON.stringify(data), ...records.map(String), ...inspected, ...service.logs()],
    ...messages.map(({ body }) => body),
  ];
  expect(texts.length).toBeGreaterThan(30);
  expect(texts.filter((text) => text.includes(SECRET_PATH) || text.includes('receiver-'))).toEqual([]);
});
