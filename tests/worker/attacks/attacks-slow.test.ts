// Attacks with slow requests: bodies that start and never end.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Service, startService } from '../support/service.ts';
import { AttackTable, rawRequest, sendRaw } from './attacks.ts';

const JSON_TYPE = 'application/json';

const table = new AttackTable();
let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: 0 } });
});
afterAll(async () => {
  table.print();
  await service.close();
});

describe('a body that stops half way', { concurrent: true }, () => {
  /** What is waited for the next byte at most, and then for the rest to be thrown away. */
  const PATIENCE_MS = 60_000;
  const form = ['Content-Type: multipart/form-data; boundary=x', 'Content-Length: 5000'];
  const start = '--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nonce upon';

  test.for([
    ['JSON', '/v1/videos', [`Content-Type: ${JSON_TYPE}`, 'Content-Length: 500'], '{"prompt":"once'],
    [
      'JSON in chunks',
      '/v1/videos',
      [`Content-Type: ${JSON_TYPE}`, 'Transfer-Encoding: chunked'],
      '5\r\n{"pro',
    ],
    ['a form', '/v1/videos', form, start],
    ['an upload', '/v1/files', form, start.replace('"prompt"', '"file"; filename="a.png"')],
  ] as const)('%s: the request times out', async ([name, path, headers, body]) => {
    const { status } = await sendRaw(
      service,
      rawRequest(service, `POST ${path}`, headers, body),
      PATIENCE_MS,
    );
    expect(status).toBe(400);
    expect(service.sim.tasks.filter(({ prompt }) => prompt.startsWith('once'))).toEqual([]);
    expect(service.sim.callsTo('/File/')).toEqual([]);
    table.add(`${name} that stops half way`, '400 within 40 s');
  });

  test('a callback: 200, because a malformed callback is not an error', async () => {
    const prompt = 'a messenger who loses his voice';
    await service.accepted({ prompt });
    const { callbackUrl } = await service.sim.waitForTask(prompt);
    const { pathname } = new URL(callbackUrl);
    const request = rawRequest(service, `POST ${pathname}`, ['Content-Length: 500'], '{"status":');
    expect((await sendRaw(service, request, PATIENCE_MS)).status).toBe(200);
    table.add('a callback that stops half way', 200);
  });
});
