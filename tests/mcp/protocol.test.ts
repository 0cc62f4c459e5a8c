// The protocol on the wire, with valid and invalid requests.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TURNSTILE_SECRET } from '../../sim/index.ts';
import { ALICE, CLIENT_TOKENS } from '../worker/support/clients.ts';
import {
  expectProblem,
  PAYLOAD_TOO_LARGE,
  traces,
  UNSUPPORTED_MEDIA_TYPE,
} from '../worker/support/refusals.ts';
import { type Service, startService } from '../worker/support/service.ts';
import { connect } from './agents.ts';

const VERSION = '2026-07-28';
const PAGE = 'https://agents.example';

let service: Service;
let alice: Service;
beforeAll(async () => {
  service = await startService({
    sim: { speed: 600 },
    vars: { ALLOWED_ORIGINS: PAGE },
    secrets: { CLIENT_TOKENS },
  });
  alice = service.as(ALICE);
});
afterAll(() => service.close());

const meta = {
  'io.modelcontextprotocol/protocolVersion': VERSION,
  'io.modelcontextprotocol/clientCapabilities': {},
};

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

function post(
  body: string | object,
  headers: Record<string, string> = {},
  client = alice,
): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return client.fetch('/mcp', { method: 'POST', headers: { ...HEADERS, ...headers }, body: text });
}

/** A request of version 2026-07-28 with its headers. */
function ask(method: string, params: Record<string, unknown> = {}, headers: Record<string, string> = {}) {
  const name = typeof params.name === 'string' ? { 'mcp-name': params.name } : {};
  const message = { jsonrpc: '2.0', id: 1, method, params: { _meta: meta, ...params } };
  return post(message, { 'mcp-protocol-version': VERSION, 'mcp-method': method, ...name, ...headers });
}

async function expectError(
  answer: Response,
  status: number,
  code: number,
): Promise<{ id?: unknown; error: { message: string; data?: unknown } }> {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/json');
  const body = await answer.json();
  expect(body).toMatchObject({ jsonrpc: '2.0', error: { code, message: expect.stringMatching(/\w/) } });
  return body;
}

describe('version 2026-07-28', () => {
  test('server/discover, tools/list and tools/call have the members of this version', async () => {
    const answer = await ask('server/discover');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(await answer.json()).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: {
        resultType: 'complete',
        supportedVersions: ['2026-07-28', '2025-11-25', '2025-06-18'],
        capabilities: { tools: {} },
        instructions: expect.stringContaining('create_video'),
        ttlMs: 3_600_000,
        cacheScope: 'public',
        _meta: { 'io.modelcontextprotocol/serverInfo': expect.objectContaining({ name: 'hailuo-worker' }) },
      },
    });
    const { result } = await (await ask('tools/list')).json();
    expect(result).toMatchObject({ resultType: 'complete', ttlMs: 3_600_000, cacheScope: 'public' });
    const called = await (await ask('tools/call', { name: 'get_usage' })).json();
    expect(called.result).toMatchObject({ resultType: 'complete', structuredContent: { object: 'usage' } });
  });

  test('a subscription is acknowledged for nothing and ends', async () => {
    const answer = await ask('subscriptions/listen', { notifications: { toolsListChanged: true } });
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = (await answer.text()).trim().split('\n\n');
    const messages = events.map((event) => JSON.parse(event.replace(/^event: message\ndata: /, '')));
    const subscription = { 'io.modelcontextprotocol/subscriptionId': 1 };
    expect(messages).toEqual([
      {
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: { _meta: subscription, notifications: {} },
      },
      { jsonrpc: '2.0', id: 1, result: { resultType: 'complete', _meta: subscription } },
    ]);
  });

  test('missing headers, and headers that disagree with the body, are errors', async () => {
    const wrong: Record<string, string>[] = [
      { 'mcp-protocol-version': '2025-11-25' },
      { 'mcp-method': 'tools/list' },
      { 'mcp-name': 'list_models' },
      { 'mcp-name': '=?base64?!?=' },
    ];
    for (const headers of wrong) {
      const { id } = await expectError(await ask('tools/call', { name: 'get_usage' }, headers), 400, -32020);
      expect(id).toBe(1);
    }
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } };
    await expectError(await post(message), 400, -32020);
    const encoded = { 'mcp-name': `=?base64?${Buffer.from('get_usage').toString('base64')}?=` };
    expect((await ask('tools/call', { name: 'get_usage' }, encoded)).status).toBe(200);
  });

  test('a request without its metadata is an error', async () => {
    await expectError(await ask('tools/list', { _meta: undefined }), 400, -32602);
    const { 'io.modelcontextprotocol/clientCapabilities': _, ...incomplete } = meta;
    await expectError(await ask('tools/list', { _meta: incomplete }), 400, -32602);
  });

  test('unknown methods get 404', async () => {
    for (const method of ['ping', 'initialize', 'prompts/list', 'resources/list', 'tasks/get']) {
      await expectError(await ask(method), 404, -32601);
    }
  });

  test('an unknown version gets the list of supported versions', async () => {
    const version = '1900-01-01';
    const unknown = { ...meta, 'io.modelcontextprotocol/protocolVersion': version };
    const answer = await ask('tools/list', { _meta: unknown }, { 'mcp-protocol-version': version });
    const { error } = await expectError(answer, 400, -32022);
    expect(error.data).toEqual({ supported: ['2026-07-28', '2025-11-25', '2025-06-18'], requested: version });
  });
});

describe('access', () => {
  test('a missing or wrong token gets 401 before the body is read', async () => {
    const before = await traces(service);
    for (const client of [service, service.as('alice-token-that-is-wrong')]) {
      const answer = await post('{', {}, client);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      await expectProblem(answer, [401, 'unauthorized']);
    }
    await expect(connect(service)).rejects.toThrow(/401|nauthorized/);
    expect(await traces(service)).toEqual(before);
  });

  test('only pages of allowed origins get an answer', async () => {
    const stranger = await post(
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { origin: 'https://evil.example' },
    );
    await expectProblem(stranger, [403, 'origin_not_allowed']);
    const listed = await post({ jsonrpc: '2.0', id: 1, method: 'ping' }, { origin: PAGE });
    expect([listed.status, listed.headers.get('access-control-allow-origin')]).toEqual([200, PAGE]);
    const asked = { 'access-control-request-headers': 'mcp-protocol-version, mcp-method' };
    const preflight = await service.fetch('/mcp', { method: 'OPTIONS', headers: { origin: PAGE, ...asked } });
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'POST']);
    expect(preflight.headers.get('access-control-allow-headers')).toBe('mcp-protocol-version, mcp-method');
  });

  test('with Turnstile, agents get 401', async () => {
    const guarded = await startService({
      vars: { TURNSTILE_SITE_KEY: 'site-key' },
      secrets: { TURNSTILE_SECRET },
    });
    const answer = await post({ jsonrpc: '2.0', id: 1, method: 'ping' }, {}, guarded);
    await expectProblem(answer, [401, 'unauthorized']);
    await guarded.close();
  });
});

test('a tool call counts once against the limit of requests', async () => {
  const limited = await startService({ vars: { VISITS_PER_MINUTE: '10' }, secrets: { CLIENT_TOKENS } });
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_models' } };
  const statuses: number[] = [];
  do {
    statuses.push((await post(call, {}, limited.as(ALICE))).status);
  } while (statuses.at(-1) === 200 && statuses.length < 30);
  expect(statuses.at(-1)).toBe(429);
  expect(statuses.length).toBeGreaterThan(10);
  await limited.close();
});

describe('invalid requests', () => {
  test.each(['GET', 'DELETE', 'PUT', 'HEAD'])('%s gets 405', async (method) => {
    const answer = await alice.fetch('/mcp', { method });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test('a body that is not one JSON-RPC request or notification is an error', async () => {
    const before = await traces(service);
    await expectError(await post('{'), 400, -32700);
    await expectError(await post(''), 400, -32700);
    await expectError(await post('7'), 400, -32600);
    await expectError(await post([]), 400, -32600);
    const call = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'create_video', arguments: { prompt: 'a batch' } },
    };
    await expectError(await post([call]), 400, -32600);
    await expectError(await post({ jsonrpc: '2.0', id: 1, result: {} }), 400, -32600);
    await expectError(await post({ ...call, id: null }), 400, -32600);
    await expectError(await post({ ...call, params: [] }), 400, -32602);
    expect(await traces(service)).toEqual(before);
  });

  test('a large body, another media type and an unusable Accept are errors', async () => {
    const prompt = 'a'.repeat(66_000);
    const call = {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'create_video', arguments: { prompt } },
    };
    await expectProblem(await post(call), PAYLOAD_TOO_LARGE);
    await expectProblem(await post('{}', { 'content-type': 'text/plain' }), UNSUPPORTED_MEDIA_TYPE);
    await expectError(await post('{}', { accept: 'text/html' }), 406, -32600);
  });
});

describe('versions with initialize', () => {
  const call = (method: string, params: object = {}, headers = {}) =>
    post({ jsonrpc: '2.0', id: 'a', method, params }, headers);

  test('initialize creates no session', async () => {
    const answer = await call('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'a', version: '1' },
    });
    expect(answer.headers.get('mcp-session-id')).toBeNull();
    expect(await answer.json()).toMatchObject({
      id: 'a',
      result: {
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: 'hailuo-worker' },
      },
    });
    const notified = await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect([notified.status, await notified.text()]).toEqual([202, '']);
    expect(await (await call('ping')).json()).toEqual({ jsonrpc: '2.0', id: 'a', result: {} });
  });

  test('errors of methods and tools have status 200', async () => {
    await expectError(await call('server/discover'), 200, -32601);
    await expectError(await call('prompts/list'), 200, -32601);
    const { error } = await expectError(await call('tools/call', { name: 'drop_video' }), 200, -32602);
    expect(error.message).toContain('create_video');
    await expectError(await call('tools/call', { arguments: {} }), 200, -32602);
    await expectError(await call('tools/list', { cursor: 'a' }), 200, -32602);
  });

  test('an unsupported version is an error', async () => {
    await expectError(await call('tools/list', {}, { 'mcp-protocol-version': '2025-03-26' }), 400, -32022);
    const asked = await call('initialize', { protocolVersion: '2024-11-05' });
    expect((await asked.json()).result.protocolVersion).toBe('2025-11-25');
  });
});
