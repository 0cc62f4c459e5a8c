// The validation of Run, and its record.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Sim, startSim } from '../../sim/index.ts';
import { ask, detail, multipart, PNG, post, RUN_FIELDS, run, runForm } from './support/client.ts';

const RUN = '/Run/minimax/hailuo-2-3';
const PNG_SHA256 = createHash('sha256').update(PNG).digest('hex');

let sim: Sim;
beforeAll(async () => {
  sim = await startSim();
});
afterAll(() => sim.close());

const png = () => new File([PNG], 'frame.png', { type: 'image/png' });

describe('a valid Run', () => {
  test('may be multipart with an image', async () => {
    const callbackUrl = 'http://127.0.0.1:9/hooks/wiro/x/y';
    const answer = await run(sim, { inputImageFirst: png(), callbackUrl, projectid: '77' });
    expect(Object.keys(answer)).toEqual(['errors', 'taskid', 'socketaccesstoken', 'result']);
    expect(answer.taskid).toMatch(/^\d{15}$/);
    expect(answer.socketaccesstoken).toMatch(/^[A-Za-z0-9]{30}$/);
    const task = sim.tasks.at(-1)!;
    const image = { sha256: PNG_SHA256, size: PNG.length, contentType: 'image/png' };
    expect(task).toMatchObject({ id: answer.taskid, token: answer.socketaccesstoken, callbackUrl, image });
    const call = sim.callsTo('/Run/').at(-1)!;
    expect(call.task).toBe(task);
    expect(call.fieldOrder).toEqual([...Object.keys(RUN_FIELDS), 'callbackUrl', 'projectid']);
    expect(call.file).toEqual({
      field: 'inputImageFirst',
      filename: 'frame.png',
      contentType: 'image/png',
      size: PNG.length,
      sha256: PNG_SHA256,
    });
    expect(await detail(sim, task.token)).toMatchObject({ callbackurl: callbackUrl, projectid: '77' });
  });

  test('may be multipart with the URL of an image, or without an image', async () => {
    const inputImageFirstUrl = 'https://example.com/cat.webp';
    const empty = new File([], '', { type: 'application/octet-stream' });
    expect(await run(sim, { inputImageFirst: empty, inputImageFirstUrl })).toMatchObject({ result: true });
    expect(await detail(sim, sim.tasks.at(-1)!.token)).toMatchObject({
      parameters: { inputImageFirst: '', inputImageFirstUrl, prompt: RUN_FIELDS.prompt },
    });
    expect(await run(sim)).toMatchObject({ result: true });
    expect(sim.tasks.at(-1)!.image).toBeUndefined();
  });

  test('may be JSON', async () => {
    const { inputImageFirst: _, ...fields } = RUN_FIELDS;
    expect(await ask(sim, RUN, { ...fields, resolution: '1080P' })).toMatchObject({ result: true });
    expect(sim.calls.at(-1)).toMatchObject({
      status: 200,
      json: { resolution: '1080P' },
      task: sim.tasks.at(-1),
    });
  });

  const types: [string, string][] = [
    ['image/jpeg', 'ffd8ffe000104a464946'],
    ['image/webp', '524946460a00000057454250'],
    ['image/gif', '474946383961'],
    ['image/heic', '00000018667479706865696300000000'],
  ];
  test.for(types)('detects %s by its bytes', async ([contentType, hex]) => {
    const inputImageFirst = new File([Buffer.from(hex, 'hex')], 'frame', { type: 'text/plain' });
    await run(sim, { inputImageFirst });
    expect(sim.tasks.at(-1)!.image).toMatchObject({ contentType });
  });
});

describe('an invalid Run gets code 0 and is recorded as a rejection', () => {
  const { inputImageFirst: _, ...jsonFields } = RUN_FIELDS;
  const bad: [string, () => object, string][] = [
    ['no prompt', () => runForm({ prompt: undefined }), 'Request parameter [prompt] required'],
    ['an empty prompt', () => runForm({ prompt: '' }), 'Request parameter [prompt] required'],
    [
      'another optimizer',
      () => runForm({ promptOptimizer: 'yes' }),
      '[promptOptimizer] must be one of true, false',
    ],
    ['another resolution', () => runForm({ resolution: '720P' }), '[resolution] must be one of 768P, 1080P'],
    ['another duration', () => runForm({ duration: '8' }), '[duration] must be one of 6, 10'],
    ['10 s of 1080P', () => runForm({ resolution: '1080P', duration: '10' }), '[duration] must be 6 with'],
    ['no duration', () => runForm({ duration: undefined }), 'Request parameter [duration] required'],
    [
      'one image field left out',
      () => runForm({ inputImageFirstUrl: undefined }),
      '[inputImageFirstUrl] required',
    ],
    [
      'both images',
      () => runForm({ inputImageFirst: png(), inputImageFirstUrl: 'https://example.com/a.png' }),
      'either inputImageFirst or inputImageFirstUrl',
    ],
    ['text as the image', () => runForm({ inputImageFirst: 'cat.png' }), '[inputImageFirst] must be a file'],
    ['a file that is no image', () => runForm({ inputImageFirst: new File(['%PDF'], 'a.png') }), 'is no jpg'],
    ['a file elsewhere', () => runForm({ prompt: 'x', projectid: png() }), '[projectid] is no file'],
    [
      'an image address that is none',
      () => runForm({ inputImageFirstUrl: 'cat.png' }),
      '[inputImageFirstUrl] must be',
    ],
    [
      'a callback address that is none',
      () => runForm({ callbackUrl: '/hooks' }),
      '[callbackUrl] must be a URL',
    ],
    ['an unknown field', () => runForm({ seed: '1' }), 'Request parameter [seed] is unknown'],
    ['a number in JSON', () => ({ ...jsonFields, duration: 6 }), '[duration] must be a string'],
    ['JSON that is no object', () => [], 'The body is not an object'],
    ['a field twice', () => twice(), '[prompt] was sent twice'],
  ];
  test.for(bad)('%s', async ([, body, message]) => {
    const before = sim.tasks.length;
    const response = await post(sim, RUN, body());
    expect(response.status).toBe(200);
    const answer = (await response.json()) as {
      result: boolean;
      errors: { code: number; message: string }[];
    };
    expect(answer).toMatchObject({ result: false, errors: [{ code: 0 }] });
    expect(answer.errors[0]!.message).toContain(message);
    expect(sim.rejections().at(-1)).toBe(sim.calls.at(-1));
    expect(sim.tasks).toHaveLength(before);
  });

  function twice(): FormData {
    const form = runForm();
    form.append('prompt', 'again');
    return form;
  }
});

test('other endpoints, methods and content types are refused', async () => {
  const other = await post(sim, '/Walk/minimax/hailuo-2-3', runForm());
  expect(other.status).toBe(404);
  expect(await other.json()).toEqual({ result: false, errors: [{ code: 0, message: 'Error parsing url.' }] });
  expect((await fetch(`${sim.apiUrl}${RUN}`)).status).toBe(405);
  const detailInMultipart = await ask(sim, '/Task/Detail', multipart({ tasktoken: 'x' }));
  expect(detailInMultipart).toMatchObject({
    errors: [{ message: 'This endpoint takes another Content-Type' }],
  });
  expect(sim.rejections().slice(-3)).toEqual(sim.calls.slice(-3));
});

test('Runs above the limit of unfinished tasks get code 96', async () => {
  const limited = await startSim({ maxActive: 1 });
  expect(await run(limited)).toMatchObject({ result: true });
  const refused = await run(limited);
  expect(refused).toMatchObject({ result: false, errors: [{ code: 96 }] });
  expect(refused.errors[0]!.message).toContain('With your current balance of $');
  await ask(limited, '/Task/Cancel', { taskid: limited.tasks[0]!.id });
  expect(await run(limited)).toMatchObject({ result: true });
  expect(limited.rejections()).toEqual([]);
  await limited.close();
});

test('1,000 Runs create 1,000 different tasks', async () => {
  const { inputImageFirst: _, ...fields } = RUN_FIELDS;
  const ids = new Set<string>();
  const numbers = Array.from({ length: 1000 }, (_, number) => number).values();
  const client = async () => {
    for (const number of numbers) {
      const answer = await ask(sim, RUN, { ...fields, prompt: `number ${number}` });
      ids.add(answer.taskid).add(answer.socketaccesstoken);
    }
  };
  await Promise.all(Array.from({ length: 20 }, client));
  expect(ids.size).toBe(2000);
  expect(sim.tasks.filter(({ prompt }) => prompt.startsWith('number '))).toHaveLength(1000);
});

test('a file over 100 MB is refused', async () => {
  const file = new File([PNG, Buffer.alloc(101 * 1024 * 1024)], 'large.png');
  const response = await post(sim, RUN, runForm({ inputImageFirst: file }));
  expect(response.status).toBe(413);
});
