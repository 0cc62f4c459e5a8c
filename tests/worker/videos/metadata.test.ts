// The metadata of a submit: in the Video, lists and webhooks, and in no log line; as JSON and in forms.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { messageOf, startWebhookReceiver, type WebhookReceiver } from '../operator/webhook-receiver.ts';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, INVALID_PARAMETER } from '../support/refusals.ts';
import { type Part, submitForm } from '../support/requests/bodies.ts';
import { type Service, startService } from '../support/service.ts';
import type { List, Video } from '../support/types.ts';

const NOTIFY_SECRET = `whsec_${Buffer.from('thirty-two bytes to be kept dark').toString('base64')}`;
/** The most that is allowed, in characters of four bytes. */
const LARGEST = Object.fromEntries(
  Array.from({ length: 16 }, (_, index) => [
    String.fromCodePoint(0x1f300 + index).repeat(64),
    '🎞'.repeat(512),
  ]),
);
const PAIRS = { order: 'number-5d1c94e7', 'a "key"]': 'a\nvalue,"urls":{}' };

let receiver: WebhookReceiver;
let service: Service;
let alice: Service;
beforeAll(async () => {
  receiver = await startWebhookReceiver();
  service = await startService({
    vars: { NOTIFY_URL: receiver.url },
    secrets: { NOTIFY_SECRET, CLIENT_TOKENS },
    sim: { speed: 600 },
  });
  alice = service.as(ALICE);
});
afterAll(async () => {
  await service?.close();
  await receiver?.close();
});

async function expectKept(answer: Response, metadata: Record<string, string>): Promise<void> {
  const video = (await answer.json()) as Video;
  expect(answer.status, JSON.stringify(video)).toBe(202);
  expect(video.metadata).toEqual(metadata);
  const ended = await alice.ended(video.id);
  expect(ended.metadata).toEqual(metadata);
  const { data } = (await (await alice.fetch('/v1/videos')).json()) as List;
  expect(data.find(({ id }) => id === video.id)?.metadata).toEqual(metadata);
  const told = await receiver.deliveriesFor(video.prompt);
  expect(messageOf(told[0]!).data.metadata).toEqual(metadata);
}

describe('metadata is kept', () => {
  test('of JSON', async () => {
    await expectKept(await alice.submit({ prompt: 'a label in JSON', metadata: PAIRS }), PAIRS);
  });

  test('of a form with a field for each pair', async () => {
    const parts: Part[] = [{ name: 'prompt', value: 'a label on a form' }];
    const kept = { order: 'number-5d1c94e7', note: 'in two\nlines' };
    for (const [key, value] of Object.entries(kept)) parts.push({ name: `metadata[${key}]`, value });
    await expectKept(await submitForm(alice, parts), kept);
  });

  test('of a form with all pairs as JSON', async () => {
    const parts = [
      { name: 'prompt', value: 'labels on a form' },
      { name: 'metadata', value: JSON.stringify(PAIRS) },
    ];
    await expectKept(await submitForm(alice, parts), PAIRS);
  });

  test.each(['JSON', 'a form'])('of the largest size, in %s', async (how) => {
    const prompt = `the largest labels in ${how}`;
    const parts = Object.entries(LARGEST).map(([key, value]) => ({ name: `metadata[${key}]`, value }));
    const answer =
      how === 'JSON'
        ? await alice.submit({ prompt, metadata: LARGEST })
        : await submitForm(alice, [{ name: 'prompt', value: prompt }, ...parts]);
    await expectKept(answer, LARGEST);
  });
});

test.each([
  ['17 pairs', Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, 'v'])), /16 pairs/],
  ['a key of 65 characters', { ['k'.repeat(65)]: 'v' }, /64 characters/],
  ['an empty key', { '': 'v' }, /1 to 64/],
  ['a value of 513 characters', { k: 'v'.repeat(513) }, /512 characters/],
  ['a number', { k: 7 }, /strings/],
  ['an object', { k: {} }, /strings/],
  ['a list', ['k'], /object/],
])('metadata with %s is refused', async (_name, metadata, message) => {
  const found = await expectProblem(
    await alice.submit({ prompt: 'a bad label', metadata }),
    INVALID_PARAMETER,
  );
  expect(found.errors).toEqual([{ field: 'metadata', message: expect.stringMatching(message) }]);
});

test('metadata is in no log line', () => {
  const lines = service.logs();
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter((line) => /number-5d1c94e7|🎞|in two/.test(line))).toEqual([]);
});
