// The models: their names, descriptions, and how each generation of parameters accepts images.
import { createHash } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { type ModelOptions, type Sim, type SimOptions, startSim } from '../../sim/index.ts';
import { ask, detail, multipart, PNG, run } from './support/client.ts';

const FAST = '/Run/minimax/hailuo-2-3-fast';
const LINK = 'https://example.com/in.png';
const VALUES = { prompt: 'zoom', promptOptimizer: 'true', resolution: '768P', duration: '6' };
const IMAGE = {
  sha256: createHash('sha256').update(PNG).digest('hex'),
  size: PNG.length,
  contentType: 'image/png',
};

const png = (name = 'frame.png') => new File([PNG], name, { type: 'image/png' });

let sim: Sim;
afterEach(() => sim.close());

async function start(model: ModelOptions, options: SimOptions = {}): Promise<void> {
  sim = await startSim({ models: { 'MiniMax/hailuo-2.3-fast': model }, ...options });
}

/** Runs the model and returns the task with its row. */
async function made(body: object) {
  const answer = await ask(sim, FAST, body);
  expect(answer).toMatchObject({ result: true });
  const task = sim.tasks.at(-1)!;
  return { task, row: await detail(sim, task.token) };
}

function itemsOf(tool: Record<string, unknown>): Record<string, unknown>[] {
  const groups = tool.parameters as { items: Record<string, unknown>[] }[];
  return groups.flatMap(({ items }) => items);
}

test('a model is found in any spelling', async () => {
  await start({ generation: 'seed' });
  for (const slug of ['MiniMax/hailuo-2.3-fast', 'minimax/hailuo-2-3-fast', 'MINIMAX/hailuo%202.3%20FAST']) {
    expect(await ask(sim, `/Run/${slug}`, VALUES)).toMatchObject({ result: true });
    expect(sim.tasks.at(-1)!.model).toBe('minimax/hailuo-2-3-fast');
  }
  const { tool } = await ask(sim, '/Tool/Detail', { slugowner: 'MiniMax', slugproject: 'hailuo 2.3 fast' });
  expect(tool).toMatchObject([
    {
      slugowner: 'MiniMax',
      slugproject: 'hailuo-2.3-fast',
      cleanslugowner: 'minimax',
      cleanslugproject: 'hailuo-2-3-fast',
    },
  ]);
});

test('an unknown model is refused', async () => {
  await start({ generation: 'seed' });
  const refusal = { result: false, errors: [{ code: 1, message: 'slug-owner-project-not-exist' }] };
  expect(await ask(sim, '/Run/minimax/hailuo-2-3', VALUES)).toEqual(refusal);
  const named = { slugowner: 'minimax', slugproject: 'other' };
  expect(await ask(sim, '/Tool/Detail', named)).toEqual(refusal);
  expect([sim.tasks, sim.rejections()]).toEqual([[], []]);
});

test('the default is one model of the generation seed, without a description', async () => {
  sim = await startSim();
  expect(await run(sim)).toMatchObject({ result: true });
  const { tool } = await ask(sim, '/Tool/Detail', { slugowner: 'minimax', slugproject: 'hailuo-2-3' });
  expect(tool[0]).toMatchObject({ parameters: null, categories: '["image-to-video","text-to-video"]' });
});

test('Tool/Detail describes the parameters in Wiro’s format', async () => {
  await start({ generation: 'combined', lastFrame: true, defaults: { resolution: '1080P' } });
  const { tool } = await ask(sim, '/Tool/Detail', { slugowner: 'minimax', slugproject: 'hailuo-2-3-fast' });
  expect(tool[0]!.categories).toEqual(['image-to-video', 'text-to-video']);
  expect(tool[0]!.parameters).toMatchObject([{ title: '', subtitle: '' }]);
  const items = itemsOf(tool[0]!);
  expect(items.map(({ id, type }) => [id, type])).toEqual([
    ['inputImage', 'combinefileinput'],
    ['prompt', 'textarea'],
    ['promptOptimizer', 'select'],
    ['resolution', 'select'],
    ['duration', 'select'],
    ['inputImageLast', 'combinefileinput'],
  ]);
  expect(items[3]).toEqual({
    id: 'resolution',
    type: 'select',
    required: true,
    defaultvalue: '1080P',
    options: [
      { value: '768P', text: '768P' },
      { value: '1080P', text: '1080P' },
    ],
    label: 'resolution',
    note: '',
  });
});

test('Run enforces the described parameters', async () => {
  const seed = { id: 'seed', type: 'number', required: false, defaultvalue: '', options: [], label: 'seed' };
  const model: ModelOptions = {
    generation: 'fileinput',
    firstFrame: 'required',
    prompt: 'optional',
    resolutions: ['512P'],
    durations: ['8'],
    extra: [seed],
  };
  await start(model);
  const { tool } = await ask(sim, '/Tool/Detail', { slugowner: 'minimax', slugproject: 'hailuo-2-3-fast' });
  const required = itemsOf(tool[0]!).map(({ id, required }) => [id, required]);
  expect(required).toEqual([
    ['inputImage', true],
    ['prompt', false],
    ['promptOptimizer', true],
    ['resolution', true],
    ['duration', true],
    ['seed', false],
  ]);
  const values = { promptOptimizer: 'true', resolution: '512P', duration: '8', inputImageUrl: LINK };
  await made({ ...values, seed: '7' });
  const refused = async (changes: object) => (await ask(sim, FAST, { ...values, ...changes })).errors[0];
  expect(await refused({ inputImageUrl: '' })).toEqual({
    code: 0,
    message: 'Request files [inputImage] required',
  });
  expect(await refused({ resolution: '768P' })).toMatchObject({ code: 0 });
  expect(await refused({ seed: 'x' })).toMatchObject({
    message: expect.stringContaining('integer or float'),
  });
  expect(await refused({ inputImage2Url: LINK })).toMatchObject({
    message: expect.stringContaining('[inputImage2Url] is unknown'),
  });
  expect(sim.rejections()).toHaveLength(4);
});

test('a model without images accepts none', async () => {
  await start({ generation: 'combined', firstFrame: 'none' });
  await made(VALUES);
  expect(await ask(sim, FAST, { ...VALUES, inputImage: [LINK] })).toMatchObject({ result: false });
});

test('seed: a file or a URL, each in its own field', async () => {
  await start({ generation: 'seed' });
  const file = await made(multipart({ inputImageFirst: png(), inputImageFirstUrl: '', ...VALUES }));
  expect(file.task.pictures).toEqual({ first: { file: IMAGE, filename: 'frame.png' } });
  expect(file.task.image).toEqual(IMAGE);
  const shown = (file.row.parameters as Record<string, string>).inputImageFirst;
  expect(shown).toMatch(new RegExp(`^${sim.apiUrl}/File/\\w{30}/inputImageFirst-\\w{7}\\.png$`));
  const link = await made({ ...VALUES, inputImageFirstUrl: LINK });
  expect(link.task.pictures).toEqual({ first: { url: LINK } });
  expect(link.row.parameters).toEqual({ ...VALUES, inputImageFirstUrl: LINK });
});

test('fileinput: a file or a URL, or a URL in the field of the file', async () => {
  await start({ generation: 'fileinput', lastFrame: true });
  const both = { inputImage: png(), inputImageUrl: '', inputImage2: '', inputImage2Url: LINK };
  const file = await made(multipart({ ...both, ...VALUES }));
  expect(file.task.pictures).toEqual({ first: { file: IMAGE, filename: 'frame.png' }, last: { url: LINK } });
  expect(file.row.parameters).toEqual({
    ...VALUES,
    inputImage: expect.stringContaining('/File/'),
    inputImage2: LINK,
  });
  const twoFiles = {
    inputImage: png('a.png'),
    inputImageUrl: '',
    inputImage2: png('b.png'),
    inputImage2Url: '',
  };
  const { pictures } = (await made(multipart({ ...twoFiles, ...VALUES }))).task;
  expect(pictures).toEqual({
    first: { file: IMAGE, filename: 'a.png' },
    last: { file: IMAGE, filename: 'b.png' },
  });
  expect(sim.calls.findLast(({ files }) => files)!.files).toMatchObject([
    { field: 'inputImage' },
    { field: 'inputImage2' },
  ]);
  for (const body of [{ inputImageUrl: LINK }, { inputImage: LINK }]) {
    expect((await made({ ...VALUES, ...body })).task.pictures).toEqual({ first: { url: LINK } });
  }
  expect((await made(multipart({ inputImage: LINK, ...VALUES }))).task.pictures.first).toEqual({ url: LINK });
  const none = await made(multipart({ inputImage: '', inputImageUrl: '', ...VALUES }));
  expect([none.task.pictures, none.row.parameters]).toEqual([{}, VALUES]);
});

test('fileinput: combinations that the documentation excludes are refused', async () => {
  await start({ generation: 'fileinput' });
  const bad: Record<string, string | File>[] = [
    { inputImage: png() },
    { inputImageUrl: LINK },
    { inputImage: png(), inputImageUrl: LINK },
    { inputImage: LINK, inputImageUrl: LINK },
    { inputImage: 'cat.png' },
    { inputImage: '', inputImageUrl: png() },
    { inputImageFirst: png(), inputImageFirstUrl: '' },
  ];
  for (const body of bad) {
    expect(await ask(sim, FAST, multipart({ ...body, ...VALUES })), Object.keys(body).join()).toMatchObject({
      errors: [{ code: 0 }],
    });
  }
  expect(sim.rejections()).toHaveLength(bad.length);
});

test('combined: file, text and list under one name', async () => {
  await start({ generation: 'combined', lastFrame: true });
  const file = await made(multipart({ inputImage: png(), inputImageLast: LINK, ...VALUES }));
  expect(file.task.pictures).toEqual({ first: { file: IMAGE, filename: 'frame.png' }, last: { url: LINK } });
  const list = await made({ ...VALUES, inputImage: [LINK] });
  expect(list.task.pictures).toEqual({ first: { url: LINK } });
  expect(list.row.parameters).toEqual({ ...VALUES, inputImage: [LINK] });
  const text = await made({ ...VALUES, inputImage: LINK });
  expect(text.row.parameters).toEqual({ ...VALUES, inputImage: LINK });
  expect((await made({ ...VALUES, inputImage: [] })).task.pictures).toEqual({});
  for (const inputImage of [[LINK, LINK], [7], ['cat.png'], 7]) {
    expect(await ask(sim, FAST, { ...VALUES, inputImage })).toMatchObject({ errors: [{ code: 0 }] });
  }
  expect(await ask(sim, FAST, { ...VALUES, inputImageUrl: LINK })).toMatchObject({ result: false });
  expect(await ask(sim, FAST, { ...VALUES, prompt: [LINK] })).toMatchObject({ result: false });
});

test('a Run with the old name of a renamed parameter is refused, and is not counted as a client error', async () => {
  await start({ generation: 'seed' });
  const old = () => multipart({ inputImageFirst: png(), inputImageFirstUrl: '', ...VALUES });
  await made(old());
  sim.setModel('minimax/hailuo-2-3-fast', { generation: 'combined', firstFrame: 'required' });
  const message = 'Request parameter [inputImageFirst] is unknown';
  expect(await ask(sim, FAST, old())).toMatchObject({ errors: [{ code: 0, message }] });
  expect(sim.rejections()).toEqual([]);
  expect((await made({ ...VALUES, inputImage: [LINK] })).task.pictures).toEqual({ first: { url: LINK } });
  expect(await ask(sim, FAST, { ...VALUES, never: 'a name' })).toMatchObject({ errors: [{ code: 0 }] });
  expect(sim.rejections()).toHaveLength(1);
});

test('with ignoresUnknownFields, an image under an old name is ignored', async () => {
  await start({ generation: 'combined' }, { ignoresUnknownFields: true });
  const body = () => multipart({ inputImageFirst: png(), inputImageFirstUrl: '', ...VALUES });
  const { task, row } = await made(body());
  expect([task.pictures, task.image, row.parameters]).toEqual([{}, undefined, VALUES]);
  expect(task.fields).toMatchObject({ inputImageFirstUrl: '' });
  expect((await made({ ...VALUES, inputImageFirstUrl: LINK })).task.pictures).toEqual({});
  sim.setModel('minimax/hailuo-2-3-fast', { generation: 'seed' });
  // The other way round too: the empty fields of the seed's form are not missed.
  expect((await made(multipart({ inputImage: png(), ...VALUES }))).task.pictures).toEqual({});
  sim.ignoresUnknownFields = false;
  expect(await ask(sim, FAST, multipart({ inputImage: png(), ...VALUES }))).toMatchObject({ result: false });
});
