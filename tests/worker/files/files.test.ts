// POST /v1/files: an image is passed on to Wiro's files, and its URL can be used in submits.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FRAMINGS } from '../support/requests/bodies.ts';
import { MAX_IMAGE_BYTES, PICTURE_TYPES, picture } from '../support/requests/pictures.ts';
import {
  bytesAt,
  fileAt,
  filePart,
  folderCalls,
  upload,
  uploadCalls,
  uploaded,
} from '../support/requests/uploads.ts';
import { onlyRun, RUN_FIELDS } from '../support/runs.ts';
import { problem, type Service, startService } from '../support/service.ts';
import { sha256 } from '../support/stored.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 } });
});
afterAll(() => service.close());

describe.for(FRAMINGS)('an image reaches Wiro unchanged, %s', (framing) => {
  test.for(PICTURE_TYPES)('%s', async (type) => {
    const bytes = picture(type, 70_001);
    const file = await uploaded(service, filePart(bytes, 'my frame.png'), framing);
    const name = `my frame.${type === 'image/jpeg' ? 'jpg' : type.replace('image/', '')}`;
    expect(file).toEqual({
      id: expect.stringMatching(/^file_[\w-]{40,}$/),
      object: 'file',
      filename: name,
      bytes: bytes.length,
      content_type: type,
      created_at: expect.any(Number),
      purpose: 'vision',
      url: expect.stringMatching(/^https:\/\/cdn1\.wiro\.ai\/cdn\/[\w-]+\/my%20frame\.(png|jpg|webp)$/),
    });
    const call = uploadCalls(service).at(-1)!;
    expect(call.fieldOrder).toEqual(['folderid', 'file']);
    expect(call.file).toEqual({
      field: 'file',
      filename: name,
      contentType: type,
      size: bytes.length,
      sha256: sha256(bytes),
    });
    expect(await bytesAt(service, file.url)).toEqual(bytes);
  });

  test.for([12, 65_536, MAX_IMAGE_BYTES])('of %d bytes', async (size) => {
    const bytes = picture('image/png', size);
    const file = await uploaded(service, filePart(bytes), framing);
    expect(file.bytes).toBe(size);
    expect(await fileAt(service, file.url).sha256()).toBe(sha256(bytes));
  });
});

test('the URL of a file can be the first frame of many videos', async () => {
  const { url } = await uploaded(service, filePart(picture('image/jpeg', 30_000), 'rain.jpg'));
  for (const prompt of ['it begins to rain', 'it stops raining']) {
    const { id } = await service.accepted({ prompt, inputImageFirstUrl: url });
    expect(await service.ended(id)).toMatchObject({
      status: 'completed',
      input: { inputImageFirstUrl: url },
    });
    const run = onlyRun(service.sim, prompt);
    expect(run.fieldOrder).toEqual(RUN_FIELDS);
    expect(run.fields).toMatchObject({ inputImageFirst: '', inputImageFirstUrl: url });
  }
});

test('a form of a browser is accepted', async () => {
  const form = new FormData();
  form.append('file', new File([picture('image/webp', 3000)], 'cat.webp', { type: 'image/webp' }));
  const response = await service.fetch('/v1/files', { method: 'POST', body: form });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ filename: 'cat.webp', bytes: 3000 });
});

test('the id of a file can be the first frame, but not a made-up id', async () => {
  const file = await uploaded(service, filePart(picture('image/png', 2000)));
  const prompt = 'rain by its id';
  const { input } = await service.accepted({ prompt, input_reference: { file_id: file.id } });
  expect(input.inputImageFirstUrl).toBe(file.url);
  expect(onlyRun(service.sim, prompt).fields).toMatchObject({ inputImageFirstUrl: file.url });
  for (const file_id of [`${file.id.slice(0, -1)}A`, file.id.toUpperCase(), 'file_', file.url]) {
    const answer = await service.submit({ prompt, input_reference: { file_id } });
    expect((await problem(answer)).errors).toMatchObject([{ field: 'input_reference' }]);
  }
});

test('purpose may be before or after the file, and is returned', async () => {
  const purpose = { name: 'purpose', value: 'user_data' };
  const part = filePart(picture('image/png', 800));
  for (const parts of [
    [purpose, part],
    [part, purpose],
  ]) {
    const answer = await upload(service, parts);
    expect(await answer.json()).toMatchObject({ object: 'file', bytes: 800, purpose: 'user_data' });
  }
});

test('two uploads of the same bytes are two files', async () => {
  const part = filePart(picture('image/png', 500));
  const files = [await uploaded(service, part), await uploaded(service, part)];
  expect(new Set(files.map(({ id }) => id)).size).toBe(2);
  expect(new Set(files.map(({ url }) => url)).size).toBe(2);
});

describe('a malicious file name is cleaned, in the response and at Wiro', () => {
  test.for([
    ['a path', '../../etc/passwd', 'passwd.png'],
    ['a Windows path', 'C:\\fakepath\\cat.png', 'cat.png'],
    ['a path of curl’s spelling', 'C:\\\\fakepath\\\\cat.png', 'cat.png'],
    ['control characters', 'c\x01a\x7ft\t.png', 'cat.png'],
    ['line breaks', 'cat.png\nX-Evil: 1\n', 'cat.pngX-Evil: 1.png'],
    ['quotes', 'say \\"cat\\".png', 'say "cat".png'],
    ['another field', 'a\\"; name=\\"folderid', 'a"; name="folderid.png'],
    ['reordered text', 'gnp.\u202eexe', 'gnp.png'],
    ['the ending of another type', 'page.html', 'page.png'],
    ['only dots', '..', 'file.png'],
    ['nothing', '', 'file.png'],
    ['spaces', '   ', 'file.png'],
    ['300 characters', 'é'.repeat(300), `${'é'.repeat(251)}.png`],
    ['another script', '猫 & 犬?#%.png', '猫 & 犬?#%.png'],
  ] as const)('%s', async ([_name, given, cleaned]) => {
    const bytes = picture('image/png', 900);
    const file = await uploaded(service, filePart(bytes, given));
    expect(file.filename).toBe(cleaned);
    const call = uploadCalls(service).at(-1)!;
    expect(call.fieldOrder).toEqual(['folderid', 'file']);
    expect(call.file).toMatchObject({ filename: cleaned, sha256: sha256(bytes) });
    // The URL can be used whatever the name was.
    const submit = await service.submit({ prompt: `named by ${_name}`, inputImageFirstUrl: file.url });
    expect(submit.status).toBe(202);
    await service.ended(((await submit.json()) as { id: string }).id);
  });
});

test('all uploads used one folder, also after an eviction', async () => {
  await service.evictDispatcher();
  await uploaded(service, filePart(picture('image/png', 100)));
  expect(folderCalls(service)).toHaveLength(1);
  const [folder] = service.sim.folders;
  expect(folder?.name).toMatch(/^hailuo-worker-[0-9a-f]{16}$/);
  expect(service.sim.files.every(({ folderId }) => folderId === folder?.id)).toBe(true);
});
