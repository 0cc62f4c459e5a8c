// Two spellings that can only mean one thing: both are taken, in JSON and in forms, and are the same request.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOUNDARY, formBody, type Part, submitBody, submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { bytesAt, FORM_TYPE, fileAt, uploaded } from '../support/requests/uploads.ts';
import { onlyRun } from '../support/runs.ts';
import { type Service, startService } from '../support/service.ts';
import { sha256 } from '../support/stored.ts';
import type { Video } from '../support/types.ts';

const PICTURE = picture('image/png', 4000);
const DEFAULTS = { promptOptimizer: true, resolution: '768P', duration: 6 };

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 } });
});
afterAll(() => service?.close());

const text = (name: string, value: string): Part => ({ name, value });

async function taken(response: Promise<Response>): Promise<Video> {
  const answer = await response;
  if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Video;
}

describe('null is the default', () => {
  test('of the fields of a video', async () => {
    const empty = { resolution: null, duration: null, promptOptimizer: null };
    const { input } = await taken(service.submit({ prompt: 'a lamp', ...empty }));
    expect(input).toMatchObject(DEFAULTS);
    expect(onlyRun(service.sim, 'a lamp').fields).toMatchObject({ resolution: '768P', duration: '6' });
  });

  test('of every other field', async () => {
    const names = ['model', 'seconds', 'size', 'input_reference', 'metadata', 'user', 'n', 'callback_url'];
    const frames = ['inputImageFirst', 'inputImageFirstUrl', 'inputImageLast', 'inputImageLastUrl'];
    const empty = Object.fromEntries([...names, ...frames].map((name) => [name, null]));
    const video = await taken(service.submit({ prompt: 'a lamp in the dark', ...empty }));
    expect(video).toMatchObject({ model: 'hailuo-2.3', metadata: {}, seconds: '6', size: '1366x768' });
    expect(video.input).toMatchObject({ ...DEFAULTS, inputImageFirst: null, inputImageFirstUrl: null });
  });
});

describe('any case', () => {
  const spelled = [
    ['1080p', 'True'],
    ['1080P', 'TRUE'],
    ['768p', 'False'],
  ] as const;
  test.for(spelled)('%s and %s', async ([resolution, promptOptimizer]) => {
    const expected = {
      resolution: resolution.toUpperCase(),
      promptOptimizer: promptOptimizer.toLowerCase() === 'true',
    };
    const prompt = `a lamp of ${resolution} ${promptOptimizer}`;
    const json = { prompt: `${prompt} in JSON`, resolution, promptOptimizer };
    expect((await taken(service.submit(json))).input).toMatchObject(expected);
    const form = [
      text('prompt', prompt),
      text('resolution', resolution),
      text('promptOptimizer', promptOptimizer),
    ];
    expect((await taken(submitForm(service, form))).input).toMatchObject(expected);
    expect(onlyRun(service.sim, prompt).fields).toMatchObject({
      resolution: expected.resolution,
      promptOptimizer: `${expected.promptOptimizer}`,
    });
  });
});

describe('line breaks', () => {
  const PROMPT = Array.from({ length: 200 }, (_, index) => `line ${index}`.padEnd(9, '.').slice(0, 9)).join(
    '\n',
  );
  const CRLF = PROMPT.replaceAll('\n', '\r\n');

  test('a browser’s form is the same request as JSON, also where CR LF would make it too long', async () => {
    expect([PROMPT.length, CRLF.length]).toEqual([1999, 2198]);
    const keyed = service.saying({ 'idempotency-key': 'one-request-in-two-spellings' });
    const json = await taken(keyed.submit({ prompt: PROMPT }));
    const again = await submitForm(keyed, [text('prompt', CRLF)]);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, 'true']);
    expect((await again.json()).id).toBe(json.id);
    const frame = { name: 'inputImageFirst', value: PICTURE, filename: 'a.png' };
    const { input } = await taken(submitForm(service, [text('prompt', CRLF), frame]));
    expect(input.prompt).toBe(PROMPT);
  });

  test.for([
    ['a vertical tab, as slides have it', '\u000b'],
    ['a form feed', '\f'],
    ['a carriage return', '\r'],
  ])('%s is one', async ([name, character]) => {
    const prompt = `above${character}below, by ${name}`;
    const { input } = await taken(service.submit({ prompt }));
    expect(input.prompt).toBe(prompt.replace(character!, '\n'));
    const { input: sent } = await taken(submitForm(service, [text('prompt', `${prompt} in a form`)]));
    expect(sent.prompt).toBe(`${prompt} in a form`.replace(character!, '\n'));
  });
});

describe('names of files', () => {
  /** A part whose headers are these bytes. */
  const partOf = (disposition: string | Uint8Array, fields: Part[] = []) =>
    Buffer.concat([
      formBody(fields, ''),
      Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; `),
      Buffer.from(disposition),
      Buffer.from('\r\nContent-Type: image/png\r\n\r\n'),
      PICTURE,
      Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
    ]);
  const upload = async (disposition: string | Uint8Array) => {
    const init = { method: 'POST', headers: { 'content-type': FORM_TYPE }, body: partOf(disposition) };
    const response = await service.fetch('/v1/files', init);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as { filename: string; url: string };
  };
  const LATIN_1 = Buffer.from('filename="caf\xe9.png"', 'latin1');

  test.for<[string, string | Uint8Array, string]>([
    ['filename*', 'name="file"; filename*=utf-8\'\'%E7%8C%AB.png', '猫.png'],
    [
      'both, of which the extended one counts',
      'name="file"; filename="cat.png"; filename*=UTF-8\'\'%E7%8C%AB.png',
      '猫.png',
    ],
    ['one byte of Latin-1', Buffer.concat([Buffer.from('name="file"; '), LATIN_1]), 'café.png'],
    ['UTF-8 as it is', 'name="file"; filename="猫.png"', '猫.png'],
  ])('an upload with %s', async ([_name, disposition, filename]) => {
    const file = await upload(disposition);
    expect(file.filename).toBe(filename);
    expect(fileAt(service, file.url).name).toBe(filename);
    expect(sha256(await bytesAt(service, file.url))).toBe(sha256(PICTURE));
  });

  test('a submit takes any of them: the name is not used', async () => {
    const dispositions: [string, string | Uint8Array][] = [
      ['in Latin-1', Buffer.concat([Buffer.from('name="inputImageFirst"; '), LATIN_1])],
      ['by filename*', 'name="inputImageFirst"; filename*=utf-8\'\'%E7%8C%AB.png'],
      ['which are empty', 'name="inputImageFirst"; filename=""'],
    ];
    for (const [how, disposition] of dispositions) {
      const prompt = `a lamp with a name ${how}`;
      const body = partOf(disposition, [text('prompt', prompt)]);
      const { input } = await taken(submitBody(service, FORM_TYPE, body));
      expect(input.inputImageFirst).toEqual({ content_type: 'image/png', size: PICTURE.length });
      expect(onlyRun(service.sim, prompt).file?.sha256).toBe(sha256(PICTURE));
    }
  });
});

test('a file of a form may be without its type', async () => {
  const { filename } = await uploaded(service, { name: 'file', value: PICTURE, filename: 'lamp' });
  expect(filename).toBe('lamp.png');
});
