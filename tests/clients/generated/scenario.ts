// The scenario with openapi-fetch with the types that openapi-typescript generated from /openapi.json. It is copied to a folder
// with these types, checked by tsc there, and run: `scenario.ts TARGET`; prints the report as JSON.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import createClient from 'openapi-fetch';
import type { components, paths } from './generated.d.ts';

type Video = components['schemas']['Video'];
type Problem = components['schemas']['Problem'];
type VideoRequest = components['schemas']['VideoRequest'];
type VideoForm = components['schemas']['VideoForm'];

const target = JSON.parse(process.argv[2] ?? '');
const { prompt } = target;
const frame = new File([await readFile(target.image)], 'frame.png', { type: 'image/png' });

function clientOf(token: string, base: string = target.base) {
  return createClient<paths>({
    baseUrl: base.replace(/\/v1$/, ''),
    headers: { authorization: `Bearer ${token}` },
  });
}

const client = clientOf(target.token);

/** As openapi-fetch's documentation has files sent. */
const asForm = {
  bodySerializer(body: object): FormData {
    const form = new FormData();
    for (const [name, value] of Object.entries(body)) form.append(name, value);
    return form;
  },
};

interface Failed {
  error?: Problem | undefined;
  response: Response;
}

/** Its status, its code as OpenAI's, its first bad field. */
function errorOf({ error, response }: Failed): [number, string, string | null] {
  if (error === undefined || error.status !== response.status)
    throw new Error(`${response.status} is no problem`);
  return [error.status, error.error.code, error.error.param];
}

function create(body: VideoRequest, { by = client, key }: { by?: typeof client; key?: string } = {}) {
  const header = key === undefined ? {} : { 'Idempotency-Key': key };
  return by.POST('/v1/videos', { body, params: { header } });
}

function idOf({ data, error }: { data?: Video | undefined; error?: Problem | undefined }): string {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data.id;
}

async function ended(id: string): Promise<Video> {
  for (;;) {
    const { data, error } = await client.GET('/v1/videos/{id}', { params: { path: { id } } });
    if (data === undefined) throw new Error(JSON.stringify(error));
    if (data.status !== 'queued' && data.status !== 'in_progress') return data;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function allIds(): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | undefined; ; ) {
    const query = after === undefined ? { limit: 2 } : { limit: 2, after };
    const { data } = await client.GET('/v1/videos', { params: { query } });
    ids.push(...(data?.data.map(({ id }) => id) ?? []));
    if (!data?.has_more || data.last_id === null) return ids;
    after = data.last_id;
  }
}

async function bytesOf(id: string, header: { Range?: string } = {}): Promise<Buffer> {
  const params = { path: { id }, header };
  const { data } = await client.GET('/v1/videos/{id}/content', { params, parseAs: 'arrayBuffer' });
  return Buffer.from(data ?? new ArrayBuffer());
}

const play = (id: string, Range: string) =>
  client.GET('/v1/videos/{id}/content', { params: { path: { id }, header: { Range } }, parseAs: 'blob' });

const upload = (file: Blob) => client.POST('/v1/files', { body: { file }, ...asForm });

const remove = (id: string) => client.DELETE('/v1/videos/{id}', { params: { path: { id } } });

/** openapi-fetch does not retry by itself; with a key its user may. */
async function recoveredLostAnswer(): Promise<boolean> {
  const options = { by: clientOf(target.token, target.lossyBase), key: 'a-letter-by-typescript' };
  const body = { prompt: `${prompt}, lost` };
  try {
    await create(body, options);
  } catch {
    return (await create(body, options)).response.status === 202;
  }
  return false;
}

/** Every other refusal that a client can meet, by its code. */
async function refusals(done: string): Promise<Record<string, number>> {
  const failedUpload = await upload(frame);
  const { data: file } = await upload(frame);
  await create({ prompt: `${prompt}, uploaded`, input_reference: { file_id: file?.id ?? '' } }).then(idOf);
  const key = 'held-by-typescript';
  const held = idOf(await create({ prompt: `${prompt}, held` }, { key }));
  const notReady = await play(held, 'bytes=0-');
  const reused = await create({ prompt: `${prompt}, another` }, { key });
  await remove(held);
  const answers: Failed[] = [
    failedUpload,
    notReady,
    reused,
    await create({ prompt: `${prompt}, held` }, { key }),
    await client.POST('/v1/videos/{id}/cancel', { params: { path: { id: done } } }),
    await play(done, 'bytes=999999999-'),
    await upload(new Blob(['no picture'])),
    await create({ prompt: 'a'.repeat(70_000) }),
    await create({ prompt: `${prompt}, refused by the account` }),
  ];
  return Object.fromEntries(answers.map((answer) => errorOf(answer)).map(([status, code]) => [code, status]));
}

const text = idOf(await create({ prompt, resolution: '1080P' }));
const form: VideoForm = { prompt: `${prompt}, from a file`, inputImageFirst: frame };
const file = idOf(await client.POST('/v1/videos', { body: form, ...asForm }));
const link = idOf(await create({ prompt: `${prompt}, from a link`, inputImageFirstUrl: target.link }));
const { data: events = '' } = await client.GET('/v1/videos/{id}/events', {
  params: { path: { id: text } },
  parseAs: 'text',
});
const lastLine = events.split('\n').findLast((line) => line.startsWith('data: ')) ?? '';
const last: Video = JSON.parse(lastLine.slice('data: '.length));
const statuses: string[] = [];
for (const id of [text, file, link]) statuses.push((await ended(id)).status);
const listed = await allIds();
const { data: deletion } = await remove(link);
const report = {
  statuses,
  lastEvent: { status: last.status, prompt: last.prompt },
  sha256: createHash('sha256')
    .update(await bytesOf(text))
    .digest('hex'),
  part: (await bytesOf(text, { Range: 'bytes=100-199' })).toString('hex'),
  listed,
  made: [text, file, link],
  deleted: [
    deletion?.deleted,
    (await client.GET('/v1/videos/{id}', { params: { path: { id: link } } })).response.status,
  ],
  errors: {
    field: errorOf(await create({ prompt, seconds: 7 })),
    token: errorOf(await create({ prompt }, { by: clientOf('nobody-s-token') })),
    budget: errorOf(await create({ prompt }, { by: clientOf(target.tokenWithoutBudget) })),
    model: errorOf(await create({ prompt, model: 'sora-2' })),
  },
  recoveredLostAnswer: await recoveredLostAnswer(),
  refusals: await refusals(text),
};
console.log(JSON.stringify(report));
