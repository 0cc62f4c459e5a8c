// Several models of the family, made through the API: what Wiro gets of each, what each costs, and one that is not understood.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAMILY, type ModelOptions } from '../../../sim/index.ts';
import { expectProblem } from '../support/refusals.ts';
import { type Part, submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { onlyRun } from '../support/runs.ts';
import { problem, type Service, startService } from '../support/service.ts';
import { sha256 } from '../support/stored.ts';
import type { Video } from '../support/types.ts';

const HAILUO_02 = 'MiniMax/image-to-video-hailuo-02';
const FIRST = picture('image/png', 4000);
const LAST = picture('image/webp', 3000);
const LINK = 'https://images.example.com/last.png';

const text = (name: string, value: string): Part => ({ name, value });
const file = (name: string, value: Uint8Array): Part => ({ name, value, filename: 'a.png' });

describe('MODELS=hailuo-2.3,hailuo-2.3-fast,MiniMax/image-to-video-hailuo-02', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({
      vars: { MODELS: `hailuo-2.3,hailuo-2.3-fast,${HAILUO_02}` },
      sim: { speed: 600, models: FAMILY },
    });
  });
  afterAll(() => service?.close());

  async function made(prompt: string, parts: Part[]): Promise<Video> {
    const response = await submitForm(service, [text('prompt', prompt), ...parts]);
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    const { id } = (await response.json()) as Video;
    return service.ended(id);
  }

  const filesOf = (prompt: string) =>
    (onlyRun(service.sim, prompt).files ?? []).map(({ field, sha256 }) => [field, sha256]);

  test('GET /v1/models tells frames and prices of each', async () => {
    const { data } = (await (await service.fetch('/v1/models')).json()) as { data: Record<string, object>[] };
    expect(data).toMatchObject([
      {
        id: 'hailuo-2.3',
        capabilities: { first_frame: 'optional', last_frame: false },
        prices_usd: { '768P/6': '0.28' },
      },
      {
        id: 'hailuo-2.3-fast',
        capabilities: { first_frame: 'required', last_frame: false, prompt: 'optional' },
        prices_usd: { '768P/6': '0.19' },
        source: 'wiro',
      },
      {
        id: HAILUO_02,
        capabilities: { first_frame: 'required', last_frame: true },
        prices_usd: { '1080P/6': '0.48' },
        source: 'wiro',
      },
    ]);
  });

  test('the default model takes words alone', async () => {
    expect(await made('a quay', [])).toMatchObject({
      status: 'completed',
      model: 'hailuo-2.3',
      cost_usd: '0.28',
    });
    expect(onlyRun(service.sim, 'a quay').path).toBe('/v1/Run/minimax/hailuo-2-3');
    const last = await submitForm(service, [text('prompt', 'a quay'), file('inputImageLast', LAST)]);
    expect((await problem(last)).errors).toMatchObject([{ field: 'inputImageLast' }]);
  });

  test('the fast one takes its first frame under the name that it has there', async () => {
    const parts = [text('model', 'hailuo-2.3-fast'), file('inputImageFirst', FIRST)];
    expect(await made('a fast quay', parts)).toMatchObject({
      status: 'completed',
      model: 'hailuo-2.3-fast',
      cost_usd: '0.19',
      warnings: [],
    });
    expect(onlyRun(service.sim, 'a fast quay').path).toBe('/v1/Run/minimax/hailuo-2-3-fast');
    expect(filesOf('a fast quay')).toEqual([['inputImage', sha256(FIRST)]]);
  });

  test.for<[string, Part, [string, string][], object]>([
    [
      'a file',
      file('inputImageLast', LAST),
      [
        ['inputImage', sha256(FIRST)],
        ['inputImage2', sha256(LAST)],
      ],
      { inputImageLast: { content_type: 'image/webp', size: LAST.length } },
    ],
    ['a link', text('inputImageLastUrl', LINK), [['inputImage', sha256(FIRST)]], { inputImageLastUrl: LINK }],
  ])('the one of 02 takes a last frame too, as %s', async ([name, last, files, input]) => {
    const prompt = `a quay until evening, by ${name}`;
    const parts = [text('model', 'minimax/image-to-video-hailuo-02'), text('resolution', '1080p')];
    const video = await made(prompt, [...parts, file('inputImageFirst', FIRST), last]);
    expect(video).toMatchObject({
      status: 'completed',
      model: HAILUO_02,
      cost_usd: '0.48',
      warnings: [],
      input,
    });
    expect(onlyRun(service.sim, prompt).path).toBe('/v1/Run/MiniMax/image-to-video-hailuo-02');
    expect(filesOf(prompt)).toEqual(files);
    expect(onlyRun(service.sim, prompt).fields?.inputImage2Url).toBe(name === 'a link' ? LINK : '');
  });
});

test('one that requires what is not understood is misconfigured and names it; the others are made', async () => {
  const voice = {
    id: 'voiceId',
    type: 'text',
    required: true,
    defaultvalue: '',
    options: [],
    label: 'Voice',
  };
  const talking: ModelOptions = { generation: 'combined', extra: [voice] };
  const service = await startService({
    vars: { MODELS: 'hailuo-2.3,talking=acme/talking-film' },
    sim: { speed: 600, models: { ...FAMILY, 'acme/talking-film': talking } },
  });
  try {
    await service.fetch('/v1/models');
    const refused = await service.submit({ prompt: 'speak', model: 'talking' });
    const { detail } = await expectProblem(refused, [500, 'misconfigured']);
    expect(detail).toContain('voiceId');
    expect(service.sim.callsTo('/Run/')).toHaveLength(0);
    const { id } = await service.accepted({ prompt: 'a silent film' });
    expect(await service.ended(id)).toMatchObject({ status: 'completed', model: 'hailuo-2.3' });
  } finally {
    await service.close();
  }
});
