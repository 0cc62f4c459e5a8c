// Folders, uploads and the price list.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REFUSALS, type Sim, startSim } from '../../sim/index.ts';
import { ask, multipart, PNG, signedHeaders } from './support/client.ts';

let sim: Sim;
beforeAll(async () => {
  sim = await startSim();
});
afterAll(() => sim.close());

test('an uploaded file is in its folder and on the CDN', async () => {
  const folder = (await ask(sim, '/File/FolderCreate', { name: 'hailuo-worker_1' })).list[0]!;
  expect(folder).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{32}$/), name: 'hailuo-worker_1' });
  const file = new File([PNG], 'cat picture.png', { type: 'image/png' });
  const { result, list } = await ask(sim, '/File/Upload', multipart({ file, folderid: String(folder.id) }));
  expect(result).toBe(true);
  expect(list[0]).toMatchObject({
    name: 'cat picture.png',
    contenttype: 'image/png',
    size: String(PNG.length),
    parentid: folder.id,
    accesskey: expect.stringMatching(/^\w{30}$/),
  });
  // The address is public, so that a Run may name it; the bytes are served here.
  const { protocol, hostname, pathname } = new URL(String(list[0]!.url));
  expect([protocol, hostname]).toEqual(['https:', 'cdn1.wiro.ai']);
  const response = await fetch(sim.url + pathname);
  expect(response.headers.get('content-type')).toBe('image/png');
  expect(Buffer.from(await response.bytes())).toEqual(PNG);
  expect(sim.rejections()).toEqual([]);
  expect(sim.folders).toMatchObject([{ id: folder.id, name: 'hailuo-worker_1' }]);
  expect(sim.files).toMatchObject([{ name: 'cat picture.png', folderId: folder.id }]);
});

test('a deleted folder accepts no files', async () => {
  const folder = (await ask(sim, '/File/FolderCreate', { name: 'short-lived' })).list[0]!;
  sim.deleteFolder(String(folder.id));
  const file = new File([PNG], 'late.png', { type: 'image/png' });
  expect(await ask(sim, '/File/Upload', multipart({ file, folderid: String(folder.id) }))).toMatchObject({
    result: false,
    errors: [{ code: 1 }],
  });
  expect(sim.files.map(({ name }) => name)).not.toContain('late.png');
});

test('if folders are refused, a file can still be stored in the root folder', async () => {
  const folder = (await ask(sim, '/File/FolderCreate', { name: 'before' })).list[0]!;
  sim.refusesFolders = true;
  const refusal = { result: false, errors: REFUSALS.permission.errors };
  expect(await ask(sim, '/File/FolderCreate', { name: 'refused' })).toEqual(refusal);
  const file = new File([PNG], 'root.png', { type: 'image/png' });
  expect(await ask(sim, '/File/Upload', multipart({ file, folderid: String(folder.id) }))).toEqual(refusal);
  const { list } = await ask(sim, '/File/Upload', multipart({ file }));
  expect(list[0]).toMatchObject({ name: 'root.png', parentid: sim.rootFolderId });
  expect(sim.folders.map(({ name }) => name)).not.toContain('refused');
  expect(sim.rejections()).toEqual([]);
  sim.refusesFolders = false;
  expect(await ask(sim, '/File/FolderCreate', { name: 'after' })).toMatchObject({ result: true });
});

test('where a length is required, a body without one is answered 411 and not read', async () => {
  sim.refusesChunked = true;
  const file = new File([PNG], 'long.png', { type: 'image/png' });
  const stream = new Response(multipart({ file }));
  const chunked: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    headers: { ...signedHeaders(sim), 'content-type': stream.headers.get('content-type') ?? '' },
    body: stream.body,
    duplex: 'half',
  };
  expect((await fetch(`${sim.apiUrl}/File/Upload`, chunked)).status).toBe(411);
  expect(sim.files.map(({ name }) => name)).not.toContain('long.png');
  expect((await ask(sim, '/File/Upload', multipart({ file }))).result).toBe(true);
  sim.refusesChunked = false;
});

test('invalid folder names, unknown folders and missing files are refused', async () => {
  const file = new File([PNG], 'a.png');
  const unknownFolder = multipart({ file, folderid: 'nowhere' });
  expect(await ask(sim, '/File/Upload', unknownFolder)).toMatchObject({ errors: [{ code: 1 }] });
  expect(await ask(sim, '/File/FolderCreate', { name: 'two words' })).toMatchObject({
    errors: [{ code: 0 }],
  });
  expect(await ask(sim, '/File/FolderCreate', {})).toMatchObject({ errors: [{ code: 0 }] });
  expect(await ask(sim, '/File/Upload', multipart({ folderid: '' }))).toMatchObject({
    errors: [{ code: 0 }],
  });
  expect(await ask(sim, '/File/FolderCreate', { name: 'one', colour: 'red' })).toMatchObject({
    errors: [{ code: 0 }],
  });
  expect(await ask(sim, '/File/Upload', multipart({ file, folder: '' }))).toMatchObject({
    errors: [{ code: 0 }],
  });
  expect(sim.rejections()).toHaveLength(5);
});

test('the price list is JSON in a string', async () => {
  const { tool } = await ask(sim, '/Tool/Detail', { slugowner: 'minimax', slugproject: 'hailuo-2-3' });
  expect(JSON.parse(String(tool[0]!.dynamicprice))).toContainEqual({
    inputs: { resolution: '768P', duration: '6' },
    price: 0.28,
    priceMethod: 'cpr',
  });
  const unknown = await ask(sim, '/Tool/Detail', { slugowner: 'minimax', slugproject: 'other' });
  expect(unknown).toMatchObject({ result: false, errors: [{ code: 1 }] });
});
