// How calls of Vercel's AI SDK end without a video: refused, failed, cancelled.
import { APICallError, experimental_generateVideo as generateVideo } from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHailuo } from '../../public/ai-sdk.js';
import { VideoError } from '../../public/client.js';
import { ALICE, BOB } from '../worker/support/clients.ts';
import { type Service, startService } from '../worker/support/service.ts';
import { runsOf } from '../worker/support/upstream-calls.ts';
import { type Client, client, failure, submits } from './provider.ts';

/** Bob's share of the budget pays for nothing. */
const CLIENT_TOKENS = JSON.stringify({ alice: ALICE, bob: { token: BOB, daily_usd: '0.01' } });

let service: Service;
let alice: Client;
beforeAll(async () => {
  service = await startService({
    sim: { speed: 600 },
    vars: { DAILY_BUDGET_USD: '100' },
    secrets: { CLIENT_TOKENS },
  });
  alice = client(service, { token: ALICE });
});
afterAll(() => service?.close());

/** An error that is one of the AI SDK and one of client.js. */
function expectBoth(error: unknown): APICallError & VideoError {
  expect(APICallError.isInstance(error)).toBe(true);
  expect(error).toBeInstanceOf(VideoError);
  return error as APICallError & VideoError;
}

describe('a refusal is tried once, and says why', () => {
  test('a duration that the model does not make', async () => {
    const prompt = 'a seal for too long';
    const before = submits(alice).length;
    const call = generateVideo({ model: alice.hailuo.video('hailuo-2.3'), prompt, duration: 7 });
    const error = expectBoth(await failure(call));
    expect(error).toMatchObject({
      ...{ name: 'AI_APICallError', statusCode: 400, isRetryable: false, code: 'invalid_parameter' },
      ...{ errors: [{ field: 'duration', message: expect.stringContaining('6 or 10') }] },
      ...{ url: `${service.origin}/v1/videos`, requestBodyValues: { prompt, duration: 7 } },
    });
    expect(error.message).toContain('6 or 10');
    expect(error.data).toMatchObject({ code: 'invalid_parameter', request_id: error.requestId });
    expect(error.responseHeaders?.['x-request-id']).toBe(error.requestId);
    expect(submits(alice).length - before).toBe(1);
    expect(JSON.stringify(error)).not.toContain(ALICE);
  });

  const wrong: [string, object, string][] = [
    ['a last frame where the model has none', { frameImages: [frame('last_frame')] }, 'inputImageLastUrl'],
    ['a portrait without a first frame', { resolution: '1080x1920' }, 'size'],
    ['a size above the model’s', { resolution: '3840x2160' }, 'size'],
    ['an option that does not exist', { providerOptions: { hailuo: { motion: 'fast' } } }, 'motion'],
  ];
  test.for(wrong)('%s', async ([name, options, field]) => {
    const model = alice.hailuo.video('hailuo-2.3');
    const error = expectBoth(
      await failure(generateVideo({ model, prompt: `a seal with ${name}`, ...options })),
    );
    expect([error.statusCode, error.isRetryable]).toEqual([400, false]);
    expect(error.errors.map((one) => one.field)).toContain(field);
  });

  test('a model that the Worker does not offer', async () => {
    const model = alice.hailuo.video('sora-2');
    const error = expectBoth(await failure(generateVideo({ model, prompt: 'a seal by another' })));
    expect([error.statusCode, error.errors[0]?.field]).toEqual([400, 'model']);
  });

  test('a budget that is spent', async () => {
    const bob = client(service, { token: BOB });
    const call = generateVideo({ model: bob.hailuo.video('hailuo-2.3'), prompt: 'a seal without money' });
    const error = expectBoth(await failure(call));
    expect(error).toMatchObject({ statusCode: 429, isRetryable: false, code: 'budget_exhausted' });
    expect(error.retryAfter).toBeGreaterThan(0);
    expect(submits(bob)).toHaveLength(1);
  });

  test.for([
    ['no token', undefined],
    ['a wrong token', 'nobody-knows-this-one'],
  ] as const)('%s', async ([name, token]) => {
    const stranger = client(service, { token });
    const model = stranger.hailuo.video('hailuo-2.3');
    const error = expectBoth(await failure(generateVideo({ model, prompt: `a seal with ${name}` })));
    expect(error).toMatchObject({ statusCode: 401, isRetryable: false, code: 'unauthorized' });
  });
});

test('an address that is none is told at once', () => {
  expect(() => createHailuo({ baseURL: 'videos.example.com' })).toThrow('`baseURL`');
});

test('a video that fails says why, and is not tried again', async () => {
  const prompt = 'a seal that fails';
  const reason = 'The picture is empty.';
  service.sim.script(prompt, { task: { pexit: '1', outputs: 'none', reason, cost: '0.28' } });
  const call = generateVideo({ model: alice.hailuo.video('hailuo-2.3'), prompt });
  const error = expectBoth(await failure(call));
  const { video } = error;
  expect(error).toMatchObject({ code: 'generation_failed', isRetryable: false });
  expect(error.message).toBe(video?.error?.message);
  expect(error.message).toContain(reason);
  expect(error.data).toEqual(video?.error);
  expect(video).toMatchObject({ status: 'failed', cost_usd: '0.28' });
  expect(runsOf(service.sim, prompt)).toHaveLength(1);
});

describe('an aborted call cancels its video', () => {
  test('while it is made', async () => {
    const prompt = 'a seal that is given up';
    service.sim.script(prompt, { holdAt: 'task_start' });
    const leaving = new AbortController();
    const model = alice.hailuo.video('hailuo-2.3');
    const call = failure(generateVideo({ model, prompt, abortSignal: leaving.signal }));
    await service.sim.waitForTask(prompt);
    await expect.poll(() => alice.sent.at(-1)?.headers.get('prefer')).toBe('wait=30');
    const [path] = alice.sent.flatMap(({ method, path }) => (method === 'GET' ? [path] : [])).slice(-1);
    leaving.abort();
    expect(await call).toMatchObject({ name: 'AbortError' });
    const id = path?.split('/').at(-1) ?? '';
    expect((await service.as(ALICE).ended(id)).status).toBe('cancelled');
    expect(stopCalls(prompt)).not.toEqual([]);
  });

  test('while it is submitted', async () => {
    const prompt = 'a seal that is given up at once';
    service.sim.script(prompt, { holdAt: 'task_start' });
    const leaving = new AbortController();
    let id = '';
    let isBrokenOff: boolean | undefined;
    const slow = client(service, { token: ALICE }, async (request, send) => {
      const answer = await send();
      if (request.method !== 'POST' || !request.url.endsWith('/v1/videos')) return answer;
      ({ id } = await answer.clone().json());
      // The video is there, and the caller does not know it yet.
      leaving.abort(new Error('the user left'));
      isBrokenOff = request.signal.aborted;
      return answer;
    });
    const model = slow.hailuo.video('hailuo-2.3');
    const error = await failure(generateVideo({ model, prompt, abortSignal: leaving.signal }));
    expect(error).toMatchObject({ message: 'the user left' });
    expect(isBrokenOff).toBe(false);
    expect(slow.sent.at(-1)?.path).toBe(`/v1/videos/${id}/cancel`);
    expect((await service.as(ALICE).ended(id)).status).toBe('cancelled');
    expect(submits(slow)).toHaveLength(1);
  });

  test('and sends nothing when it was aborted before', async () => {
    const { hailuo, sent } = client(service, { token: ALICE });
    const abortSignal = AbortSignal.abort();
    const call = generateVideo({ model: hailuo.video('hailuo-2.3'), prompt: 'a seal unborn', abortSignal });
    expect(await failure(call)).toMatchObject({ name: 'AbortError' });
    expect(sent).toEqual([]);
  });

  function stopCalls(prompt: string) {
    const calls = [...service.sim.callsTo('/Task/Kill'), ...service.sim.callsTo('/Task/Cancel')];
    return calls.filter(({ task }) => task?.prompt === prompt);
  }
});

function frame(frameType: 'first_frame' | 'last_frame') {
  return { image: 'https://images.example.com/frame.png', frameType };
}
