// The operator's webhook, verified with the library of the standard: signature, retries and their end.
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../../scripts/shared/worker-process.ts';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { startDirect } from '../support/direct.ts';
import { expectProblem } from '../support/refusals.ts';
import { storedSample } from '../support/sample.ts';
import { type Service, startService } from '../support/service.ts';
import { SIGNING_KEY } from '../support/settings.ts';
import { isVideoStored, storedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import {
  type Delivery,
  type messageOf,
  type Reply,
  startWebhookReceiver,
  type WebhookReceiver,
} from './webhook-receiver.ts';

const NOTIFY_SECRET = `whsec_${Buffer.from('thirty-two bytes to be kept dark').toString('base64')}`;
const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';
const secrets = { NOTIFY_SECRET, OPERATOR_TOKEN };
/** Longer than the timeout for a receiver's answer. */
const SILENCE_MS = 12_000;
const TEST_LADDER = '0.2,0.3,0.4';
const USER_AGENT = /^hailuo-worker\/\d+\.\d+\.\d+$/;

interface Inspection {
  video: Video;
  deliveries: { at: number; webhook_id: string; status?: number; error?: string }[];
  next_delivery_at: number | null;
}

let receiver: WebhookReceiver;
let service: Service;
let alice: Service;
beforeAll(async () => {
  receiver = await startWebhookReceiver();
  service = await startService({
    vars: { NOTIFY_URL: receiver.url, NOTIFY_SECONDS: TEST_LADDER, COPY_DEADLINE_SECONDS: '1' },
    secrets: { ...secrets, CLIENT_TOKENS },
    sim: { speed: 600 },
  });
  alice = service.as(ALICE);
});
afterAll(async () => {
  await service.close();
  await receiver.close();
});

const webhook = new Webhook(NOTIFY_SECRET);

/** The library's verdict: an error, or the message. */
function verified({ body, headers }: Delivery) {
  const message = webhook.verify(body, headers) as ReturnType<typeof messageOf>;
  const leaked = [...service.sim.secrets(), SIGNING_KEY].filter((secret) => secret && body.includes(secret));
  expect(leaked).toEqual([]);
  return message;
}

async function inspect(id: string, of = service): Promise<Inspection> {
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
  const answer = await of.fetch(`/operator/videos/${id}`, { headers });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Inspection;
}

/** Waits until this many deliveries are recorded and no further one is scheduled. */
async function settled(id: string, of = service, attempts = 1): Promise<Inspection> {
  const isSettled = async () => {
    const inspection = await inspect(id, of);
    return inspection.deliveries.length >= attempts && inspection.next_delivery_at === null && inspection;
  };
  return (await vi.waitUntil(isSettled, { timeout: 30_000, interval: 50 })) as Inspection;
}

/** A video whose content anyone with the link can play; the link is renewed regularly. */
function withoutGrant(video: Video): Video {
  const [content, download] = [video.urls.content, video.urls.download].map(
    (link) => link?.replace(/grant=\w+/, '') ?? null,
  ) as [string | null, string | null];
  if (video.status === 'completed') expect(content).not.toBe(video.urls.content);
  return { ...video, urls: { ...video.urls, content, download } };
}

describe.concurrent('a signed webhook with the owner’s Video is sent for an ending:', () => {
  async function deliveredFor(prompt: string, status: Video['status'], act = async (_video: Video) => {}) {
    const { id } = await alice.accepted({ prompt });
    await act(await alice.video(id));
    const video = await alice.ended(id);
    expect(video.status).toBe(status);
    const [first] = await receiver.deliveriesFor(prompt);
    const message = verified(first!);
    expect({ ...message, data: withoutGrant(message.data) }).toEqual({
      id: first?.headers['webhook-id'],
      object: 'event',
      type: `video.${status}`,
      created_at: video.completed_at,
      timestamp: new Date((video.completed_at ?? 0) * 1000).toISOString(),
      data: { ...withoutGrant(video), client: 'alice' },
    });
    const headers = { 'content-type': 'application/json', 'user-agent': expect.stringMatching(USER_AGENT) };
    expect(first).toMatchObject({ path: '/hook', headers });
    expect(Math.abs(Number(first?.headers['webhook-timestamp']) * 1000 - first!.at)).toBeLessThan(10_000);
    const { deliveries } = await settled(id);
    expect(deliveries).toMatchObject([{ webhook_id: first?.headers['webhook-id'], status: 204 }]);
    expect(receiver.of(prompt)).toHaveLength(1);
    return message;
  }

  test('completed', async () => {
    const { data } = await deliveredFor('a bell that rings', 'completed');
    const content = await fetch(data.urls.content!);
    expect((await content.arrayBuffer()).byteLength).toBe(storedSample.size);
  });

  test('failed', async () => {
    service.sim.script('a cracked bell', { task: { pexit: '1' } });
    expect((await deliveredFor('a cracked bell', 'failed')).data.error?.code).toBe('generation_failed');
  });

  test('cancelled', async () => {
    service.sim.script('a muffled bell', { holdAt: 'task_start' });
    await deliveredFor('a muffled bell', 'cancelled', async ({ id }) => void (await alice.cancel(id)));
  });
});

describe('a redriven video sends another webhook', () => {
  async function toldAgain(prompt: string, replies: Reply[], isReady: (id: string) => Promise<unknown>) {
    service.sim.script(prompt, { cdn: Array(100).fill({ kind: 'status', status: 503 }) });
    receiver.script(prompt, replies);
    const { id } = await alice.accepted({ prompt });
    const [first] = await receiver.deliveriesFor(prompt);
    expect(verified(first!).type).toBe('video.failed');
    await isReady(id);
    service.sim.clearScripts();
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
    const redriven = await service.fetch(`/operator/videos/${id}/redrive`, { method: 'POST', headers });
    expect(redriven.status).toBe(202);
    const [, second] = await receiver.deliveriesFor(prompt, 2);
    expect(verified(second!).type).toBe('video.completed');
    const ids = [first, second].map((delivery) => delivery?.headers['webhook-id']);
    expect(ids[0]).not.toBe(ids[1]);
    const { deliveries } = await settled(id, service, 2);
    expect(deliveries.map(({ webhook_id }) => webhook_id)).toEqual(ids);
    return deliveries;
  }

  test('after the first was delivered', async () => {
    const deliveries = await toldAgain('a bell that was mended', [204], (id) => settled(id));
    expect(deliveries).toMatchObject([{ status: 204 }, { status: 204 }]);
  });

  test('while the first is waiting for the receiver, which is recorded as cancelled', async () => {
    const deliveries = await toldAgain('a bell mended in a hurry', ['silence'], async () => {});
    expect(deliveries).toMatchObject([{ error: 'cancelled before the receiver answered' }, { status: 204 }]);
  });
});

describe('the signature of a real delivery', () => {
  const MINUTE_MS = 60_000;
  let delivery: Delivery;
  beforeAll(async () => {
    const prompt = 'a bell with an echo';
    await alice.accepted({ prompt });
    [delivery] = (await receiver.deliveriesFor(prompt)) as [Delivery];
  });

  /** The library's verdict when it verifies the message this much later. */
  function verify({ body, headers }: Pick<Delivery, 'body' | 'headers'>, laterMs = 0, by = webhook) {
    vi.useFakeTimers({ now: delivery.at + laterMs, toFake: ['Date'] });
    try {
      return by.verify(body, headers);
    } finally {
      vi.useRealTimers();
    }
  }

  test('is valid soon after it was sent', () => {
    for (const laterMs of [0, 4.5 * MINUTE_MS, -4.5 * MINUTE_MS])
      expect(verify(delivery, laterMs)).toMatchObject({ type: 'video.completed' });
  });

  test('is invalid with an old or a future time', () => {
    for (const laterMs of [5.5 * MINUTE_MS, 60 * MINUTE_MS, 24 * 60 * MINUTE_MS])
      expect(() => verify(delivery, laterMs)).toThrow(/too old/);
    expect(() => verify(delivery, -5.5 * MINUTE_MS)).toThrow(/too new/);
  });

  const rows: [string, (delivery: Delivery) => Pick<Delivery, 'body' | 'headers'>, number?][] = [
    ['altered', ({ body, headers }) => ({ body: body.replace('completed', 'cancelled'), headers })],
    ['written anew', ({ body, headers }) => ({ body: `${body} `, headers })],
    ['of another id', ({ body, headers }) => ({ body, headers: { ...headers, 'webhook-id': 'evt_other' } })],
    ['old, with a new time', renewed, 10 * MINUTE_MS],
    ['unsigned', ({ body, headers }) => ({ body, headers: { ...headers, 'webhook-signature': 'v1,' } })],
  ];
  test.each(rows)('is invalid if it is %s', (_name, change, laterMs = 0) => {
    expect(() => verify(change(delivery), laterMs)).toThrow(/signature/i);
  });

  function renewed({ at, body, headers }: Delivery) {
    const timestamp = `${Math.floor((at + 10 * MINUTE_MS) / 1000)}`;
    return { body, headers: { ...headers, 'webhook-timestamp': timestamp } };
  }

  test('is invalid with another key', () => {
    const other = new Webhook(`whsec_${Buffer.from('thirty-two bytes of another kind').toString('base64')}`);
    expect(() => verify(delivery, 0, other)).toThrow(/signature/i);
  });
});

describe.concurrent('a delivery is retried after', () => {
  const troubles: [string, Reply, object][] = [
    ['500', 500, { status: 500 }],
    ['404', 404, { status: 404 }],
    ['429 with Retry-After', [429, { 'retry-after': '2' }], { status: 429 }],
    ['a redirect, which is not followed', [302, { location: '/elsewhere' }], { status: 302 }],
    ['another redirect', [308, { location: '/elsewhere' }], { status: 308 }],
    ['a broken connection', 'reset', { error: 'the connection was refused or lost' }],
    ['no answer', 'silence', { error: 'no answer within 10 s' }],
  ];

  test.each(troubles)('%s', async (name, trouble, known) => {
    const prompt = `a bell sent again after ${name}`;
    receiver.script(prompt, [trouble]);
    const { id } = await alice.accepted({ prompt });
    const [first] = await receiver.deliveriesFor(prompt);
    expect((await alice.video(id)).status).toBe('completed');
    // A request for the video does not wait for the receiver.
    if (trouble === 'silence') expect(first?.isBrokenOff).toBe(false);
    const attempts = await receiver.deliveriesFor(prompt, 2, SILENCE_MS + 5000);
    for (const one of attempts) expect(verified(one).type).toBe('video.completed');
    const [webhook_id] = attempts.map(({ headers }) => headers['webhook-id']);
    expect((await settled(id)).deliveries).toMatchObject([
      { webhook_id, ...known },
      { webhook_id, status: 204 },
    ]);
    expect(attempts.map(({ path, headers }) => [path, headers['webhook-id']])).toEqual([
      ['/hook', webhook_id],
      ['/hook', webhook_id],
    ]);
    expect(receiver.of(prompt)).toHaveLength(2);
    const waited = (attempts[1]?.at ?? 0) - (attempts[0]?.at ?? 0);
    expect(waited).toBeGreaterThanOrEqual(Array.isArray(trouble) && trouble[0] === 429 ? 2000 : 200);
  });

  test('a refused connection', async () => {
    const port = await freePort();
    const vars = { NOTIFY_URL: `http://127.0.0.1:${port}/hook`, NOTIFY_SECONDS: '0.5,1,1,1,1,1,2,4,8' };
    const lonely = await startService({ vars, secrets, sim: { speed: 600 } });
    const prompt = 'a bell in an empty house';
    const { id } = await lonely.accepted({ prompt });
    const error = 'the connection was refused or lost';
    await vi.waitUntil(async () => (await inspect(id, lonely)).deliveries.length > 0, { timeout: 30_000 });
    const late = await startWebhookReceiver(port);
    try {
      const [first] = await late.deliveriesFor(prompt);
      expect(verified(first!).data.urls.self).toBe(`${lonely.origin}/v1/videos/${id}`);
      const { deliveries } = await settled(id, lonely);
      const webhook_id = first?.headers['webhook-id'];
      expect(deliveries.at(0)).toMatchObject({ webhook_id, error });
      expect(deliveries.at(-1)).toMatchObject({ webhook_id, status: 204 });
    } finally {
      await lonely.close();
      await late.close();
    }
  });
});

describe.concurrent('deliveries stop', () => {
  test('when the receiver answers 410', async () => {
    const prompt = 'a bell that nobody wants';
    receiver.script(prompt, [500, 410]);
    const { id } = await alice.accepted({ prompt });
    await receiver.deliveriesFor(prompt, 2);
    expect((await settled(id)).deliveries.map(({ status }) => status)).toEqual([500, 410]);
    expect(receiver.of(prompt)).toHaveLength(2);
  });

  test('at the end of the schedule', async () => {
    const prompt = 'a bell that nobody hears';
    receiver.script(prompt, Array(10).fill(503));
    const { id } = await alice.accepted({ prompt });
    await receiver.deliveriesFor(prompt, 4);
    expect((await settled(id)).deliveries.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    expect(receiver.of(prompt)).toHaveLength(4);
  });

  test('when the video is deleted, which does not wait for the receiver', async () => {
    const prompt = 'a bell that was melted down';
    receiver.script(prompt, Array(10).fill('silence'));
    const { id } = await alice.accepted({ prompt });
    const [first] = await receiver.deliveriesFor(prompt);
    expect((await alice.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    const isGone = async () => !(await isVideoStored(service, id)) && !(await storedRecord(service, id));
    await vi.waitUntil(isGone, { timeout: SILENCE_MS, interval: 20 });
    await vi.waitUntil(() => first?.isBrokenOff, { timeout: SILENCE_MS, interval: 20 });
    // The delivery was cancelled; it did not time out.
    const isLogged = (line: string) =>
      line.includes(id) && line.includes('cancelled before the receiver answered');
    await vi.waitUntil(() => service.logs().some(isLogged), { timeout: SILENCE_MS });
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
    expect((await service.fetch(`/operator/videos/${id}`, { headers })).status).toBe(410);
    expect(receiver.of(prompt)).toHaveLength(1);
  });
});

test('a delivery that a restart interrupted is repeated', async () => {
  const vars = { NOTIFY_URL: receiver.url, NOTIFY_SECONDS: TEST_LADDER };
  const mortal = await startDirect({ vars, secrets, sim: { speed: 600 } });
  try {
    const prompt = 'a bell heard twice';
    receiver.script(prompt, ['silence']);
    const { id } = await mortal.accepted({ prompt });
    const [first] = await receiver.deliveriesFor(prompt);
    await mortal.dev.kill('SIGKILL');
    await mortal.dev.start();
    const [, second] = await receiver.deliveriesFor(prompt, 2, 30_000);
    expect(verified(second!)).toMatchObject({ type: 'video.completed', data: { id } });
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect((await settled(id, mortal)).deliveries).toMatchObject([{ status: 204 }]);
  } finally {
    await mortal.close();
  }
});

describe('an eviction between two attempts', () => {
  test('does not lose the next attempt', async () => {
    const vars = { NOTIFY_URL: receiver.url, NOTIFY_SECONDS: '6' };
    const forgetful = await startService({ vars, secrets, sim: { speed: 600 } });
    try {
      const prompt = 'a bell that fell asleep';
      receiver.script(prompt, [500]);
      const { id } = await forgetful.accepted({ prompt });
      await vi.waitUntil(async () => (await inspect(id, forgetful)).deliveries.length > 0, {
        timeout: 30_000,
      });
      await forgetful.evict(id);
      expect(receiver.of(prompt)).toHaveLength(1);
      await receiver.deliveriesFor(prompt, 2);
      const { deliveries } = await settled(id, forgetful);
      expect(deliveries.map(({ status }) => status)).toEqual([500, 204]);
    } finally {
      await forgetful.close();
    }
  });

  test('sends nothing without NOTIFY_URL', async () => {
    const quiet = await startService({ secrets, sim: { speed: 600 } });
    try {
      const { id } = await quiet.accepted({ prompt: 'a bell without a clapper' });
      const video = await quiet.ended(id);
      expect(await inspect(id, quiet)).toMatchObject({ video, deliveries: [], next_delivery_at: null });
    } finally {
      await quiet.close();
    }
  });
});

test('only the operator sees the deliveries', async () => {
  const { id } = await alice.accepted({ prompt: 'a bell behind a door' });
  for (const token of ['', 'x', ALICE, OPERATOR_TOKEN.toUpperCase()]) {
    const headers = { authorization: `Bearer ${token}` };
    await expectProblem(await service.fetch(`/operator/videos/${id}`, { headers }), [401, 'unauthorized']);
  }
  const operator = service.as(OPERATOR_TOKEN);
  await expectProblem(await operator.fetch(`/operator/videos/vid_${'a'.repeat(40)}`), [404, 'not_found']);
  await expectProblem(await operator.fetch('/operator/videos/vid_x'), [404, 'not_found']);
  const without = await startService();
  try {
    const answer = await without.as(OPERATOR_TOKEN).fetch(`/operator/videos/${id}`);
    await expectProblem(answer, [404, 'not_found']);
  } finally {
    await without.close();
  }
});
