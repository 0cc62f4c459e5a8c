// The same Idempotency-Key with the same request gives one video, however often it is sent.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem } from '../support/refusals.ts';
import type { Body } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { onlyRun } from '../support/runs.ts';
import { problem, type Service, startService } from '../support/service.ts';
import { sha256 } from '../support/stored.ts';
import type { Video } from '../support/types.ts';
import { runsOf } from '../support/upstream-calls.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 120 } });
});
afterAll(() => service.close());

function send(key: string, body: object | FormData): Promise<Response> {
  const isForm = body instanceof FormData;
  return service.fetch('/v1/videos', {
    method: 'POST',
    headers: { 'idempotency-key': key, ...(isForm ? {} : { 'content-type': 'application/json' }) },
    body: isForm ? body : JSON.stringify(body),
  });
}

async function videoOf(response: Response): Promise<Video> {
  expect(response.status).toBe(202);
  return (await response.json()) as Video;
}

function form(prompt: string, image: Body): FormData {
  const form = new FormData();
  form.set('prompt', prompt);
  form.set('inputImageFirst', new Blob([image]), 'first.png');
  return form;
}

test('fifty concurrent submits with one key are one Run and one video', async () => {
  const prompt = 'fifty bells at once';
  const responses = await Promise.all(Array.from({ length: 50 }, () => send('bells', { prompt })));
  const videos = await Promise.all(responses.map(videoOf));
  expect(new Set(videos.map(({ id }) => id)).size).toBe(1);
  expect(responses.filter(({ headers }) => !headers.has('idempotent-replayed'))).toHaveLength(1);
  onlyRun(service.sim, prompt);
});

test('a replay returns the current video', async () => {
  const body = { prompt: 'a bell that rings twice', duration: 6 };
  const first = await send('twice', body);
  expect(first.headers.get('idempotent-replayed')).toBeNull();
  const { id } = await videoOf(first);
  await service.ended(id);
  // The same request in another notation: the order of members, a number as a string, a default.
  const again = await send('twice', { duration: '6', resolution: '768P', prompt: body.prompt });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(await videoOf(again)).toMatchObject({ id, status: 'completed' });
  onlyRun(service.sim, body.prompt);
});

test.for<[string, object]>([
  ['another prompt', { prompt: 'another melody' }],
  ['another duration', { prompt: 'a melody', duration: 10 }],
  ['an image as well', { prompt: 'a melody', inputImageFirstUrl: 'https://images.example.com/a.png' }],
])('another request with the same key is refused: %s', async ([name, other]) => {
  const key = `melody-${name.replaceAll(' ', '-')}`;
  await videoOf(await send(key, { prompt: 'a melody' }));
  const runs = service.sim.callsTo('/Run/').length;
  await expectProblem(await send(key, other), [422, 'idempotency_key_reused']);
  expect(service.sim.callsTo('/Run/')).toHaveLength(runs);
});

test('ten concurrent equal forms with an image are one Run', async () => {
  const image = picture('image/png', 300_000);
  const prompt = 'ten portraits at once';
  const responses = await Promise.all(
    Array.from({ length: 10 }, () => send('portraits', form(prompt, image))),
  );
  const videos = await Promise.all(responses.map(videoOf));
  expect(new Set(videos.map(({ id }) => id)).size).toBe(1);
  expect(onlyRun(service.sim, prompt).file?.size).toBe(image.length);
});

test('another image with the same key is refused, and the first stays', async () => {
  const [first, second] = [picture('image/png', 1000), picture('image/png', 1000, randomBytes(1000))];
  const { id } = await videoOf(await send('portrait', form('a portrait', first)));
  await expectProblem(await send('portrait', form('a portrait', second)), [422, 'idempotency_key_reused']);
  const stored = await service.bindings.VIDEOS.get(`inputs/${id}`);
  expect(sha256(new Uint8Array(await stored!.arrayBuffer()))).toBe(sha256(first));
});

test('a refused submit is refused again without another Run', async () => {
  const prompt = 'a wish that is not granted';
  const fault = { kind: 'error' as const, code: 0, message: 'Request parameter [prompt] is not allowed' };
  service.sim.script(prompt, { run: [fault] });
  for (const _ of ['first', 'again']) {
    await expectProblem(await send('wish', { prompt }), [422, 'invalid_parameter']);
  }
  expect(runsOf(service.sim, prompt)).toHaveLength(1);
});

test('a replay is answered even after weeks of sweeps', async () => {
  const body = { prompt: 'a bell that rings next month' };
  const { id } = await videoOf(await send('month', body));
  const { expires_at } = await service.ended(id);
  await service.sweep(expires_at! - 3600);
  const again = await send('month', body);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(await videoOf(again)).toMatchObject({ id, status: 'completed' });
  onlyRun(service.sim, body.prompt);
});

test('other keys and no keys give other videos', async () => {
  const prompt = 'a choir of three';
  const responses = [
    await send('alto', { prompt }),
    await send('ALTO', { prompt }),
    await service.submit({ prompt }),
  ];
  const ids = await Promise.all(responses.map(async (response) => (await videoOf(response)).id));
  expect(new Set(ids).size).toBe(3);
});

test.for(['k'.repeat(256), 'two words', 'schlüssel'])('an invalid key is refused: %s', async (key) => {
  const response = await send(Buffer.from(key).toString('latin1'), { prompt: 'a key that does not fit' });
  expect(response.status).toBe(400);
  const found = await problem(response);
  expect(found.errors).toEqual([{ field: 'Idempotency-Key', message: expect.stringContaining('255') }]);
});
