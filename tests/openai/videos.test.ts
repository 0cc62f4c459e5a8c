// OpenAI's own SDK for Node creates, watches, plays, lists and deletes videos of this Worker.
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../worker/support/clients.ts';
import { picture } from '../worker/support/requests/pictures.ts';
import { onlyRun } from '../worker/support/runs.ts';
import { sampleBytes } from '../worker/support/sample.ts';
import { type Service, startService } from '../worker/support/service.ts';
import { sha256 } from '../worker/support/stored.ts';
import type { Video } from '../worker/support/types.ts';
import { sdk } from './client.ts';

const FRAME = picture('image/png', 4000);
const LINK = 'https://images.example.com/first.png';

let service: Service;
let openai: OpenAI;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 }, secrets: { CLIENT_TOKENS } });
  openai = sdk(service, ALICE).client;
});
afterAll(() => service.close());

type Params = OpenAI.VideoCreateParams;

const created = (params: Params | object) =>
  openai.videos.create(params as Params) as Promise<unknown> as Promise<Video>;

async function ended(id: string): Promise<OpenAI.Video> {
  for (;;) {
    const { data, response } = await openai.videos.retrieve(id).withResponse();
    if (!['queued', 'in_progress'].includes(data.status)) return data;
    expect(response.headers.get('openai-poll-after-ms')).toBe('3000');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

describe('creating a video', () => {
  test('a prompt returns the fields that the SDK reads', async () => {
    const prompt = 'a heron by the book';
    const video = await created({
      prompt,
      model: 'hailuo-2.3',
      seconds: '6',
      size: '1280x720',
      metadata: { order: '17' },
    });
    expect(video).toMatchObject({
      ...{ object: 'video', model: 'hailuo-2.3', prompt, seconds: '6', size: '1366x768' },
      ...{ remixed_from_video_id: null, metadata: { order: '17' }, error: null },
    });
    expect(onlyRun(service.sim, prompt).fields).toMatchObject({ resolution: '768P', duration: '6' });
    expect(await ended(video.id)).toMatchObject({
      status: 'completed',
      progress: 100,
      metadata: { order: '17' },
    });
    expect(service.logs().join('\n')).not.toContain('"17"');
  });

  test('a first frame as a file is accepted', async () => {
    const prompt = 'a heron from a file';
    const input_reference = await toFile(FRAME, 'heron.png', { type: 'image/png' });
    const { id, input } = await created({ prompt, seconds: '10', input_reference });
    expect(input.inputImageFirst).toEqual({ content_type: 'image/png', size: FRAME.length });
    expect((await ended(id)).seconds).toBe('10');
    expect(onlyRun(service.sim, prompt).file?.sha256).toBe(sha256(FRAME));
  });

  test('a first frame as a URL is accepted', async () => {
    const prompt = 'a heron from a link';
    const { id } = await created({ prompt, size: '1080x1920', input_reference: { image_url: LINK } });
    await ended(id);
    expect(onlyRun(service.sim, prompt).fields).toMatchObject({
      inputImageFirstUrl: LINK,
      resolution: '1080P',
    });
  });

  test('a first frame by the id of an uploaded file is accepted', async () => {
    const file = await openai.files.create({ file: await toFile(FRAME, 'heron.png'), purpose: 'vision' });
    expect(file).toMatchObject({
      object: 'file',
      purpose: 'vision',
      bytes: FRAME.length,
      filename: 'heron.png',
    });
    const prompt = 'a heron from an upload';
    const { id, input } = await created({ prompt, input_reference: { file_id: file.id } });
    expect(input.inputImageFirstUrl).toMatch(/heron\.png$/);
    await ended(id);
  });
});

test('the SDK downloads the content and a byte range of it', async () => {
  const { id } = await created({ prompt: 'a heron to keep' });
  await ended(id);
  const whole = await openai.videos.downloadContent(id);
  expect(Buffer.from(await whole.arrayBuffer())).toEqual(Buffer.from(sampleBytes));
  const part = await openai.videos.downloadContent(id, {}, { headers: { range: 'bytes=100-199' } });
  expect(part.status).toBe(206);
  expect(Buffer.from(await part.arrayBuffer())).toEqual(Buffer.from(sampleBytes.subarray(100, 200)));
});

test('the SDK pages through the whole list', async () => {
  const bob = sdk(service, BOB).client;
  const ids: string[] = [];
  for (let number = 0; number < 5; number++) {
    ids.unshift((await bob.videos.create({ prompt: `heron ${number} of a flock` })).id);
  }
  const seen: string[] = [];
  for await (const { id } of bob.videos.list({ limit: 2 })) seen.push(id);
  expect(seen).toEqual(ids);
});

test('a deleted video is 404, and the page after it can still be read', async () => {
  const { id } = await created({ prompt: 'a heron that leaves' });
  await ended(id);
  expect(await openai.videos.delete(id)).toEqual({ id, object: 'video.deleted', deleted: true });
  await expect(openai.videos.retrieve(id)).rejects.toMatchObject({ status: 404, code: 'not_found' });
  const behind = await openai.videos.list({ after: id, limit: 1 });
  expect(behind.data).toHaveLength(1);
});

describe('an error has message, code and param', () => {
  const failure = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => undefined,
      (error) => error,
    );
    if (!(error instanceof OpenAI.APIError)) throw new Error(`not an error of the API: ${error}`);
    return error;
  };

  test('for an invalid field', async () => {
    const error = await failure(created({ prompt: 'a heron too long', seconds: '7' }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, code: 'invalid_parameter', param: 'seconds' });
    expect(error.type).toBe('invalid_request_error');
    expect(error.message).toContain('6 or 10');
    expect(error.requestID).toMatch(/^req_/);
  });

  test('for an unknown model', async () => {
    const error = await failure(created({ prompt: 'a heron by another', model: 'sora-2' }));
    expect(error).toMatchObject({ status: 400, code: 'model_not_found', param: 'model' });
    expect(error.message).toContain('hailuo-2.3');
  });

  test('for a wrong token', async () => {
    const error = await failure(
      sdk(service, 'no-token').client.videos.create({ prompt: 'a heron of nobody' }),
    );
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(error).toMatchObject({ code: 'unauthorized', type: 'authentication_error' });
  });

  test('an error that a retry cannot change is requested only once', async () => {
    const prompt = 'a heron that is not there yet';
    service.sim.script(prompt, { holdAt: 'task_start' });
    const { client, sent } = sdk(service, ALICE);
    const { id } = await client.videos.create({ prompt });
    const early = await failure(client.videos.downloadContent(id));
    expect(early).toMatchObject({ status: 409, code: 'not_ready' });
    expect(sent.filter(({ method }) => method === 'GET')).toHaveLength(1);
    service.sim.release(await service.sim.waitForTask(prompt));
  });

  test('endpoints of OpenAI that are not supported are refused', async () => {
    const { id } = await created({ prompt: 'a heron as it is' });
    await ended(id);
    for (const call of [
      () => openai.videos.remix(id, { prompt: 'another heron' }),
      () => openai.videos.edit({ prompt: 'another heron', video: { id } }),
      () => openai.videos.downloadContent(id, { variant: 'thumbnail' }),
    ]) {
      expect(await failure(call())).toMatchObject({ code: 'unsupported' });
    }
  });
});

test('the SDK lists the models and reads each by its name', async () => {
  const models: OpenAI.Model[] = [];
  for await (const model of openai.models.list()) models.push(model);
  expect(models.map(({ id, object, owned_by }) => [id, object, owned_by])).toEqual([
    ['hailuo-2.3', 'model', 'minimax'],
    ['hailuo-2.3-fast', 'model', 'minimax'],
  ]);
  expect(await openai.models.retrieve('hailuo-2.3')).toMatchObject({ id: 'hailuo-2.3', object: 'model' });
  expect(await openai.models.retrieve('minimax/hailuo-2-3')).toMatchObject({ id: 'hailuo-2.3' });
  await expect(openai.models.retrieve('sora-2')).rejects.toMatchObject({
    status: 404,
    code: 'model_not_found',
  });
});
