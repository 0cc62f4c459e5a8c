// The operator's endpoints open to the operator's token only, say nothing without it, and limit guesses.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem, NOT_FOUND, type Refusal } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';

const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';
const UNAUTHORIZED: Refusal = [401, 'unauthorized'];
const RATE_LIMITED: Refusal = [429, 'rate_limited'];
/** Wrong tokens of one address that are answered in a minute. */
const ALLOWED = 10;
/** More than two minutes allow, because the test may meet the end of a minute. */
const GUESSES = 2 * ALLOWED + 2;

let service: Service;
/** One that exists, and one that does not. */
let ids: string[];
beforeAll(async () => {
  service = await startService({ secrets: { CLIENT_TOKENS, OPERATOR_TOKEN }, sim: { speed: 600 } });
  const { id } = await service.as(ALICE).accepted({ prompt: 'a locked drawer' });
  await service.as(ALICE).ended(id);
  ids = [id, `vid_${'a'.repeat(40)}`];
});
afterAll(() => service?.close());

const PATHS: [method: string, path: (id: string) => string][] = [
  ['GET', () => '/operator/videos'],
  ['HEAD', () => '/operator/videos'],
  ['GET', () => '/operator/videos?client=alice'],
  ['GET', () => '/operator/videos?client=a%20b'],
  ['GET', (id) => `/operator/videos/${id}`],
  ['GET', (id) => `/operator/videos/${id}/content`],
  ['GET', () => '/operator/usage?from=x'],
  ['POST', (id) => `/operator/videos/${id}/redrive`],
  ['POST', () => '/operator/webhook-test'],
];

describe.each(PATHS)('%s %s', (method, path) => {
  test('without a token is 401 as often as it is sent, whether the video exists or not', async () => {
    for (let time = 0; time < GUESSES; time++) {
      const answers = await Promise.all(ids.map((id) => service.fetch(path(id), { method })));
      for (const answer of answers) {
        expect(answer.status).toBe(401);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
        if (method !== 'HEAD') await expectProblem(answer, UNAUTHORIZED);
      }
    }
  });
});

test.each([
  ['a client', ALICE],
  ['another client', BOB],
  ['a token that starts like the right one', OPERATOR_TOKEN.slice(0, -1)],
  ['a token that goes on after the right one', `${OPERATOR_TOKEN}0`],
])('the token of %s opens nothing', async (_, token) => {
  const answer = await service.as(token).fetch('/operator/videos');
  expect([401, 429]).toContain(answer.status);
});

test('the token of the operator is none of a client', async () => {
  const operator = service.as(OPERATOR_TOKEN);
  await expectProblem(await operator.submit({ prompt: 'a drawer of the operator' }), UNAUTHORIZED);
  await expectProblem(await operator.fetch('/v1/videos'), UNAUTHORIZED);
  await expectProblem(await operator.fetch(`/v1/videos/${ids[0]}`), UNAUTHORIZED);
});

test('without OPERATOR_TOKEN the endpoints do not exist', async () => {
  const open = await startService();
  for (const [method, path] of PATHS) {
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
    const answer = await open.fetch(path(ids[0]!), { method, headers });
    expect(answer.status, `${method} ${path('…')}`).toBe(404);
    if (method !== 'HEAD') await expectProblem(answer, NOT_FOUND);
  }
  await open.close();
});

test('wrong tokens are limited to ten a minute, right ones are not', async () => {
  const limited = await startService({ secrets: { OPERATOR_TOKEN } });
  const statuses: number[] = [];
  for (let guess = 0; guess < GUESSES; guess++) {
    const answer = await limited.as(`wrong-token-${guess}`).fetch('/operator/videos');
    statuses.push(answer.status);
    await expectProblem(answer, answer.status === 429 ? RATE_LIMITED : UNAUTHORIZED);
    if (answer.status === 429) expect(answer.headers.get('retry-after')).toBe('60');
  }
  expect(statuses.slice(0, ALLOWED)).toEqual(Array(ALLOWED).fill(401));
  expect(statuses).toContain(429);
  for (let time = 0; time < GUESSES; time++)
    expect((await limited.as(OPERATOR_TOKEN).fetch('/operator/videos')).status).toBe(200);
  await limited.close();
});
