// Uploads that break on either side: Wiro gets no file, and the caller gets the right error.
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AnswerFault } from '../../../sim/index.ts';
import { type DirectService, startDirect } from '../support/direct.ts';
import {
  expectProblem,
  fieldNames,
  INVALID_PARAMETER,
  INVALID_REQUEST,
  PAYLOAD_TOO_LARGE,
  type Refusal,
} from '../support/refusals.ts';
import { FRAMINGS, formBody, type Part, postBody, sentInPart } from '../support/requests/bodies.ts';
import { MAX_IMAGE_BYTES, MIB, picture } from '../support/requests/pictures.ts';
import {
  bytesAt,
  FORM_TYPE,
  filePart,
  folderCalls,
  UPLOAD,
  type UploadedFile,
  upload,
  uploadCalls,
  uploaded,
} from '../support/requests/uploads.ts';
import { sha256 } from '../support/stored.ts';
import type { Problem } from '../support/types.ts';

let service: DirectService;
beforeAll(async () => {
  service = await startDirect({ sim: { speed: 600 } });
});
afterAll(() => service.close());

const text = (name: string, value: string): Part => ({ name, value });
const png = (bytes = 5000) => filePart(picture('image/png', bytes));

/** Sends what makes an upload to Wiro begin and break off: it is not answered there, and leaves no file. */
async function brokenOff<T>(send: () => Promise<T>): Promise<T> {
  const [files, calls] = [service.sim.files.length, uploadCalls(service).length];
  const answer = await send();
  const call = await service.sim.waitForCall(UPLOAD, calls + 1);
  expect(call).toMatchObject({ status: 0 });
  expect(call).not.toHaveProperty('refused');
  expect(service.sim.files).toHaveLength(files);
  return answer;
}

const refused = (refusal: Refusal, send: () => Promise<Response>): Promise<Problem> =>
  brokenOff(async () => expectProblem(await send(), refusal));

// Smaller ones are read to their end first: file-length.test.ts.
describe.for(FRAMINGS)('an error in the middle of the body, %s', (framing) => {
  test('20 MiB and a byte are refused, 20 MiB are accepted', async () => {
    const most = await uploaded(service, png(MAX_IMAGE_BYTES), framing);
    expect(sha256(await bytesAt(service, most.url))).toBe(sha256(picture('image/png', MAX_IMAGE_BYTES)));
    const parts = [png(MAX_IMAGE_BYTES + 1)];
    const found = await refused(PAYLOAD_TOO_LARGE, () => upload(service, parts, framing));
    expect(found.detail).toMatch(/^file .*20971520 bytes \(20 MiB\)/);
  });

  const late: [string, Part[], string[]][] = [
    ['a second file', [png(), png(6 * MIB)], ['file']],
    ['an unknown text behind the file', [png(6 * MIB), text('intent', 'vision')], ['intent']],
    ['several', [png(6 * MIB), text('a', '1'), png(), text('b', '2')], ['a', 'file', 'b']],
  ];
  test.for(late)('%s', async ([_name, parts, fields]) => {
    const found = await refused(INVALID_PARAMETER, () => upload(service, parts, framing));
    expect(fieldNames(found)).toEqual(fields);
  });

  test('a missing end', async () => {
    const good = formBody([png(6 * MIB)]);
    const cut = good.subarray(0, good.length - 6);
    await refused(INVALID_REQUEST, () => postBody(service, '/v1/files', FORM_TYPE, cut, framing));
  });
});

test('30 MiB without a declared length are refused', async () => {
  const found = await refused(PAYLOAD_TOO_LARGE, () => upload(service, [png(30 * MIB)], 'streamed'));
  expect(found.detail).toMatch(/^file /);
});

test('a client that disconnects during the upload causes no error', async () => {
  // Lines of `wrangler dev` itself are ignored.
  const ownLines = () => service.logs().filter((line) => line.includes('"level":'));
  const before = ownLines();
  const body = formBody([png(MAX_IMAGE_BYTES)]);
  await brokenOff(() => sentInPart(service, FORM_TYPE, body, 12 * MIB, '/v1/files'));
  await uploaded(service, png());
  expect(ownLines()).toEqual(before);
});

test('the first bytes reach Wiro before the client has sent the last ones', async () => {
  const calls = uploadCalls(service).length;
  const body = formBody([png(5 * MIB)]);
  const headers = { 'content-type': FORM_TYPE, 'content-length': body.length };
  const sent = request(new URL('/v1/files', service.origin), { method: 'POST', headers });
  const answered = new Promise<UploadedFile>((resolve, reject) => {
    sent.on('error', reject).on('response', async (answer) => {
      resolve(JSON.parse(Buffer.concat(await answer.toArray()).toString()) as UploadedFile);
    });
  });
  sent.write(body.subarray(0, MIB));
  await expect.poll(() => uploadCalls(service).length, { timeout: 30_000 }).toBe(calls + 1);
  expect(uploadCalls(service).at(-1)).toMatchObject({ status: 0 });
  sent.end(body.subarray(MIB));
  expect(await answered).toMatchObject({ object: 'file', bytes: 5 * MIB });
});

describe('Wiro breaks the connection: 503, and the same request may be repeated', () => {
  test.for<[string, AnswerFault]>([
    ['before it has processed it', { kind: 'reset' }],
    ['when it has processed it', { kind: 'lost', how: 'reset' }],
  ])('%s', async ([_name, fault]) => {
    service.sim.script('', { upload: [fault] });
    const response = await upload(service, [png()]);
    const { detail } = await expectProblem(response, [503, 'upstream_unavailable']);
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(detail).not.toMatch(/connection|Wiro/i);
    await uploaded(service, png());
  });
});

describe.for(FRAMINGS)('Wiro answers without reading the file: the client gets 503, %s', (framing) => {
  test.for<AnswerFault>([{ kind: 'reset' }, { kind: 'status', status: 503 }])('%o', async (fault) => {
    for (let turn = 0; turn < 5; turn++) {
      service.sim.script('', { gateway: [fault] });
      const response = await upload(service, [png(MAX_IMAGE_BYTES)], framing);
      await expectProblem(response, [503, 'upstream_unavailable']);
    }
  });
});

test('after a restart the Worker uses the same folder', async () => {
  await service.dev.kill('SIGKILL');
  await service.dev.start();
  await Promise.all(Array.from({ length: 5 }, () => uploaded(service, png())));
  expect(folderCalls(service)).toHaveLength(1);
  expect(service.sim.folders).toHaveLength(1);
});

test('a creation of the folder that is never answered delays no upload for long', async () => {
  const slow = await startDirect();
  try {
    slow.sim.script('', { folder: [{ kind: 'hang' }] });
    const answers = await Promise.all(Array.from({ length: 3 }, () => upload(slow, [png()])));
    for (const answer of answers) await expectProblem(answer, [503, 'upstream_unavailable']);
    await uploaded(slow, png());
    expect(folderCalls(slow)).toHaveLength(2);
  } finally {
    await slow.close();
  }
});

test('an unreachable Wiro is 503', async () => {
  const lonely = await startDirect({ vars: { WIRO_API_URL: 'http://127.0.0.1:1/v1' } });
  try {
    const response = await upload(lonely, [png()]);
    await expectProblem(response, [503, 'upstream_unavailable']);
    expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
  } finally {
    await lonely.close();
  }
});
