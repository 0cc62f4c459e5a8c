// POST /v1/videos with a valid form: the image reaches Wiro and R2 unchanged.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOUNDARY, FRAMINGS, type Framing, type Part, submitForm } from '../support/requests/bodies.ts';
import {
  MAX_IMAGE_BYTES,
  MIB,
  PICTURE_TYPES,
  type PictureType,
  picture,
} from '../support/requests/pictures.ts';
import { onlyRun, RUN_FIELDS } from '../support/runs.ts';
import { type Service, startService } from '../support/service.ts';
import { sha256 } from '../support/stored.ts';
import type { Video } from '../support/types.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: 0 } });
});
afterAll(() => service.close());

async function taken(parts: Part[], framing?: Framing): Promise<Video> {
  const response = await submitForm(service, parts, framing);
  expect(response.status, await response.clone().text()).toBe(202);
  return (await response.json()) as Video;
}

function file(value: Uint8Array, given: Partial<Part> = {}): Part {
  return { name: 'inputImageFirst', filename: 'frame.bin', value, ...given };
}

/** The image as Wiro got it, as R2 holds it and as the Video tells of it. */
async function expectArrived(video: Video, type: PictureType, bytes: Uint8Array): Promise<void> {
  const run = onlyRun(service.sim, video.input.prompt);
  expect(run.status).toBe(200);
  expect(run.fieldOrder).toEqual(RUN_FIELDS);
  expect(run.fields).toMatchObject({ inputImageFirstUrl: '' });
  expect(run.file).toMatchObject({
    field: 'inputImageFirst',
    contentType: type,
    size: bytes.length,
    sha256: sha256(bytes),
  });
  const stored = await service.bindings.VIDEOS.get(`inputs/${video.id}`);
  expect(stored!.httpMetadata?.contentType).toBe(type);
  expect(sha256(new Uint8Array(await stored!.arrayBuffer()))).toBe(sha256(bytes));
  expect(video.input).toMatchObject({
    inputImageFirst: { content_type: type, size: bytes.length },
    inputImageFirstUrl: null,
  });
  // The progress changes while the image is compared.
  expect(await service.video(video.id)).toEqual({ ...video, progress: expect.any(Number) });
}

async function expectNoImage(video: Video, inputImageFirstUrl: string | null): Promise<void> {
  const run = onlyRun(service.sim, video.input.prompt);
  expect(run.file).toBeUndefined();
  expect(run.fieldOrder).toEqual(RUN_FIELDS);
  expect(run.fields).toMatchObject({ inputImageFirst: '', inputImageFirstUrl: inputImageFirstUrl ?? '' });
  expect(video.input).toMatchObject({ inputImageFirst: null, inputImageFirstUrl });
  expect(await service.bindings.VIDEOS.head(`inputs/${video.id}`)).toBeNull();
}

describe.for(FRAMINGS)('an image reaches Wiro unchanged, %s', (framing) => {
  test.for(PICTURE_TYPES)('%s', async (type) => {
    const bytes = picture(type, 70_001);
    const prompt = `a ${type} in a form ${framing}`;
    await expectArrived(await taken([{ name: 'prompt', value: prompt }, file(bytes)], framing), type, bytes);
  });

  const sizes = [12, 65_536, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 10 * MIB, MAX_IMAGE_BYTES];
  test.for(sizes)('of %d bytes', async (size) => {
    const bytes = picture('image/png', size);
    const prompt = `an image of ${size} bytes in a form ${framing}`;
    const video = await taken([{ name: 'prompt', value: prompt }, file(bytes)], framing);
    await expectArrived(video, 'image/png', bytes);
  });

  test('with bytes that look like the end of the part', async () => {
    const lookalikes = [
      `--${BOUNDARY}--\r\n`,
      `\n--${BOUNDARY}\n`,
      `\r\n--${BOUNDARY.slice(0, -1)}\r\n`,
      `\r\n-${BOUNDARY}\r\n`,
      `\r\r\n--boundary\r\n\r\n`,
      '\r\n--',
      '\r',
    ];
    // At all positions relative to the chunks.
    const content = Buffer.from(lookalikes.join('x').repeat(3001));
    const bytes = picture('image/jpeg', content.length + 12, content);
    const prompt = `an image with delimiters in a form ${framing}`;
    const video = await taken([{ name: 'prompt', value: prompt }, file(bytes)], framing);
    await expectArrived(video, 'image/jpeg', bytes);
  });
});

describe('an image is accepted', () => {
  const bytes = picture('image/webp', 3000);

  test('before the text fields, which are still read', async () => {
    const prompt = 'the image comes first';
    const video = await taken([
      file(bytes),
      { name: 'prompt', value: prompt },
      { name: 'promptOptimizer', value: 'false' },
      { name: 'resolution', value: '1080P' },
      { name: 'duration', value: '6' },
      { name: 'inputImageFirstUrl', value: '' },
    ]);
    await expectArrived(video, 'image/webp', bytes);
    const chosen = { promptOptimizer: false, resolution: '1080P', duration: 6 };
    expect(video.input).toMatchObject({ prompt, ...chosen });
    const sent = { promptOptimizer: 'false', resolution: '1080P', duration: '6' };
    expect(onlyRun(service.sim, prompt).fields).toMatchObject(sent);
  });

  test.for([
    ['image/png', 'frame.png'],
    ['text/plain', 'notes.txt'],
    ['image/gif', 'dance.gif'],
    [undefined, 'no-ending'],
    ['image/png', 'name with \\"quotes\\"; and more.png'],
    ['image/png', '猫.png'],
  ] as const)('with the type of its bytes if it is named %s, %s', async ([contentType, filename]) => {
    const prompt = `an image called ${contentType} and ${filename}`;
    const image = file(bytes, { filename, ...(contentType && { contentType }) });
    await expectArrived(await taken([{ name: 'prompt', value: prompt }, image]), 'image/webp', bytes);
  });

  test('in a form of a browser', async () => {
    const form = new FormData();
    form.append('inputImageFirst', new File([bytes], 'frame.webp', { type: 'image/webp' }));
    form.append('inputImageFirstUrl', '');
    form.append('prompt', 'sent by a browser');
    const response = await service.fetch('/v1/videos', { method: 'POST', body: form });
    expect(response.status).toBe(202);
    await expectArrived((await response.json()) as Video, 'image/webp', bytes);
  });
});

describe('a form without an image is accepted', () => {
  const unchosen = file(Buffer.from(''), { filename: '', contentType: 'application/octet-stream' });
  const link = 'https://images.example.com/first.png';
  const field = (name: string, value: string): Part => ({ name, value });

  const forms: [string, Part[], string | null][] = [
    ['of text alone', [], null],
    ['with an empty text for the image', [field('inputImageFirst', '')], null],
    ['with a file that was not chosen', [unchosen], null],
    ['with an address', [field('inputImageFirstUrl', link)], link],
    ['with an address and a file not chosen', [unchosen, field('inputImageFirstUrl', link)], link],
  ];
  test.for(forms)('%s', async ([name, parts, url]) => {
    const prompt = `nothing to start from, ${name}`;
    await expectNoImage(await taken([...parts, field('prompt', prompt)]), url);
  });

  test('with all text fields', async () => {
    const prompt = 'text only, "ünïcödé"\nand lines';
    const video = await taken([
      field('duration', '10'),
      field('resolution', '768P'),
      field('promptOptimizer', 'false'),
      // The line breaks that browsers send in forms.
      field('prompt', prompt.replace('\n', '\r\n')),
    ]);
    await expectNoImage(video, null);
    expect(video.input).toMatchObject({ prompt, promptOptimizer: false, resolution: '768P', duration: 10 });
    const sent = { promptOptimizer: 'false', resolution: '768P', duration: '10' };
    expect(onlyRun(service.sim, prompt).fields).toMatchObject(sent);
  });
});
