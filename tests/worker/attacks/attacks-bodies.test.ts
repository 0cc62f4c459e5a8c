// Attacks with a request's body: compression bombs, repeated values, wrong types. Each is refused with a reason, in
// limited time and without effects. The *-refusals tests have ordinary invalid bodies.
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  fieldNames,
  INVALID_PARAMETER,
  INVALID_REQUEST,
  type Refusal,
  refused,
  traces,
} from '../support/refusals.ts';
import { type Body, formBody, submitBody, submitForm } from '../support/requests/bodies.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { AttackTable, rawRequest, sendRaw } from './attacks.ts';

const JSON_TYPE = 'application/json';
const UNSUPPORTED: Refusal = [415, 'unsupported_media_type'];
const TOO_LARGE: Refusal = [413, 'payload_too_large'];
const MIB = 2 ** 20;

const table = new AttackTable();
let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: 0 } });
});
afterAll(async () => {
  table.print();
  await service.close();
});

async function refusedBody(attack: string, refusal: Refusal, type: string, body: Body): Promise<string[]> {
  const found = await refused(service, refusal, () => submitBody(service, type, body));
  table.add(attack, refusal.join(' '));
  return fieldNames(found);
}

describe('compressed bodies', () => {
  const good = Buffer.from(JSON.stringify({ prompt: 'a parcel that is not unpacked' }));
  const bomb = Buffer.from(`{"prompt":"${'x'.repeat(60 * MIB)}"}`);
  test.for([
    ['a small body by gzip', 'gzip', () => gzipSync(good)],
    ['a small body by deflate', 'deflate', () => deflateSync(good)],
    ['a small body by br', 'br', () => brotliCompressSync(good)],
    ['60 MiB in 60 KiB by gzip', 'gzip', () => gzipSync(bomb)],
    ['60 MiB by gzip, twice', 'gzip, gzip', () => gzipSync(gzipSync(bomb))],
  ] as const)('%s', async ([name, encoding, packed]) => {
    const headers = { 'content-type': JSON_TYPE, 'content-encoding': encoding };
    const body = new Uint8Array(packed());
    let took = 0;
    await refused(service, INVALID_REQUEST, async () => {
      const began = performance.now();
      const answer = await service.fetch('/v1/videos', { method: 'POST', headers, body });
      took = performance.now() - began;
      return answer;
    });
    expect(took).toBeLessThan(5000);
    table.add(name, INVALID_REQUEST.join(' '));
  });
});

describe('bodies with a wrong content type', () => {
  const json = Buffer.from(JSON.stringify({ prompt: 'a wolf in sheep’s clothing' }));
  const form = formBody([{ name: 'prompt', value: 'a wolf in a form' }]);
  test.for<[string, string, Body, Refusal]>([
    ['two types', `${JSON_TYPE}, multipart/form-data; boundary=x`, json, UNSUPPORTED],
    ['UTF-16', `${JSON_TYPE}; charset=utf-16le`, Buffer.from(json.toString(), 'utf16le'), INVALID_REQUEST],
    ['UTF-7', `${JSON_TYPE}; charset=utf-7`, Buffer.from('+AHsAIgBwACIAOgAxAH0-'), INVALID_REQUEST],
    ['a form called JSON', JSON_TYPE, form, INVALID_REQUEST],
    ['JSON called a form', 'multipart/form-data; boundary=x', json, INVALID_REQUEST],
    ['a form for a link', 'application/x-www-form-urlencoded', Buffer.from('prompt=a+wolf'), UNSUPPORTED],
    ['a suffix', 'application/vnd.evil+json', json, UNSUPPORTED],
    ['a BOM', JSON_TYPE, Buffer.concat([Buffer.from('\ufeff'), json]), INVALID_REQUEST],
  ])('%s', async ([name, type, body, refusal]) => {
    await refusedBody(name, refusal, type, body);
  });

  test.for([
    [`Content-Type: ${JSON_TYPE}`, 'Content-Type: text/plain'],
    ['Content-Type: text/plain', `Content-Type: ${JSON_TYPE}`],
    [`Content-Type: ${JSON_TYPE}\0`],
  ])('%j', async (headers) => {
    const before = await traces(service);
    const { status } = await sendRaw(
      service,
      rawRequest(service, 'POST /v1/videos', headers, json.toString()),
    );
    expect([400, 415]).toContain(status);
    expect(await traces(service)).toEqual(before);
    table.add(JSON.stringify(headers.join(' and ')), status);
  });
});

describe('repeated values', () => {
  test('a repeated JSON member with an escape is refused', async () => {
    const body = Buffer.from('{"prompt":"seen","pro\\u006dpt":"made"}');
    expect(await refusedBody('a JSON key twice, one escaped', INVALID_PARAMETER, JSON_TYPE, body)).toEqual([
      'prompt',
    ]);
  });

  test('of repeated headers in one part the first name counts', async () => {
    const [head, tail] = formBody([{ name: 'seed', value: '1' }])
      .toString()
      .split('name="seed"');
    const body = Buffer.from(`${head}name="seed"; name="prompt"${tail}`);
    const found = await refused(service, INVALID_PARAMETER, () =>
      submitBody(service, 'multipart/form-data; boundary=boundary-5d1c94e7', body),
    );
    expect(fieldNames(found)).toEqual(['seed', 'prompt']);
    table.add('two names of one part', 'the first counts, 400');
  });

  test('repeated lengths and encodings do not smuggle a second request', async () => {
    const { id } = await service.accepted({ prompt: 'a passenger without a ticket' });
    await publishedRecord(service, id, 'in_progress');
    const stowaway = `DELETE /v1/videos/${id} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const body = `0\r\n\r\n${stowaway}`;
    for (const lengths of [
      [`Content-Length: ${body.length}`, 'Transfer-Encoding : chunked'],
      [`Content-Length: ${body.length}`, `Content-Length: ${body.length + 1}`],
      [`Content-Length: ${body.length}`, 'Transfer-Encoding: xchunked'],
      ['Content-Length: +5', 'X: y'],
    ]) {
      const headers = [`Content-Type: ${JSON_TYPE}`, ...lengths];
      const sent = sendRaw(service, rawRequest(service, 'POST /v1/videos', headers, body));
      const status = await sent.then(({ status }) => status).catch(() => 0);
      expect([0, 400, 413, 501], lengths.join()).toContain(status);
      expect((await service.video(id)).status).not.toBe('cancelled');
      table.add(lengths.join(' and '), status || 'connection closed');
    }
  });
});

describe('forms with too many or too long parts', () => {
  const part = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n';
  const type = 'multipart/form-data; boundary=x';
  test.for<[string, () => string, Refusal]>([
    ['200,000 parts', () => part.repeat(200_000), INVALID_REQUEST],
    ['200,000 boundaries in a row', () => '--x\r\n'.repeat(200_000), INVALID_REQUEST],
    ['10 MiB of headers', () => `--x\r\nX: ${'y'.repeat(10 * MIB)}`, INVALID_REQUEST],
    ['10 MiB of header lines', () => `--x\r\n${'X: y\r\n'.repeat(1.7 * MIB)}`, INVALID_REQUEST],
    ['19 MiB in front of the form', () => '\r\n--'.repeat(4.75 * MIB), INVALID_REQUEST],
    ['19 MiB of text', () => `${part.slice(0, -2)}${'z'.repeat(19 * MIB)}`, TOO_LARGE],
    ['19 MiB that nearly end', () => `${part.slice(0, -2)}${'\r\n--'.repeat(4.75 * MIB)}`, TOO_LARGE],
    ['a name of 100,000 characters', () => part.replace('"a"', `"${'n'.repeat(100_000)}"`), INVALID_REQUEST],
  ])('%s', async ([name, body, refusal]) => {
    const began = performance.now();
    await refusedBody(name, refusal, type, Buffer.from(body()));
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe('unusual boundaries', () => {
  const form = (boundary: string, text: string) =>
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n${text}\r\n--${boundary}--`,
    );

  test.for([
    ['all that may be in one', "'()+_,-./:=?0aZ", '"\'()+_,-./:=?0aZ"'],
    ['seventy characters', 'x'.repeat(70), 'x'.repeat(70)],
    ['dashes', '----------', '----------'],
    ['one character', '-', '-'],
  ] as const)('%s: accepted', async ([name, boundary, written]) => {
    const send = submitBody(service, `multipart/form-data; boundary=${written}`, form(boundary, name));
    const answer = await send;
    expect(answer.status).toBe(202);
    // The next request leaves no trace, nor does the rest of this body.
    await publishedRecord(service, ((await answer.json()) as Video).id, 'in_progress');
    table.add(`boundary of ${name}`, 202);
  });

  test.for([
    ['a letter that is none', 'multipart/form-data; boundary=b%0db', form('b\rb', 'a')],
    [
      'line breaks without returns',
      'multipart/form-data; boundary=b',
      Buffer.from(form('b', 'a').toString().replaceAll('\r', '')),
    ],
    ['its own beginning in the text', 'multipart/form-data; boundary=b', form('b', 'a\r\n--bc')],
    ['the second of two', 'multipart/form-data; boundary=b; boundary=c', form('c', 'a')],
    ['a name for it in the next type', 'multipart/form-data, x; boundary=b', form('b', 'a')],
  ] as const)('%s: refused', async ([name, type, body]) => {
    const before = await traces(service);
    const { status } = await submitBody(service, type, body);
    expect([400, 415]).toContain(status);
    expect(await traces(service)).toEqual(before);
    table.add(`boundary: ${name}`, status);
  });
});

describe('control characters in the prompt', () => {
  const CONTROLS = ['\0', '\x07', '\b', '\x1b', '\x7f', '\x9b'];
  test.for(CONTROLS)('%j is refused, in JSON and in a form', async (control) => {
    const prompt = `a letter${control}[2J with more in it than one reads`;
    for (const send of [
      () => service.submit({ prompt }),
      () => submitForm(service, [{ name: 'prompt', value: prompt }]),
    ]) {
      const found = await refused(service, INVALID_PARAMETER, send);
      expect(fieldNames(found)).toEqual(['prompt']);
      expect(found.detail).toContain('control characters');
    }
    table.add(`${JSON.stringify(control)} in the prompt`, INVALID_PARAMETER.join(' '));
  });

  test('an unescaped one is invalid JSON', async () => {
    const body = Buffer.from('{"prompt":"a\0b"}');
    await refusedBody('a bare NUL in JSON', INVALID_REQUEST, JSON_TYPE, body);
  });
});
