// POST /v1/videos with an invalid form: the response has the reason, and nothing is stored.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  fieldNames,
  INVALID_PARAMETER,
  INVALID_REQUEST,
  messageFor,
  PAYLOAD_TOO_LARGE,
  type Refusal,
  refused,
  traces,
  UNSUPPORTED_MEDIA_TYPE,
} from '../support/refusals.ts';
import {
  BOUNDARY,
  FRAMINGS,
  formBody,
  type Part,
  sentInPart,
  submitBody,
  submitForm,
} from '../support/requests/bodies.ts';
import { MAX_IMAGE_BYTES, MIB, picture } from '../support/requests/pictures.ts';
import { type Service, startService } from '../support/service.ts';
import type { Problem } from '../support/types.ts';

const LINK = 'https://images.example.com/first.png';
const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: 0 } });
});
afterAll(() => service.close());

const text = (name: string, value: string): Part => ({ name, value });
const file = (value: string | Uint8Array, name = 'inputImageFirst', filename = 'frame.png'): Part => ({
  name,
  value,
  filename,
  contentType: 'image/png',
});
const png = (bytes = 5000) => file(picture('image/png', bytes));
const prompt = text('prompt', 'a form that is refused');

const refusedForm = (refusal: Refusal, parts: Part[]): Promise<Problem> =>
  refused(service, refusal, () => submitForm(service, parts));

test('an accepted form has the effects that a refused one must not have', async () => {
  const before = await traces(service);
  const response = await submitForm(service, [text('prompt', 'the one that was taken'), png(6 * MIB)]);
  expect(response.status).toBe(202);
  const { id } = (await response.json()) as { id: string };
  await expect.poll(async () => (await traces(service)).records).toEqual([`video:${id}`]);
  const after = await traces(service);
  // Run, and Tool/Detail, because the first image needs the model description.
  expect(after.callsToWiro).toBe(before.callsToWiro + 2);
  expect(after.objects).toHaveLength(before.objects.length + 1);
  expect(after.files).toEqual([`inputs/${id}`]);
});

describe.for(FRAMINGS)('too large, %s', (framing) => {
  test.for([
    ['20 MiB and a byte', MAX_IMAGE_BYTES + 1],
    ['20.5 MiB', 20.5 * MIB],
    ['30 MiB', 30 * MIB],
  ] as const)('an image of %s', async ([_size, bytes]) => {
    const parts = [prompt, png(bytes)];
    const found = await refused(service, PAYLOAD_TOO_LARGE, () => submitForm(service, parts, framing));
    expect(found.detail).toMatch(/20 MiB|20971520/);
  });

  test.for([
    ['one text', [text('prompt', 'x'.repeat(64 * 1024 + 1))]],
    ['many texts', Array.from({ length: 17 }, (_, index) => text(`text${index}`, 'x'.repeat(4096)))],
    ['a text before an image', [text('prompt', 'x'.repeat(64 * 1024 + 1)), png(6 * MIB)]],
    ['a text behind an image', [png(6 * MIB), text('prompt', 'x'.repeat(64 * 1024 + 1))]],
  ] as const)('%s of more than 64 KiB together', async ([_name, parts]) => {
    await refused(service, PAYLOAD_TOO_LARGE, () => submitForm(service, [...parts], framing));
  });
});

describe('a file that is not an image by its bytes', () => {
  test.for([
    ['text', Buffer.from('these are only words, whatever the name says')],
    ['nothing', Buffer.from('')],
    ['a GIF', Buffer.from(`GIF89a${'\0'.repeat(50)}`)],
    ['a HEIC', Buffer.from(`\0\0\0\x18ftypheic${'\0'.repeat(50)}`)],
    ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"></svg>')],
    ['a RIFF that is no WebP', Buffer.from(`RIFF\0\0\0\0WAVEfmt ${'\0'.repeat(50)}`)],
    ['a PNG from its second byte on', picture('image/png', 5000).subarray(1)],
    ['6 MiB of zeros', Buffer.alloc(6 * MIB)],
  ] as const)('%s in a chosen file named .png', async ([_name, bytes]) => {
    const found = await refusedForm(UNSUPPORTED_MEDIA_TYPE, [prompt, file(bytes)]);
    expect(found.detail).toMatch(/JPEG.*PNG.*WebP/);
  });
});

describe('invalid fields of a form', () => {
  const invalid = (...parts: Part[]): Promise<Problem> => refusedForm(INVALID_PARAMETER, parts);

  test('are all reported, and a valid image of 20 MiB is not stored', async () => {
    const found = await invalid(
      png(MAX_IMAGE_BYTES),
      text('prompt', ''),
      text('promptOptimizer', 'perhaps'),
      text('resolution', '4K'),
      text('duration', '7'),
      text('seed', '42'),
    );
    const named = ['prompt', 'promptOptimizer', 'resolution', 'duration', 'seed'];
    expect(fieldNames(found)).toEqual(named);
    expect(messageFor(found, 'duration')).toMatch(/6.*10/);
  });

  test('an image and a URL, in either order', async () => {
    for (const parts of [
      [prompt, png(), text('inputImageFirstUrl', LINK)],
      [text('inputImageFirstUrl', LINK), prompt, png(6 * MIB)],
    ]) {
      const found = await invalid(...parts);
      expect(fieldNames(found)).toEqual([expect.stringMatching(/^inputImageFirst(Url)?$/)]);
      expect(found.detail).toMatch(/both/);
    }
  });

  const small = picture('image/png', 100);
  const forms: [string, Part[], string][] = [
    ['no prompt', [png()], 'prompt'],
    ['a second image', [prompt, png(), png(6 * MIB)], 'inputImageFirst'],
    ['a second, not chosen', [prompt, png(), file('', 'inputImageFirst', '')], 'inputImageFirst'],
    ['a second, not an image', [prompt, png(), file('only words')], 'inputImageFirst'],
    ['text in place of the image', [prompt, text('inputImageFirst', LINK)], 'inputImageFirst'],
    ['the prompt as a file', [file(small, 'prompt')], 'prompt'],
    ['the address as a file', [prompt, file(small, 'inputImageFirstUrl')], 'inputImageFirstUrl'],
    ['an unknown file', [prompt, file(small, 'inputImageLast')], 'inputImageLast'],
    ['an unknown text', [prompt, png(), text('callbackUrl', LINK)], 'callbackUrl'],
    ['a text twice', [prompt, png(), prompt], 'prompt'],
    ['1080P with 10 s', [prompt, text('resolution', '1080P'), text('duration', '10')], 'duration'],
    [
      'a private address',
      [prompt, text('inputImageFirstUrl', 'https://10.0.0.1/a.png')],
      'inputImageFirstUrl',
    ],
  ];
  test.for(forms)('%s', async ([_name, parts, field]) => {
    expect(fieldNames(await invalid(...parts))).toEqual([field]);
  });

  test('20 of 48 unknown fields are named, and a form with 49 parts is refused', async () => {
    const many = Array.from({ length: 48 }, (_, index) => text(`field${index}`, ''));
    const found = await invalid(...many);
    expect(fieldNames(found)).toEqual(many.slice(0, 20).map(({ name }) => name));
    await refusedForm(INVALID_REQUEST, [...many, prompt]);
    await refusedForm(INVALID_REQUEST, [png(6 * MIB), ...many]);
  });
});

describe('an unreadable form', () => {
  const good = formBody([prompt, png(6 * MIB)]);

  test.for([
    ['no boundary', 'multipart/form-data'],
    ['an empty boundary', 'multipart/form-data; boundary='],
    ['a boundary that is too long', `multipart/form-data; boundary=${'x'.repeat(71)}`],
    ['a boundary that is not the body’s', 'multipart/form-data; boundary=another'],
  ] as const)('%s', async ([_name, contentType]) => {
    await refused(service, INVALID_REQUEST, () => submitBody(service, contentType, good));
  });

  describe.for(FRAMINGS)('%s', (framing) => {
    const image = Buffer.concat([formBody([prompt], ''), formBody([png(6 * MIB)], '')]);
    test.for([
      ['nothing', Buffer.from('')],
      ['a form without its closing boundary', image],
      ['a form cut inside its closing boundary', good.subarray(0, good.length - 6)],
      ['a form cut inside the image', image.subarray(0, 3 * MIB)],
      ['a form cut inside the headers of the image', image.subarray(0, image.indexOf('image/png'))],
      [
        'a part without a name',
        Buffer.from(formBody([png()]).toString().replace('; name="inputImageFirst"', '')),
      ],
      ['text that is not UTF-8', formBody([{ name: 'prompt', value: Buffer.from('caf\xe9', 'latin1') }])],
    ] as const)('%s', async ([_name, body]) => {
      await refused(service, INVALID_REQUEST, () =>
        submitBody(service, FORM_TYPE, Buffer.from(body), framing),
      );
    });
  });
});

test('a connection that breaks during the upload leaves nothing behind', async () => {
  const before = await traces(service);
  const body = formBody([prompt, png(MAX_IMAGE_BYTES)]);
  await sentInPart(service, FORM_TYPE, body, 12 * MIB);
  // The rest of the body was read to its end.
  expect((await submitForm(service, [png(MAX_IMAGE_BYTES)])).status).toBe(400);
  expect(await traces(service)).toEqual(before);
});
