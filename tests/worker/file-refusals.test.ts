// POST /v1/files refused: the answer names what is wrong, and Wiro has no file of it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FRAMINGS, formBody, type Part, postBody, sentInPart } from './bodies.ts';
import { MAX_IMAGE_BYTES, MIB, picture } from './pictures.ts';
import {
  expectProblem,
  fieldNames,
  INVALID_PARAMETER,
  INVALID_REQUEST,
  PAYLOAD_TOO_LARGE,
  type Refusal,
  refused,
  UNSUPPORTED_MEDIA_TYPE,
} from './refusals.ts';
import { type Service, startService } from './service.ts';
import type { Problem } from './types.ts';
import { FORM_TYPE, filePart, UPLOAD, upload, uploadCalls, uploaded } from './uploads.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 0 } });
  // From here on there is a folder, and no call can be taken for its making.
  await uploaded(service, png(100));
});
afterAll(() => service.close());

const text = (name: string, value: string): Part => ({ name, value });
const png = (bytes = 5000) => filePart(picture('image/png', bytes));

/** Refused after the upload to Wiro had begun: it was broken off. */
async function brokenOff(refusal: Refusal, send: () => Promise<Response>): Promise<Problem> {
  const [files, calls] = [service.sim.files.length, uploadCalls(service).length];
  const found = await expectProblem(await send(), refusal);
  const call = await service.sim.waitForCall(UPLOAD, calls + 1);
  expect(call).toMatchObject({ status: 0 });
  expect(call).not.toHaveProperty('file');
  expect(service.sim.files).toHaveLength(files);
  return found;
}

describe.for(FRAMINGS)('too large, %s', (framing) => {
  test('20 MiB and a byte', async () => {
    const found = await brokenOff(PAYLOAD_TOO_LARGE, () =>
      upload(service, [png(MAX_IMAGE_BYTES + 1)], framing),
    );
    expect(found.detail).toMatch(/^file .*20971520 bytes \(20 MiB\)/);
  });

  test('30 MiB', async () => {
    const send = () => upload(service, [png(30 * MIB)], framing);
    const found =
      framing === 'streamed'
        ? await brokenOff(PAYLOAD_TOO_LARGE, send)
        : await refused(service, PAYLOAD_TOO_LARGE, send);
    expect(found.detail).toMatch(/^file .*20 MiB/);
  });
});

describe('not an image by its bytes', () => {
  test.for([
    ['text', Buffer.from('these are only words, whatever the name says')],
    ['nothing', Buffer.from('')],
    ['eleven bytes of a PNG', picture('image/png', 12).subarray(0, 11)],
    ['a GIF', Buffer.from(`GIF89a${'\0'.repeat(50)}`)],
    ['6 MiB of zeros', Buffer.alloc(6 * MIB)],
  ] as const)('%s called .png', async ([_name, bytes]) => {
    const send = () => upload(service, [filePart(bytes)]);
    const found = await refused(service, UNSUPPORTED_MEDIA_TYPE, send);
    expect(found.detail).toMatch(/^file .*JPEG.*PNG.*WebP/);
  });
});

describe('fields', () => {
  const early: [string, Part[], string[]][] = [
    ['nothing', [], ['file']],
    ['a text in its place', [text('file', 'cat.png')], ['file']],
    ['a file that was not chosen', [filePart('', '')], ['file']],
    ['a file under another name', [{ ...png(), name: 'image' }], ['image', 'file']],
    ['an unknown text before it', [text('purpose', 'vision'), png()], ['purpose']],
    ['an unknown file before it', [{ ...png(), name: 'File' }, png()], ['File']],
    ['a text before the file, both called file', [text('file', 'a'), png()], ['file']],
  ];
  test.for(early)('%s: Wiro is not asked', async ([_name, parts, fields]) => {
    const found = await refused(service, INVALID_PARAMETER, () => upload(service, parts));
    expect(fieldNames(found)).toEqual(fields);
  });

  const late: [string, Part[], string[]][] = [
    ['a second file', [png(), png(6 * MIB)], ['file']],
    ['an unknown text behind it', [png(3 * MIB), text('purpose', 'vision')], ['purpose']],
    ['several', [png(), text('a', '1'), png(), text('b', '2')], ['a', 'file', 'b']],
  ];
  test.for(late)('%s: the upload is broken off', async ([_name, parts, fields]) => {
    const found = await brokenOff(INVALID_PARAMETER, () => upload(service, parts));
    expect(fieldNames(found)).toEqual(fields);
  });
});

describe('unreadable', () => {
  const good = formBody([png(6 * MIB)]);

  test.for([undefined, 'application/json', 'image/png'])('as %s', async (contentType) => {
    await refused(service, UNSUPPORTED_MEDIA_TYPE, () =>
      postBody(service, '/v1/files', contentType, Buffer.from('{}')),
    );
  });

  test.for([
    ['no boundary', 'multipart/form-data', good],
    ['another boundary', 'multipart/form-data; boundary=another', good],
    ['no body', FORM_TYPE, Buffer.from('')],
  ] as const)('%s', async ([_name, contentType, body]) => {
    await refused(service, INVALID_REQUEST, () => postBody(service, '/v1/files', contentType, body));
  });

  test.for(FRAMINGS)('without its end, %s', async (framing) => {
    const cut = good.subarray(0, good.length - 6);
    await brokenOff(INVALID_REQUEST, () => postBody(service, '/v1/files', FORM_TYPE, cut, framing));
  });
});

test('a caller that vanishes half way leaves nothing, and nobody complains', async () => {
  const [files, calls] = [service.sim.files.length, uploadCalls(service).length];
  const lines = service.logs().length;
  await sentInPart(service, FORM_TYPE, formBody([png(MAX_IMAGE_BYTES)]), 12 * MIB, '/v1/files');
  const call = await service.sim.waitForCall(UPLOAD, calls + 1);
  expect(call).toMatchObject({ status: 0 });
  expect(service.sim.files).toHaveLength(files);
  await uploaded(service, png());
  expect(service.logs().slice(lines)).toEqual([]);
});
