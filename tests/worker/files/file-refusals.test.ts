// POST /v1/files refused before Wiro was called: the response has the reason. file-transport.test.ts has errors that
// are found later.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import {
  fieldNames,
  INVALID_PARAMETER,
  INVALID_REQUEST,
  PAYLOAD_TOO_LARGE,
  type Refusal,
  refused,
  UNSUPPORTED_MEDIA_TYPE,
} from '../support/refusals.ts';
import { formBody, type Part, postBody } from '../support/requests/bodies.ts';
import { MIB, picture } from '../support/requests/pictures.ts';
import { FORM_TYPE, filePart, upload } from '../support/requests/uploads.ts';
import { type Service, startService } from '../support/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 0 } });
});
afterAll(() => service.close());

const UNAUTHORIZED: Refusal = [401, 'unauthorized'];

const text = (name: string, value: string): Part => ({ name, value });
const png = (bytes = 5000) => filePart(picture('image/png', bytes));

test('a declared length above 20 MiB is refused', async () => {
  const found = await refused(service, PAYLOAD_TOO_LARGE, () => upload(service, [png(30 * MIB)]));
  expect(found.detail).toMatch(/^file .*20971520 bytes \(20 MiB\)/);
});

describe('a file that is not an image by its bytes is refused', () => {
  test.for([
    ['text', Buffer.from('these are only words, whatever the name says')],
    ['nothing', Buffer.from('')],
    ['eleven bytes of a PNG', picture('image/png', 12).subarray(0, 11)],
    ['a GIF', Buffer.from(`GIF89a${'\0'.repeat(50)}`)],
    ['6 MiB of zeros', Buffer.alloc(6 * MIB)],
  ] as const)('%s named .png', async ([_name, bytes]) => {
    const send = () => upload(service, [filePart(bytes)]);
    const found = await refused(service, UNSUPPORTED_MEDIA_TYPE, send);
    expect(found.detail).toMatch(/^file .*JPEG.*PNG.*WebP/);
  });
});

describe('invalid fields', () => {
  const early: [string, Part[], string[]][] = [
    ['nothing', [], ['file']],
    ['a text in its place', [text('file', 'cat.png')], ['file']],
    ['a file that was not chosen', [filePart('', '')], ['file']],
    ['a file under another name', [{ ...png(), name: 'image' }], ['image', 'file']],
    ['an unknown text before it', [text('colour', 'red'), png()], ['colour']],
    ['an unknown file before it', [{ ...png(), name: 'File' }, png()], ['File']],
    ['a text before the file, both called file', [text('file', 'a'), png()], ['file', 'file']],
  ];
  test.for(early)('%s: Wiro is not called', async ([_name, parts, fields]) => {
    const found = await refused(service, INVALID_PARAMETER, () => upload(service, parts));
    expect(fieldNames(found)).toEqual(fields);
  });
});

describe('an unreadable body is refused', () => {
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
});

test('with client tokens an upload needs one', async () => {
  const guarded = await startService({ secrets: { CLIENT_TOKENS } });
  try {
    const send = (headers: Record<string, string>) =>
      guarded.fetch('/v1/files', {
        method: 'POST',
        headers: { 'content-type': FORM_TYPE, ...headers },
        body: formBody([png()]),
      });
    await refused(guarded, UNAUTHORIZED, () => send({}));
    expect((await send({ authorization: `Bearer ${ALICE}` })).status).toBe(200);
  } finally {
    await guarded.close();
  }
});
