// The folder for uploads, and all answers of Wiro to uploads.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { REFUSALS } from '../../../sim/endpoints/refusals.ts';
import type { AnswerFault } from '../../../sim/index.ts';
import { expectProblem, type Refusal } from '../support/refusals.ts';
import { picture } from '../support/requests/pictures.ts';
import { fileAt, filePart, folderCalls, upload, uploadCalls, uploaded } from '../support/requests/uploads.ts';
import { type Service, startService } from '../support/service.ts';

const UPSTREAM_ERROR: Refusal = [502, 'upstream_error'];
const UPSTREAM_UNAVAILABLE: Refusal = [503, 'upstream_unavailable'];

let service: Service;
beforeEach(async () => {
  service = await startService({ sim: { speed: 0 } });
});
afterEach(() => service.close());

const image = filePart(picture('image/png', 20_000));
const folderOf = (service: Service, url: string) => fileAt(service, url).folderId;
const times = <T>(count: number, make: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, make));

test('twenty concurrent uploads create one folder', async () => {
  const files = await times(20, () => uploaded(service, image));
  expect(new Set(files.map(({ url }) => url)).size).toBe(20);
  expect(folderCalls(service)).toHaveLength(1);
  const [{ id } = { id: '' }] = service.sim.folders;
  expect(service.sim.files.map(({ folderId }) => folderId)).toEqual(Array.from({ length: 20 }, () => id));
  await service.evictDispatcher();
  await times(5, () => uploaded(service, image));
  expect(folderCalls(service)).toHaveLength(1);
});

test('a failed creation of the folder is repeated by the next upload', async () => {
  service.sim.script('', { folder: [{ kind: 'status', status: 500 }] });
  const answers = await times(20, () => upload(service, [image]));
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) await expectProblem(answer, UPSTREAM_ERROR);
  await uploaded(service, image);
  expect(folderCalls(service)).toHaveLength(2);
  expect(service.sim.folders).toHaveLength(1);
});

test('a lost answer to the creation of the folder does not prevent another folder', async () => {
  service.sim.script('', { folder: [{ kind: 'lost', how: 'status' }] });
  await expectProblem(await upload(service, [image]), UPSTREAM_ERROR);
  const files = await times(3, () => uploaded(service, image));
  const [, heardOf] = service.sim.folders;
  expect(service.sim.folders).toHaveLength(2);
  for (const { url } of files) expect(fileAt(service, url).folderId).toBe(heardOf?.id);
});

test('a folder that was deleted at Wiro is created again, once', async () => {
  await uploaded(service, image);
  const [deleted] = service.sim.folders;
  service.sim.deleteFolder(deleted!.id);
  // Meanwhile files are uploaded without a folder.
  await times(5, () => uploaded(service, image));
  const files = await times(5, () => uploaded(service, image));
  const [remade] = service.sim.folders;
  for (const { url } of files) expect(fileAt(service, url).folderId).toBe(remade?.id);
  expect(folderCalls(service)).toHaveLength(2);
});

describe('if Wiro refuses folders', () => {
  test.for(['permission', 'taskNotExist'] as const)('an upload goes without a folder: %s', async (name) => {
    service.sim.script('', { folder: [REFUSALS[name]] });
    const file = await uploaded(service, image);
    expect(folderOf(service, file.url)).toBe(service.sim.rootFolderId);
    expect(uploadCalls(service)).toHaveLength(1);
    expect(service.logs().join('\n')).toContain('uploading without one');
  });

  test('a file that is refused in the folder is sent without it, once', async () => {
    service.sim.script('', { upload: [REFUSALS.permission] });
    const file = await uploaded(service, image);
    expect(folderOf(service, file.url)).toBe(service.sim.rootFolderId);
    expect(uploadCalls(service)).toHaveLength(2);
    expect(fileAt(service, file.url).size).toBe(20_000);
    expect(service.logs().join('\n')).toContain('uploading it without one');
  });

  test('and refuses files without one, the upload fails after one retry', async () => {
    service.sim.script('', { upload: [REFUSALS.permission, REFUSALS.permission] });
    await expectProblem(await upload(service, [image]), UPSTREAM_ERROR);
    expect(uploadCalls(service)).toHaveLength(2);
    await uploaded(service, image);
  });
});

describe('errors of Wiro in either call; the same request succeeds afterwards', () => {
  const account = { kind: 'error', message: 'Your balance is $0.12' } as const;
  const answers: [string, AnswerFault, Refusal, string | null][] = [
    ['HTTP 500', { kind: 'status', status: 500 }, UPSTREAM_ERROR, null],
    ['HTTP 502', { kind: 'status', status: 502 }, UPSTREAM_ERROR, null],
    ['HTTP 503', { kind: 'status', status: 503, retryAfter: 9 }, UPSTREAM_UNAVAILABLE, '9'],
    ['HTTP 429', { kind: 'status', status: 429, retryAfter: 17 }, UPSTREAM_UNAVAILABLE, '17'],
    ['HTTP 429 without a time', { kind: 'status', status: 429 }, UPSTREAM_UNAVAILABLE, '3'],
    ['HTTP 401', { kind: 'status', status: 401 }, UPSTREAM_UNAVAILABLE, '300'],
    ['code 97', { ...account, code: 97 }, UPSTREAM_UNAVAILABLE, '300'],
    ['code 99', { ...account, code: 99 }, UPSTREAM_UNAVAILABLE, '300'],
    ['garbage', { kind: 'garbage' }, UPSTREAM_ERROR, null],
    [
      'an empty list',
      { kind: 'status', status: 200, body: '{"result":true,"list":[]}' },
      UPSTREAM_ERROR,
      null,
    ],
  ];
  test.for(answers)('%s', async ([_name, fault, refusal, retryAfter]) => {
    for (const queue of ['folder', 'upload'] as const) {
      service.sim.script('', { [queue]: [fault] });
      const response = await upload(service, [image]);
      const { detail } = await expectProblem(response, refusal);
      expect(response.headers.get('retry-after')).toBe(retryAfter);
      expect(detail).not.toMatch(/balance|\$|Wiro/);
      await uploaded(service, image);
    }
    expect(service.sim.files).toHaveLength(2);
    expect(uploadCalls(service)).toHaveLength(3);
  });

  test('a size that differs from the file', async () => {
    const row = { url: 'https://cdn1.wiro.ai/cdn/a/frame.png', size: '19999' };
    const body = JSON.stringify({ result: true, errors: [], list: [row] });
    service.sim.script('', { upload: [{ kind: 'status', status: 200, body }] });
    await expectProblem(await upload(service, [image]), UPSTREAM_ERROR);
    await uploaded(service, image);
  });
});
