// Requests without a video and refusals: both services send the same responses.
import { describe, expect, test } from 'vitest';
import { BOUNDARY, formBody, type Part } from '../worker/support/requests/bodies.ts';
import { picture } from '../worker/support/requests/pictures.ts';
import { expectEqual, JSON_TYPE, onBoth, post, type Side, send, startBoth } from './both.ts';

const FORM_TYPE = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
const MADE_UP = `vid_${'a'.repeat(40)}`;

startBoth();

describe('requests without a video', () => {
  test('GET /health', async () => {
    await expectEqual((side) => send(side, '/health'), 200);
  });

  test('a page of another origin gets the same CORS headers', async () => {
    const { headers } = await expectEqual(
      (side) => send(side, '/health', { headers: { origin: 'https://a.example' } }),
      200,
    );
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'x-content-type-options': 'nosniff',
    });
  });

  test('an invalid id is 404 and reads no storage', async () => {
    await expectEqual((side) => send(side, `/v1/videos/${MADE_UP}`), 404);
    await expectEqual((side) => send(side, `/v1/videos/${MADE_UP}/content`), 404);
  });

  test.each(['/', '/v1', '/v1/videos/', '/v1/videos//content', '/nothing'])(
    'the unknown path %s is answered 404',
    async (path) => {
      await expectEqual((side) => send(side, path), 404);
    },
  );

  test('a wrong method is 405', async () => {
    await expectEqual((side) => send(side, '/health', { method: 'POST' }), 405);
    await expectEqual((side) => send(side, '/v1/videos', { method: 'PUT' }), 405);
  });

  test('a request without a token is 401', async () => {
    await expectEqual((side) => fetch(`${side.subject.origin}/v1/videos`), 401);
  });

  test('a callback with a wrong proof is 404', () =>
    expectEqual(
      (side) => send(side, `/hooks/wiro/${MADE_UP}/${'a'.repeat(32)}`, post(JSON_TYPE, '{}')),
      404,
    ));
});

describe('a submit with a JSON body', () => {
  const submit =
    (body: string, headers: Record<string, string> = {}) =>
    (side: Side) =>
      send(side, '/v1/videos', post({ ...JSON_TYPE, ...headers }, body));

  test('a valid body is accepted', async () => {
    const body = { prompt: 'held: a boat', promptOptimizer: 'false', resolution: '1080P', duration: '6' };
    const { headers } = await expectEqual(submit(JSON.stringify(body)), 202);
    expect(headers).toMatchObject({ location: 'http://worker/v1/videos/vid_', 'retry-after': '3' });
  });

  test('a first frame by URL is accepted', () =>
    expectEqual(submit('{"prompt":"held: a boat","inputImageFirstUrl":"https://a.example/b.png"}'), 202));

  test.each([
    '{}',
    '{"prompt":""}',
    '{"prompt":"a\\u0000b"}',
    JSON.stringify({
      prompt: 'é'.repeat(2001),
      duration: 7,
      resolution: '4K',
      promptOptimizer: 'maybe',
      seed: 1,
    }),
    '{"prompt":"a","duration":10,"resolution":"1080P"}',
    '{"prompt":"a","inputImageFirst":"a.png"}',
    '{"prompt":"a","inputImageFirstUrl":"http://a.example/"}',
    '{"prompt":"a","inputImageFirstUrl":"https://127.0.0.1/"}',
    '{"prompt":"a","inputImageFirstUrl":"https://u@a.example/"}',
  ])('an invalid field is refused: %s', async (body) => {
    await expectEqual(submit(body), 400);
  });

  test('a body that is too large or of another type is refused', async () => {
    await expectEqual(submit(JSON.stringify({ prompt: 'a'.repeat(70_000) })), 413);
    await expectEqual((side) => send(side, '/v1/videos', post({ 'content-type': 'text/plain' }, 'a')), 415);
  });

  test('the same key with the same and with another request', async () => {
    const key = { 'idempotency-key': 'once' };
    await expectEqual(submit('{"prompt":"held: once"}', key), 202);
    const { headers } = await expectEqual(submit('{"prompt":"held: once"}', key), 202);
    expect(headers).toMatchObject({ 'idempotent-replayed': 'true' });
    await expectEqual(submit('{"prompt":"held: twice"}', key), 422);
    await expectEqual(submit('{"prompt":"held: once"}', { 'idempotency-key': 'a b' }), 400);
  });
});

describe('a submit with a form', () => {
  const image = (bytes: number, value = picture('image/png', bytes)): Part => ({
    name: 'inputImageFirst',
    filename: 'a.png',
    value,
  });
  const prompt = { name: 'prompt', value: 'held: a portrait' };
  const submit = (parts: Part[]) => (side: Side) =>
    send(side, '/v1/videos', post(FORM_TYPE, formBody(parts)));

  test.each([1000, 1024 * 1024, 6 * 1024 * 1024])(
    'an image of %i bytes reaches R2 and Wiro',
    async (bytes) => {
      const name = `held: ${bytes}`;
      await expectEqual(submit([{ name: 'prompt', value: name }, image(bytes)]), 202);
      const [rust, javascript] = await onBoth(async ({ sim, subject }) => {
        const { image, fields, callbackUrl } = await sim.waitForTask(name);
        const id = callbackUrl.split('/').at(-2);
        const object = await subject.bindings.VIDEOS.head(`inputs/${id}`);
        return { image, fields: { ...fields, callbackUrl: '' }, type: object?.httpMetadata?.contentType };
      });
      expect(javascript).toEqual(rust);
      expect(rust).toMatchObject({ image: { size: bytes }, type: 'image/png' });
    },
  );

  test('a streamed body without a length is accepted', async () => {
    const body = () => new Blob([formBody([image(100_000), prompt])]).stream();
    await expectEqual(
      (side) =>
        send(side, '/v1/videos', { method: 'POST', headers: FORM_TYPE, body: body(), duplex: 'half' }),
      202,
    );
  });

  test('a form without a chosen file is accepted', () =>
    expectEqual(submit([prompt, { name: 'inputImageFirst', filename: '', value: '' }]), 202));

  test('an invalid form is refused', async () => {
    await expectEqual(submit([prompt, image(0, Buffer.from('this is no image at all'))]), 415);
    await expectEqual(submit([image(1000)]), 400);
    await expectEqual(submit([prompt, image(1000), image(1000)]), 400);
    await expectEqual(submit([prompt, image(21 * 1024 * 1024)]), 413);
    await expectEqual(submit([{ name: 'prompt', value: 'a'.repeat(70_000) }]), 413);
    await expectEqual((side) => send(side, '/v1/videos', post(FORM_TYPE, formBody([prompt], ''))), 400);
    await expectEqual(
      (side) => send(side, '/v1/videos', post({ 'content-type': 'multipart/form-data' }, 'a')),
      400,
    );
  });
});
