// Run uses the parameter names in Wiro's description: images reach each generation of parameters, even if Wiro ignores
// unknown names.
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { REFUSALS } from '../../../sim/endpoints/refusals.ts';
import type { ModelOptions, SimTask } from '../../../sim/index.ts';
import { expectProblem } from '../support/refusals.ts';
import { type Part, submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { onlyRun } from '../support/runs.ts';
import { problem, type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';

const MODEL = 'minimax/hailuo-2-3';
const LINK = 'https://images.example.com/first.png';
const LAST_LINK = 'https://images.example.com/last.png';
const FIRST_BYTES = picture('image/png', 4000);
const LAST_BYTES = picture('image/webp', 3000);

let service: Service | undefined;
afterEach(async () => {
  await service?.close();
  service = undefined;
});

async function start(model: ModelOptions, ignoresUnknownFields = true): Promise<Service> {
  service = await startService({ sim: { speed: 120, models: { [MODEL]: model }, ignoresUnknownFields } });
  return service;
}

/** Makes the dispatcher read Tool/Detail, as the cron trigger does, and waits until every isolate can have it. */
async function described(service: Service): Promise<void> {
  const before = service.sim.callsTo('/Tool/Detail').length;
  await service.sweep(Date.now() / 1000);
  await service.sim.waitForCall('/Tool/Detail', before + 1);
  await expect.poll(() => service.bindings.TASKS.get(`model:${MODEL}`)).not.toBeNull();
}

const file = (name: string, value: Uint8Array, filename: string): Part => ({ name, value, filename });
const text = (name: string, value: string): Part => ({ name, value });

async function submitted(service: Service, prompt: string, parts: Part[]): Promise<[Video, SimTask]> {
  const response = await submitForm(service, [text('prompt', prompt), ...parts]);
  if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
  return [(await response.json()) as Video, await service.sim.waitForTask(prompt)];
}

const seen = (task: SimTask) =>
  Object.fromEntries(
    Object.entries(task.pictures).map(([frame, shown]) => [
      frame,
      'url' in shown ? shown.url : { size: shown.file.size, type: shown.file.contentType },
    ]),
  );

const first = [file('inputImageFirst', FIRST_BYTES, 'a.png')];
const last = [file('inputImageLast', LAST_BYTES, 'b.webp')];
const FIRST_FILE = { size: FIRST_BYTES.length, type: 'image/png' };
const LAST_FILE = { size: LAST_BYTES.length, type: 'image/webp' };

const table: string[][] = [];
afterAll(() => console.table(table));

describe.each(['seed', 'fileinput', 'combined'] as const)('parameters of the generation %s', (generation) => {
  const lastFrame = generation !== 'seed';
  const cases: [string, Part[], object][] = [
    ['none', [], {}],
    ['a file', first, { first: FIRST_FILE }],
    ['a link', [text('inputImageFirstUrl', LINK)], { first: LINK }],
    ...(lastFrame
      ? ([
          ['first and last as files', [...first, ...last], { first: FIRST_FILE, last: LAST_FILE }],
          [
            'first and last as links',
            [text('inputImageFirstUrl', LINK), text('inputImageLastUrl', LAST_LINK)],
            { first: LINK, last: LAST_LINK },
          ],
          [
            'a file and a link',
            [...first, text('inputImageLastUrl', LAST_LINK)],
            { first: FIRST_FILE, last: LAST_LINK },
          ],
        ] satisfies [string, Part[], object][])
      : []),
  ];

  test('all images are sent under Wiro’s names', async () => {
    const service = await start({ generation, lastFrame });
    await described(service);
    for (const [name, parts, expected] of cases) {
      const prompt = `a picture in ${generation}: ${name}`;
      const [video, task] = await submitted(service, prompt, parts);
      expect(seen(task), name).toEqual(expected);
      expect(await service.ended(video.id), name).toMatchObject({ status: 'completed', warnings: [] });
      table.push([generation, name, (onlyRun(service.sim, prompt).fieldOrder ?? []).slice(0, 4).join(' ')]);
    }
    if (!lastFrame) {
      const refused = await submitForm(service, [text('prompt', 'a last frame'), ...last]);
      expect((await problem(refused)).errors).toMatchObject([{ field: 'inputImageLast' }]);
    }
  });

  test('the first image waits until the names are known', async () => {
    const service = await start({ generation });
    const [, task] = await submitted(service, 'the first picture of all', first);
    expect(seen(task)).toEqual({ first: FIRST_FILE });
    expect(service.sim.callsTo('/Tool/Detail')).toHaveLength(1);
  });
});

describe('a model without a description', () => {
  test('is run with the built-in names, after a short wait', async () => {
    const service = await start({ generation: 'seed' }, false);
    service.sim.script('', { tool: Array(3).fill({ kind: 'hang' }) });
    const begun = Date.now();
    await service.accepted({ prompt: 'words do not wait' });
    expect(service.sim.callsTo('/Tool/Detail')).toHaveLength(0);
    const [, task] = await submitted(service, 'a picture waits two seconds', first);
    expect(Date.now() - begun).toBeLessThan(20_000);
    expect(seen(task)).toEqual({ first: FIRST_FILE });
    expect(service.sim.callsTo('/Tool/Detail')).toHaveLength(1);
  });

  test.for([
    ['another shape', '{"result":true,"errors":[],"tool":{"parameters":"soon"}}'],
    ['a refusal', '{"result":false,"errors":[{"code":1,"message":"tool-not-accessible"}]}'],
    ['garbage', '<html>'],
  ])('keeps the last known names: %s', async ([, body]) => {
    const service = await start({ generation: 'seed' }, false);
    service.sim.script('', { tool: [{ kind: 'status', status: 200, body: body! }] });
    const [, task] = await submitted(service, 'a picture all the same', first);
    expect(seen(task)).toEqual({ first: FIRST_FILE });
  });
});

test('the description is read again after refused parameters', async () => {
  const service = await start({ generation: 'fileinput' });
  await described(service);
  service.sim.setModel(MODEL, { generation: 'combined' });
  const refused = 'Wiro has renamed its parameters';
  service.sim.script(refused, { run: Array(60).fill(REFUSALS.fileRequired) });
  const isReadAgain = async () => {
    const response = await submitForm(service, [text('prompt', refused), ...first]);
    await expectProblem(response, [422, 'invalid_parameter']);
    return (await service.bindings.TASKS.get(`model:${MODEL}`))?.includes('"combined"');
  };
  // A model is read at most every five seconds, however many Runs are refused.
  await vi.waitUntil(isReadAgain, { timeout: 30_000, interval: 1000 });
  const [, task] = await submitted(service, 'under its new name', first);
  expect(seen(task)).toEqual({ first: FIRST_FILE });
});

describe('formats in Wiro’s description', () => {
  test('decide which ones are accepted, and the defaults', async () => {
    const service = await start(
      {
        generation: 'combined',
        firstFrame: 'required',
        prompt: 'optional',
        resolutions: ['512P', '768P', '1080P'],
        durations: ['5', '10'],
        defaults: { resolution: '768P', duration: '10' },
      },
      false,
    );
    await described(service);
    const [video] = await submitted(service, 'as Wiro means it', first);
    expect(video.input).toMatchObject({ resolution: '768P', duration: 10 });
    expect(onlyRun(service.sim, 'as Wiro means it').fields).toMatchObject({
      resolution: '768P',
      duration: '10',
    });
    const small = [...first, text('resolution', '512p'), text('duration', '5')];
    const [other] = await submitted(service, 'a small one', small);
    expect(other.input).toMatchObject({ resolution: '512P', duration: 5 });
    const [large] = await submitted(service, 'a large one', [...first, text('resolution', '1080P')]);
    expect(large.input).toMatchObject({ resolution: '1080P', duration: 5 });

    const wrong = await submitForm(service, [...first, text('resolution', '4K'), text('duration', '6')]);
    expect((await problem(wrong)).errors).toEqual([
      { field: 'resolution', message: 'must be 768P, 512P or 1080P' },
      { field: 'duration', message: 'must be 10 or 5 (seconds)' },
    ]);
    const without = await service.submit({ prompt: 'no picture' });
    expect((await problem(without)).errors).toMatchObject([{ field: 'inputImageFirst' }]);
    const silent = await submitForm(service, first);
    expect(silent.status).toBe(202);
  });

  test('a required parameter that is not supported is named', async () => {
    const extra = {
      id: 'voice',
      type: 'text',
      required: true,
      defaultvalue: '',
      options: [],
      label: 'Voice',
    };
    const service = await start({ generation: 'combined', extra: [extra] });
    await described(service);
    const found = await expectProblem(await service.submit({ prompt: 'speak' }), [500, 'misconfigured']);
    expect(found.detail).toContain('voice');
    expect(service.sim.callsTo('/Run/')).toHaveLength(0);
  });
});
