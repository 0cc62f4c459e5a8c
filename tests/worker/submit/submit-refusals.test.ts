// POST /v1/videos with an invalid JSON body: the response has the reason, and nothing else happens.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  fieldNames,
  INVALID_PARAMETER,
  INVALID_REQUEST,
  messageFor,
  PAYLOAD_TOO_LARGE,
  refused,
  traces,
  UNSUPPORTED_MEDIA_TYPE,
} from '../support/refusals.ts';
import { BOUNDARY, FRAMINGS, submitBody } from '../support/requests/bodies.ts';
import { type Service, startService } from '../support/service.ts';
import { publishedRecord } from '../support/stored.ts';
import type { Problem, Video } from '../support/types.ts';

const JSON_TYPE = 'application/json';
const MAX_JSON_BYTES = 64 * 1024;

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: 0 } });
});
afterAll(() => service.close());

test('an accepted submit has the effects that a refused one must not have', async () => {
  const before = await traces(service);
  const { id } = await service.accepted({ prompt: 'the one that was taken' });
  await expect.poll(async () => (await traces(service)).records).toEqual([`video:${id}`]);
  const after = await traces(service);
  expect(after.callsToWiro).toBe(before.callsToWiro + 1);
  expect(after.objects).toHaveLength(before.objects.length + 1);
});

describe('invalid fields of a submit', () => {
  const invalid = (body: object): Promise<Problem> =>
    refused(service, INVALID_PARAMETER, () => service.submit(body));

  test('are all reported, each with its limits', async () => {
    const found = await invalid({
      prompt: 'x'.repeat(2001),
      promptOptimizer: 'perhaps',
      resolution: '4K',
      duration: 7,
      inputImageFirst: 'cat.png',
      inputImageFirstUrl: 'http://images.example.com/cat.png',
      seed: 42,
    });
    expect(fieldNames(found).toSorted()).toEqual([
      'duration',
      'inputImageFirst',
      'inputImageFirstUrl',
      'prompt',
      'promptOptimizer',
      'resolution',
      'seed',
    ]);
    expect(messageFor(found, 'prompt')).toMatch(/2,?000/);
    expect(messageFor(found, 'promptOptimizer')).toMatch(/true.*false/);
    expect(messageFor(found, 'resolution')).toMatch(/768P.*1080P/);
    expect(messageFor(found, 'duration')).toMatch(/6.*10/);
    expect(messageFor(found, 'inputImageFirst')).toMatch(/file/);
    expect(messageFor(found, 'inputImageFirstUrl')).toMatch(/https/);
    expect(found.detail).toContain('seed');
  });

  test('are reported up to the twentieth', async () => {
    // As many fields as fit into the response; each message is longer than its field.
    const names = Array.from({ length: 7000 }, (_, number) => `"${number.toString(36)}":0`);
    const body = `{"prompt":"a cat",${names.join()}}`;
    expect(body.length).toBeLessThan(MAX_JSON_BYTES);
    const headers = { 'content-type': JSON_TYPE };
    const found = await refused(service, INVALID_PARAMETER, () =>
      service.fetch('/v1/videos', { method: 'POST', headers, body }),
    );
    expect(found.errors).toHaveLength(20);
    expect(found.detail).toMatch(/; and 6980 more$/);
    expect(JSON.stringify(found).length).toBeLessThan(body.length);
  });

  test('are reported with at most 64 characters of their name', async () => {
    const found = await invalid({ prompt: 'a cat', ['n'.repeat(60_000)]: 1 });
    expect(fieldNames(found)).toEqual(['n'.repeat(64)]);
    expect(JSON.stringify(found).length).toBeLessThan(2000);
  });

  const badValues: [string, unknown[]][] = [
    ['prompt', [undefined, null, '', ' \n\t ', 5, true, ['a cat'], { text: 'a cat' }]],
    ['promptOptimizer', ['yes', 1, 0, [true], {}]],
    ['n', [0, 2, '2', 1.5, true, [1]]],
    ['size', ['big', '1920', '3840x2160', 1080, ['1280x720']]],
    [
      'metadata',
      ['text', 5, ['a'], { a: 1 }, { '': 'b' }, { ['k'.repeat(65)]: 'b' }, { a: 'v'.repeat(513) }],
    ],
    ['input_reference', [5, 'cat.png', [], {}, { url: 'https://a.example/b' }, { file_id: 'file_no' }]],
    ['resolution', ['720P', '768', 768, true, ['768P']]],
    ['duration', [0, 5, 6.5, 11, -6, 1e300, '7', '6s', 'six', true, [6]]],
    ['inputImageFirst', ['cat.png', 'https://images.example.com/cat.png', {}, 1, true]],
    ['inputImageFirstUrl', [1, true, {}, ['https://images.example.com/cat.png']]],
    ['callback_url', [1, true, {}, ['https://hooks.example.com/'], 'https://hooks.example.com/']],
  ];
  const cases = badValues.flatMap(([field, values]) => values.map((value) => [field, value] as const));
  test.for(cases)('%s is refused as %j', async ([field, value]) => {
    const found = await invalid({ prompt: 'a bad value', [field]: value });
    expect(fieldNames(found)).toEqual([field]);
  });

  test.for([
    ['ASCII', 'x'],
    ['two bytes of UTF-8 each', 'é'],
    ['two units of UTF-16 each', '🐈'],
  ] as const)('prompt is refused with 2,001 characters, %s', async ([_name, character]) => {
    const found = await invalid({ prompt: character.repeat(2001) });
    expect(fieldNames(found)).toEqual(['prompt']);
    expect(messageFor(found, 'prompt')).toMatch(/2,?000/);
  });

  test.for([
    ['1080P', 10],
    ['1080P', '10'],
  ] as const)('resolution %s with duration %j is refused', async ([resolution, duration]) => {
    const found = await invalid({ prompt: 'too long for its size', resolution, duration });
    expect(fieldNames(found)).toEqual(['duration']);
    expect(messageFor(found, 'duration')).toMatch(/768P/);
  });

  test('inputImageFirst and inputImageFirstUrl together are refused', async () => {
    const inputImageFirstUrl = 'https://images.example.com/cat.png';
    const found = await invalid({ prompt: 'both', inputImageFirst: 'cat.png', inputImageFirstUrl });
    expect(fieldNames(found)).toContain('inputImageFirst');
  });

  test.for(['callbackUrl', 'projectid', 'Prompt', '', '__proto__', 'toString', 'naïve'])(
    'unknown field %j is named',
    async (name) => {
      const body = `{"prompt":"with another field",${JSON.stringify(name)}:"1"}`;
      const send = () => submitBody(service, JSON_TYPE, Buffer.from(body));
      const found = await refused(service, INVALID_PARAMETER, send);
      expect(fieldNames(found)).toEqual([name]);
    },
  );

  test.for([
    ['prompt', '{"prompt":"first","prompt":"second"}'],
    ['prompt', '{"prompt":"the same","prompt":"the same"}'],
    ['duration', '{"duration":6,"prompt":"twice","duration":10}'],
    [
      'inputImageFirstUrl',
      '{"prompt":"a","inputImageFirstUrl":"","inputImageFirstUrl":"https://a.example/b"}',
    ],
  ] as const)('%s given twice is refused: %s', async ([field, body]) => {
    const send = () => submitBody(service, JSON_TYPE, Buffer.from(body));
    const found = await refused(service, INVALID_PARAMETER, send);
    expect(fieldNames(found)).toEqual([field]);
  });
});

describe('bodies', () => {
  const good = Buffer.from('{"prompt":"in the wrong wrapping"}');

  test.for([
    undefined,
    '',
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/x-www-form-urlencoded',
    'application/octet-stream',
    `multipart/mixed; boundary=${BOUNDARY}`,
    'image/png',
  ])('of content type %j are refused', async (contentType) => {
    const send = () => submitBody(service, contentType, good);
    const found = await refused(service, UNSUPPORTED_MEDIA_TYPE, send);
    expect(found.detail).toMatch(/application\/json.*multipart\/form-data/);
  });

  const unreadable: [string, string | Uint8Array][] = [
    ['nothing', ''],
    ['white space', ' \n'],
    ['text', 'a cat, please'],
    ['an unfinished object', '{"prompt":"a cat"'],
    ['an object and more', '{"prompt":"a cat"} {}'],
    ['an array', '[{"prompt":"a cat"}]'],
    ['a string', '"a cat"'],
    ['a number', '42'],
    ['null', 'null'],
    ['half a surrogate pair', '{"prompt":"a cat \\ud83d"}'],
    ['Latin-1', Buffer.from('{"prompt":"caf\xe9"}', 'latin1')],
    ['a deep nest', `{"prompt":${'['.repeat(30_000)}${']'.repeat(30_000)}}`],
  ];
  test.for(unreadable)('of %s are refused', async ([_name, body]) => {
    await refused(service, INVALID_REQUEST, () => submitBody(service, JSON_TYPE, Buffer.from(body)));
  });

  test('that are missing are refused', async () => {
    const init = { method: 'POST', headers: { 'content-type': JSON_TYPE } };
    await refused(service, INVALID_REQUEST, () => service.fetch('/v1/videos', init));
  });

  /** A valid submit of exactly this many bytes. */
  const ofBytes = (bytes: number, prompt: string) =>
    Buffer.from(JSON.stringify({ prompt }).padEnd(bytes, ' '));

  describe.for(FRAMINGS)('%s', (framing) => {
    test.for([1, MAX_JSON_BYTES, 5_000_000])('of %d bytes over 64 KiB are refused', async (over) => {
      const body = ofBytes(MAX_JSON_BYTES + over, 'too much');
      const send = () => submitBody(service, JSON_TYPE, body, framing);
      const found = await refused(service, PAYLOAD_TOO_LARGE, send);
      expect(found.detail).toMatch(/64 KiB|65,?536/);
    });

    test('of 64 KiB are accepted', async () => {
      const body = ofBytes(MAX_JSON_BYTES, `just enough ${framing}`);
      const answer = await submitBody(service, JSON_TYPE, body, framing);
      expect(answer.status).toBe(202);
      // The next request leaves no trace, nor does the rest of this body.
      await publishedRecord(service, ((await answer.json()) as Video).id, 'in_progress');
    });
  });
});
