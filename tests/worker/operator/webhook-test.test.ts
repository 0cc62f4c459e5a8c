// POST /operator/webhook-test sends the operator's webhook one signed message and answers what came of it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { expectProblem } from '../support/refusals.ts';
import { type Service, startService } from '../support/service.ts';

const NOTIFY_SECRET = `whsec_${Buffer.from('thirty-two bytes to be kept dark').toString('base64')}`;
const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';

interface Received {
  headers: Record<string, string>;
  body: string;
}

const received: Received[] = [];
/** What the receiver answers; without one it breaks the connection. */
let status: number | undefined;
const server = createServer(async (request, response) => {
  received.push({ headers: request.headers as Record<string, string>, body: await text(request) });
  if (status === undefined) return void request.socket.destroy();
  response.writeHead(status, { location: '/elsewhere' }).end();
});

let service: Service;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const NOTIFY_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const secrets = { NOTIFY_SECRET, OPERATOR_TOKEN, CLIENT_TOKENS };
  service = await startService({ vars: { NOTIFY_URL }, secrets });
});
afterAll(async () => {
  await service?.close();
  server.close();
  server.closeAllConnections();
});

const ask = (from: Service, token: string) =>
  from.as(token).fetch('/operator/webhook-test', { method: 'POST' });

test.each([204, 200, 302, 410, 500])('the receiver’s status is told: %i', async (answered) => {
  status = answered;
  const count = received.length;
  const answer = await ask(service, OPERATOR_TOKEN);
  expect(answer.status).toBe(200);
  const attempt = await answer.json();
  const { at, webhook_id } = attempt;
  expect(attempt).toEqual({ at, webhook_id, attempt: 1, status: answered });
  expect(Math.abs(at * 1000 - Date.now())).toBeLessThan(10_000);
  expect(received).toHaveLength(count + 1);
  const { headers, body } = received.at(-1)!;
  expect(headers['webhook-id']).toBe(webhook_id);
  const { created_at, timestamp, ...event } = new Webhook(NOTIFY_SECRET).verify(body, headers) as {
    created_at: number;
    timestamp: string;
  };
  expect(event).toEqual({ id: webhook_id, object: 'event', type: 'webhook.test', data: {} });
  expect(Date.parse(timestamp)).toBe(created_at * 1000);
});

test('each message has an id of its own', () => {
  const ids = received.map(({ headers }) => headers['webhook-id']);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a broken connection is told', async () => {
  status = undefined;
  const attempt = await (await ask(service, OPERATOR_TOKEN)).json();
  expect(attempt).toMatchObject({ attempt: 1, error: 'the connection was refused or lost' });
});

test('only the operator may send it, by POST', async () => {
  const count = received.length;
  for (const token of [ALICE, OPERATOR_TOKEN.toUpperCase()])
    await expectProblem(await ask(service, token), [401, 'unauthorized']);
  const read = await service.as(OPERATOR_TOKEN).fetch('/operator/webhook-test');
  await expectProblem(read, [405, 'method_not_allowed']);
  expect(received).toHaveLength(count);
});

test('without an operator, or without NOTIFY_URL, it does not exist', async () => {
  for (const [secrets, detail] of [
    [{}, /nothing at this path/],
    [{ OPERATOR_TOKEN }, /NOTIFY_URL/],
  ] as const) {
    const without = await startService({ secrets: { ...secrets } });
    const found = await expectProblem(await ask(without, OPERATOR_TOKEN), [404, 'not_found']);
    await without.close();
    expect(found.detail).toMatch(detail);
  }
});
