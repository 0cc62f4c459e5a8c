// Clients at run time: made, rotated, limited and removed through the API, beside those of CLIENT_TOKENS.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB } from '../support/clients.ts';
import { expectProblem, fieldNames, INVALID_PARAMETER, NOT_FOUND } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';
import { startWrapped } from '../support/wrapped.ts';
import { type Client, clientNamed, makeClient, OPERATOR_TOKEN, operate, operated } from './operator.ts';

const keyOf = (bytes: string) => `whsec_${Buffer.from(bytes).toString('base64')}`;
const ALICE_KEY = keyOf('the only key of the client alice');
const CLIENT_TOKENS = JSON.stringify({
  alice: { token: ALICE, daily_usd: '5.00', webhook_secret: ALICE_KEY },
  bob: [BOB, 'bob-old-token-09be37d6f81a'],
});
const UNAUTHORIZED = [401, 'unauthorized'] as const;
const CONFLICT = [409, 'conflict'] as const;

const status = async (client: Service) => (await client.fetch('/v1/videos')).status;

describe('beside the clients of the settings', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({
      secrets: { CLIENT_TOKENS, OPERATOR_TOKEN },
      sim: { speed: 600 },
    });
  });
  afterAll(() => service?.close());

  test('the list has both, with what they may and what they have spent', async () => {
    const alice = { paused: false, max_active: null, reserved_usd: '0.00', active: 0, created_at: null };
    const list = await operated<object>(service, 'GET', 'clients');
    expect(list).toMatchObject({
      object: 'list',
      paused: false,
      data: [
        {
          ...alice,
          name: 'alice',
          source: 'settings',
          daily_usd: '5.00',
          has_webhook_secret: true,
          tokens: 1,
        },
        { ...alice, name: 'bob', source: 'settings', daily_usd: null, has_webhook_secret: false, tokens: 2 },
      ],
    });
    const carol = await makeClient(service, 'carol', { daily_usd: 2.5, max_active: 3 });
    const { id } = await carol.accepted({ prompt: 'a list of who may what' });
    await carol.ended(id);
    await expect
      .poll(() => clientNamed(service, 'carol'))
      .toEqual({
        ...{ name: 'carol', source: 'operator', daily_usd: '2.50', max_active: 3, paused: false },
        ...{ has_webhook_secret: false, tokens: 1, created_at: expect.any(Number) },
        ...{ spent_today_usd: '0.28', reserved_usd: '0.00', active: 0 },
      });
    expect(await status(service.as(ALICE))).toBe(200);
  });

  test('a token is shown once, and only its hash is stored', async () => {
    const created = await operated<Client & { token: string }>(
      service,
      'POST',
      'clients',
      { name: 'dave/1@example.com' },
      201,
    );
    const { token, ...client } = created;
    expect(token).toMatch(/^hailuo_[a-z2-7]{32}$/);
    expect(await clientNamed(service, 'dave/1@example.com')).toEqual(client);
    const stored = JSON.stringify(await operated<object>(service, 'GET', 'clients'));
    expect(stored).not.toContain(token);
    expect(stored).not.toContain(createHash('sha256').update(token).digest('hex'));
    expect(await status(service.as(token))).toBe(200);
    for (const wrong of [token.slice(0, -1), `${token}a`, token.toUpperCase(), 'hailuo_']) {
      expect(await status(service.as(wrong)), wrong).toBe(401);
    }
    const path = `clients/${encodeURIComponent('dave/1@example.com')}`;
    expect(await operated(service, 'PATCH', path, { max_active: '4' })).toEqual({ ...client, max_active: 4 });
  });

  test('a rotated token stays valid for a day, or is refused at once', async () => {
    const first = await makeClient(service, 'erin');
    const { token, ...client } = await operated<Client & { token: string }>(
      service,
      'POST',
      'clients/erin/rotate',
    );
    expect(client).toMatchObject({ name: 'erin', tokens: 2 });
    const second = service.as(token);
    expect([await status(first), await status(second)]).toEqual([200, 200]);
    const leaked = { keep_old_seconds: 0 };
    const third = await operated<Client & { token: string }>(service, 'POST', 'clients/erin/rotate', leaked);
    expect(third.tokens).toBe(1);
    expect([await status(first), await status(second)]).toEqual([401, 401]);
    expect(await status(service.as(third.token))).toBe(200);
    await expectProblem(await operate(service, 'POST', 'clients/nobody/rotate'), NOT_FOUND);
    await expectProblem(await operate(service, 'POST', 'clients/alice/rotate'), CONFLICT);
    for (const keep_old_seconds of [-1, 1.5, 'long', 2_592_001]) {
      const answer = await operate(service, 'POST', 'clients/erin/rotate', { keep_old_seconds });
      const problem = await expectProblem(answer, INVALID_PARAMETER);
      expect(fieldNames(problem)).toEqual(['keep_old_seconds']);
    }
  });

  test('a removed client is refused, and its videos belong to nobody else', async () => {
    const frank = await makeClient(service, 'frank');
    const { id } = await frank.accepted({ prompt: 'what is left of frank' });
    expect(await operated(service, 'DELETE', 'clients/frank')).toEqual({ name: 'frank', deleted: true });
    expect(await status(frank)).toBe(401);
    expect(await clientNamed(service, 'frank')).toBeUndefined();
    await expectProblem(await operate(service, 'DELETE', 'clients/frank'), NOT_FOUND);
    expect((await service.as(ALICE).fetch(`/v1/videos/${id}`)).status).toBe(404);
    // The name again is the same owner again.
    const again = await makeClient(service, 'frank');
    expect((await again.video(id)).id).toBe(id);
    await again.ended(id);
  });

  test('a client of the settings can be limited, but its tokens stay in the settings', async () => {
    await expectProblem(await operate(service, 'POST', 'clients', { name: 'alice' }), CONFLICT);
    await expectProblem(await operate(service, 'DELETE', 'clients/alice'), CONFLICT);
    const alice = service.as(ALICE);
    const usage = async () =>
      ((await (await alice.fetch('/v1/usage')).json()) as { limit_usd: string }).limit_usd;
    expect(await usage()).toBe('5.00');
    expect(await operated(service, 'PATCH', 'clients/alice', { daily_usd: '0.30' })).toMatchObject({
      ...{ source: 'settings', daily_usd: '0.30', tokens: 1, created_at: null },
    });
    expect(await usage()).toBe('0.30');
    const { id } = await alice.accepted({ prompt: 'the one that alice can afford' });
    const refused = await alice.submit({ prompt: 'the one that she cannot afford' });
    await expectProblem(refused, [429, 'budget_exhausted']);
    expect(await operated(service, 'PATCH', 'clients/alice', { daily_usd: null })).toMatchObject({
      daily_usd: '5.00',
    });
    expect(await usage()).toBe('5.00');
    await alice.ended(id);
  });

  test('wrong members are refused by name, and the name must be free', async () => {
    const wrong = {
      name: 'a:b',
      daily_usd: '-1',
      max_active: 0,
      paused: 'perhaps',
      webhook_secret: 'x',
      token: 'y',
    };
    const problem = await expectProblem(await operate(service, 'POST', 'clients', wrong), INVALID_PARAMETER);
    expect(fieldNames(problem).toSorted()).toEqual(Object.keys(wrong).toSorted());
    const patch = await operate(service, 'PATCH', 'clients/bob', { name: 'robert' });
    expect(fieldNames(await expectProblem(patch, INVALID_PARAMETER))).toEqual(['name']);
    await makeClient(service, 'gina', { webhook_secret: keyOf('the only key of the client gina.') });
    await expectProblem(await operate(service, 'POST', 'clients', { name: 'gina' }), CONFLICT);
    // A client could sign for another one.
    for (const webhook_secret of [ALICE_KEY, keyOf('the only key of the client gina.')]) {
      const answer = await operate(service, 'PATCH', 'clients/bob', { webhook_secret });
      expect(fieldNames(await expectProblem(answer, INVALID_PARAMETER))).toEqual(['webhook_secret']);
    }
    await expectProblem(await operate(service, 'PATCH', 'clients/nobody', { paused: true }), NOT_FOUND);
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
    const unreadable = await service.fetch('/operator/clients', { method: 'POST', headers, body: '[1' });
    await expectProblem(unreadable, [400, 'invalid_request']);
  });

  test('only the operator may ask', async () => {
    const requests: [string, string][] = [
      ['GET', 'clients'],
      ['POST', 'clients'],
      ['PATCH', 'clients/alice'],
      ['DELETE', 'clients/alice'],
      ['POST', 'clients/alice/rotate'],
      ['POST', 'pause'],
      ['POST', 'resume'],
    ];
    const without = await startService({ secrets: { CLIENT_TOKENS } });
    try {
      for (const [index, [method, path]] of requests.entries()) {
        // Wrong tokens of one address are limited.
        const address = { 'cf-connecting-ip': `203.0.113.${index}` };
        for (const token of [ALICE, 'x', '']) {
          const stranger = service.saying({ authorization: `Bearer ${token}`, ...address });
          const answer = await stranger.fetch(`/operator/${path}`, { method });
          await expectProblem(answer, UNAUTHORIZED);
        }
        await expectProblem(await operate(without, method, path), NOT_FOUND);
      }
    } finally {
      await without.close();
    }
  });

  test('what is stored survives the dispatcher, and reaches it and every video', async () => {
    const henry = await makeClient(service, 'henry', { daily_usd: '0.30' });
    await service.evictDispatcher();
    expect(await clientNamed(service, 'henry')).toMatchObject({ daily_usd: '0.30' });
    const { id } = await henry.accepted({ prompt: 'all that henry can afford' });
    await expectProblem(await henry.submit({ prompt: 'more than that' }), [429, 'budget_exhausted']);
    await henry.ended(id);
  });
});

test('without any client the API is open, with the first one it needs tokens', async () => {
  const service = await startService({ secrets: { OPERATOR_TOKEN }, sim: { speed: 600 } });
  const protection = async () =>
    ((await (await service.fetch('/health')).json()) as { protection: string }).protection;
  try {
    const { id } = await service.accepted({ prompt: 'made by anybody' });
    await service.ended(id);
    expect(await protection()).toBe('none');
    const carol = await makeClient(service, 'carol');
    expect(await protection()).toBe('tokens');
    await expectProblem(await service.submit({ prompt: 'no longer made by anybody' }), UNAUTHORIZED);
    await expectProblem(await carol.fetch(`/v1/videos/${id}`), NOT_FOUND);
    expect(await status(carol)).toBe(200);
    await operated(service, 'DELETE', 'clients/carol');
    expect(await protection()).toBe('none');
    expect((await service.video(id)).id).toBe(id);
  } finally {
    await service.close();
  }
});

describe('another isolate', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startWrapped('distant-dispatcher.js', { secrets: { CLIENT_TOKENS, OPERATOR_TOKEN } });
  });
  afterAll(() => service?.close());

  async function tell(query: Record<string, string>): Promise<number> {
    const answer = await service.fetch(`/test?${new URLSearchParams(query)}`);
    return ((await answer.json()) as { reads: number }).reads;
  }

  const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
  const keep = 'keep';
  const change = { daily_usd: keep, max_active: keep, paused: keep, webhook_secret: keep };

  test('knows a change within half a minute, and a flood of wrong tokens asks once', async () => {
    await tell({ skip: '31' });
    expect(await status(service.as(ALICE))).toBe(200);
    const before = await tell({});
    const made = { create: { name: 'carol', token_sha256: sha256('hailuo_elsewhere'), change } };
    await tell({ message: JSON.stringify({ operator: { clients: made } }) });
    const carol = service.as('hailuo_elsewhere');
    const wrong = Array.from({ length: 50 }, (_, index) => status(service.as(`hailuo_wrong${index}`)));
    expect(new Set(await Promise.all(wrong))).toEqual(new Set([401]));
    expect(await status(carol)).toBe(401);
    expect(await tell({})).toBe(before);
    await tell({ skip: '31' });
    const all = await Promise.all([...Array(50).keys()].map((index) => status(service.as(`wrong${index}`))));
    expect(new Set(all)).toEqual(new Set([401]));
    expect(await tell({})).toBe(before + 1);
    expect(await status(carol)).toBe(200);
  });

  test('goes on with what it knew while the dispatcher does not answer, then only the settings count', async () => {
    const made = { create: { name: 'dora', token_sha256: sha256('hailuo_dora'), change } };
    await tell({ message: JSON.stringify({ operator: { clients: made } }), skip: '31' });
    const dora = service.as('hailuo_dora');
    const models = (client: Service) => client.fetch('/v1/models').then((answer) => answer.status);
    expect(await models(dora)).toBe(200);
    await tell({ skip: '60', down: 'true' });
    expect([await models(dora), await models(service.as(ALICE))]).toEqual([200, 200]);
    await tell({ skip: '700' });
    expect(await models(service.as(ALICE))).toBe(200);
    const unknown = await dora.fetch('/v1/models');
    expect(unknown.headers.get('retry-after')).toBe('5');
    await expectProblem(unknown, [503, 'upstream_unavailable']);
    await tell({ skip: '3', down: 'false' });
    expect(await models(dora)).toBe(200);
  });
});
