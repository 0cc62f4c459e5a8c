// The API description: valid, complete, and equal to the responses of the Worker.
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWebhookReceiver, type WebhookReceiver } from '../operator/webhook-receiver.ts';
import { ALICE, CLIENT_TOKENS } from '../support/clients.ts';
import { watch } from '../support/event-source.ts';
import { type Part, submitForm } from '../support/requests/bodies.ts';
import { picture } from '../support/requests/pictures.ts';
import { upload } from '../support/requests/uploads.ts';
import { type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';

interface Operation {
  responses: Record<string, { content?: Record<string, unknown>; $ref?: string }>;
}

interface Description {
  paths: Record<string, Record<string, Operation>>;
}

const OPERATOR_TOKEN = 'operator-token-5a0f3d9e7c1b28460d93';
const NOTIFY_SECRET = 'whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ=';

let service: Service;
let webhook: WebhookReceiver;
let alice: Service;
let openapi: Description;
let ajv: Ajv2020;
/** A completed video. */
let video: Video;
/** Every operation and status that was observed. */
const seen = new Set<string>();

beforeAll(async () => {
  webhook = await startWebhookReceiver();
  service = await startService({
    sim: { speed: 600 },
    vars: { NOTIFY_URL: webhook.url },
    secrets: { CLIENT_TOKENS, OPERATOR_TOKEN, NOTIFY_SECRET },
  });
  alice = service.as(ALICE);
  openapi = await (await service.fetch('/openapi.json')).json();
  ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(openapi, 'openapi');
  const { id } = await alice.accepted({ prompt: 'a page from a manual' });
  video = await alice.ended(id);
});
afterAll(async () => {
  await service.close();
  await webhook.close();
});

const pointer = (...parts: string[]) =>
  parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** Checks a response against its description and returns its JSON. */
async function described(method: string, path: string, answer: Response): Promise<unknown> {
  const status = String(answer.status);
  const type = answer.headers.get('content-type') ?? '';
  const operation = openapi.paths[path]?.[method];
  const written = operation?.responses[status];
  expect(written, `${method} ${path} ${status}: ${await answer.clone().text()}`).toBeDefined();
  seen.add(`${method} ${path} ${status}`);
  if (!type.endsWith('json')) return undefined;
  const at = written?.$ref ?? `#${pointer('paths', path, method, 'responses', status)}`;
  const body = await answer.json();
  const isSo = ajv.getSchema(`openapi${at}${pointer('content', type, 'schema')}`);
  expect(isSo, `${method} ${path} ${status} ${type}`).toBeDefined();
  expect(isSo?.(body), `${JSON.stringify(isSo?.errors)} of ${JSON.stringify(body)}`).toBe(true);
  return body;
}

test('openapi.json is valid', async () => {
  const { valid, errors } = await new Validator().validate(
    structuredClone(openapi) as object as Record<string, unknown>,
  );
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
});

test('openapi.json has the version of this release', async () => {
  const { version } = await (await service.fetch('/health')).json();
  expect(openapi).toMatchObject({ info: { version } });
});

describe('openapi.json describes the real', () => {
  const at = (id: string, behind = '') => `/v1/videos/${id}${behind}`;
  const NOBODY = 'vid_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';

  test('submits', async () => {
    const check = (answer: Response) => described('post', '/v1/videos', answer);
    await check(await alice.submit({ prompt: 'a page from another manual' }, 'a-key'));
    await check(await alice.submit({ prompt: 'a page from one more manual' }, 'a-key'));
    await check(await alice.submit({ prompt: '', duration: 7, colour: 'red' }));
    await check(await service.submit({ prompt: 'nobody may' }));
    const send = (body: string, type: string) =>
      alice.fetch('/v1/videos', { method: 'POST', headers: { 'content-type': type }, body });
    await check(await send(`{"prompt":"${'a'.repeat(70_000)}"}`, 'application/json'));
    await check(await send('prompt', 'text/plain'));
  });

  test('Video and list', async () => {
    await described('get', '/v1/videos/{id}', await alice.fetch(at(video.id)));
    await described('get', '/v1/videos/{id}', await alice.fetch(at(NOBODY)));
    await described('get', '/v1/videos/{id}', await service.fetch(at(video.id)));
    await described('get', '/v1/videos', await alice.fetch('/v1/videos?limit=2'));
    await described('get', '/v1/videos', await alice.fetch('/v1/videos?limit=0'));
    await described('get', '/v1/videos', await service.fetch('/v1/videos'));
    const frame = { name: 'inputImageFirst', filename: 'frame.png', value: picture('image/png', 5000) };
    const withFrame = await submitForm(alice, [{ name: 'prompt', value: 'a page with a picture' }, frame]);
    await described('post', '/v1/videos', withFrame);
  });

  test('events', async () => {
    const isVideo = ajv.getSchema('openapi#/components/schemas/Video');
    const isLine = ajv.getSchema('openapi#/components/schemas/LogLine');
    const prompt = 'a page that is being written';
    service.sim.script(prompt, { holdAt: 'task_start' });
    const { id } = await alice.accepted({ prompt });
    const watcher = await watch(alice, id);
    service.sim.release(await service.sim.waitForTask(prompt));
    await watcher.ended;
    seen.add('get /v1/videos/{id}/events 200');
    expect(watcher.events.length).toBeGreaterThan(1);
    for (const { event, data } of watcher.events)
      expect((event === 'log' ? isLine : isVideo)?.(data)).toBe(true);
    await described('get', '/v1/videos/{id}/events', await service.fetch(at(id, '/events')));
    await described('get', '/v1/videos/{id}/events', await alice.fetch(at(NOBODY, '/events')));
  });

  test('content', async () => {
    const play = async (client: Service, headers: Record<string, string> = {}, id = video.id) =>
      described('get', '/v1/videos/{id}/content', await client.fetch(at(id, '/content'), { headers }));
    await play(alice);
    await play(alice, { range: 'bytes=0-9' });
    await play(alice, { range: 'bytes=999999999-' });
    await play(alice, { 'if-none-match': video.output?.etag ?? '' });
    await play(alice, {}, NOBODY);
    await play(service);
    for (const variant of ['thumbnail', 'spritesheet']) {
      const picture = await alice.fetch(at(video.id, `/content?variant=${variant}`));
      await described('get', '/v1/videos/{id}/content', picture);
    }
    service.sim.script('a page that is not there yet', { holdAt: 'task_queue' });
    const { id } = await alice.accepted({ prompt: 'a page that is not there yet' });
    await play(alice, {}, id);
    await described('post', '/v1/videos/{id}/cancel', await alice.cancel(id));
  });

  test('deliveries', async () => {
    const check = (answer: Response) => described('get', '/v1/videos/{id}/deliveries', answer);
    await check(await alice.fetch(at(video.id, '/deliveries')));
    await check(await alice.fetch(at(NOBODY, '/deliveries')));
    await check(await service.fetch(at(video.id, '/deliveries')));
    // One that has been tried; callback-url.test.ts compares the Worker's own.
    const isDelivery = ajv.getSchema('openapi#/components/schemas/CallbackDelivery');
    const tried = { at: 1, webhook_id: 'msg_a_1', attempt: 1 };
    for (const answered of [{ status: 204 }, { error: 'no answer within 10 s' }])
      expect(isDelivery?.({ ...tried, ...answered, next_attempt_at: null })).toBe(true);
  });

  test('cancel and delete', async () => {
    await described('post', '/v1/videos/{id}/cancel', await alice.cancel(video.id));
    await described('post', '/v1/videos/{id}/cancel', await service.cancel(video.id));
    await described('post', '/v1/videos/{id}/cancel', await alice.cancel(NOBODY));
    const remove = (client: Service, id: string) => client.fetch(at(id), { method: 'DELETE' });
    await described('delete', '/v1/videos/{id}', await remove(service, video.id));
    await described('delete', '/v1/videos/{id}', await remove(alice, video.id));
    await described('delete', '/v1/videos/{id}', await remove(alice, video.id));
    const submit = () => alice.submit({ prompt: 'a page that is torn out' }, 'torn');
    const { id } = (await (await submit()).json()) as Video;
    await remove(alice, id);
    await described('post', '/v1/videos', await submit());
  });

  test('files', async () => {
    const file = { name: 'file', filename: 'frame.png', value: picture('image/png', 5000) };
    const send = async (client: Service, parts: Part[]) =>
      described('post', '/v1/files', await upload(client, parts));
    await send(alice, [file]);
    await send(alice, [{ ...file, name: 'picture' }]);
    await send(alice, [{ ...file, value: 'text' }]);
    await send(alice, [{ ...file, value: picture('image/png', 20 * 2 ** 20 + 1) }]);
    await send(service, [file]);
  });

  test('models', async () => {
    await described('get', '/v1/models', await alice.fetch('/v1/models'));
    await described('get', '/v1/models', await service.fetch('/v1/models'));
    await described('get', '/v1/models/{name}', await alice.fetch('/v1/models/hailuo-2.3'));
    await described('get', '/v1/models/{name}', await alice.fetch('/v1/models/sora-2'));
    await described('get', '/v1/models/{name}', await service.fetch('/v1/models/hailuo-2.3'));
  });

  test('fields of OpenAI’s clients', async () => {
    const body = {
      prompt: 'a page for another reader',
      seconds: '6',
      size: '1920x1080',
      metadata: { a: 'b' },
    };
    const isRequest = ajv.getSchema('openapi#/components/schemas/VideoRequest');
    expect(isRequest?.({ ...body, user: 'u', n: 1, resolution: null })).toBe(true);
    await described('post', '/v1/videos', await alice.submit(body));
  });

  test('operator', async () => {
    const operator = service.as(OPERATOR_TOKEN);
    const { id } = await alice.accepted({ prompt: 'a page for the archive' });
    await alice.ended(id);
    const [message] = await webhook.deliveriesFor('a page for the archive');
    const isMessage = ajv.getSchema('openapi#/components/schemas/WebhookMessage');
    expect(isMessage?.(JSON.parse(message?.body ?? '')), JSON.stringify(isMessage?.errors)).toBe(true);
    const path = '/operator/videos/{id}';
    for (const [client, name] of [
      [operator, id],
      [operator, NOBODY],
      [service, id],
    ] as const) {
      await described('get', path, await client.fetch(`/operator/videos/${name}`));
      const redrive = `/operator/videos/${name}/redrive`;
      await described('post', `${path}/redrive`, await client.fetch(redrive, { method: 'POST' }));
    }
    for (const query of ['', '?status=failed', '?stauts=failed'])
      for (const client of [operator, service])
        await described('get', '/operator/videos', await client.fetch(`/operator/videos${query}`));
    const deleted = (await (await alice.submit({ prompt: 'a page for the shredder' })).json()) as Video;
    await alice.fetch(at(deleted.id), { method: 'DELETE' });
    await described('get', path, await operator.fetch(`/operator/videos/${deleted.id}`));
    service.sim.script('a page that is still blank', { holdAt: 'task_queue' });
    const blank = await alice.accepted({ prompt: 'a page that is still blank' });
    const play = async (name: string, query = '', headers = {}, client = operator) => {
      const answer = await client.fetch(`/operator/videos/${name}/content${query}`, { headers });
      await described('get', `${path}/content`, answer);
    };
    for (const name of [id, NOBODY, deleted.id, blank.id]) await play(name);
    for (const variant of ['thumbnail', 'spritesheet']) await play(id, `?variant=${variant}`);
    for (const range of ['bytes=0-9', 'bytes=999999999-']) await play(id, '', { range });
    await play(id, '', {}, service);
    for (const query of ['', '?group_by=day,client,model', '?format=csv', '?from=x'])
      await described('get', '/operator/usage', await operator.fetch(`/operator/usage${query}`));
    await described('get', '/operator/usage', await service.fetch('/operator/usage'));
    for (const client of [operator, service])
      await described('get', '/operator/metrics', await client.fetch('/operator/metrics'));
    const test = '/operator/webhook-test';
    for (const client of [operator, service])
      await described('post', test, await client.fetch(test, { method: 'POST' }));
  });

  test('clients at run time', async () => {
    const operator = service.as(OPERATOR_TOKEN);
    const send = async (method: string, path: string, name: string, body?: object, client = operator) => {
      const init = { method: method.toUpperCase(), ...(body && { body: JSON.stringify(body) }) };
      const answer = await client.fetch(`/operator/${path.replace('{name}', name)}`, init);
      await described(method, `/operator/${path}`, answer);
    };
    const rotate = 'clients/{name}/rotate';
    await send('post', 'clients', '', { name: 'carol' });
    await send('post', 'clients', '', { name: 'alice' });
    await send('post', 'clients', '', { name: 'a:b' });
    await send('post', rotate, 'carol', {});
    await send('post', rotate, 'carol', { keep_old_seconds: -1 });
    await send('patch', 'clients/{name}', 'carol', { daily_usd: '5.00' });
    await send('patch', 'clients/{name}', 'carol', { daily: '5.00' });
    await send('get', 'clients', '');
    for (const name of ['alice', 'carol', 'nobody']) {
      await send('post', rotate, name);
      await send('delete', 'clients/{name}', name);
      await send('patch', 'clients/{name}', name, {});
    }
    await send('post', 'pause', '');
    await send('post', 'resume', '');
    for (const [method, path] of [
      ['get', 'clients'],
      ['post', 'clients'],
      ['patch', 'clients/{name}'],
      ['delete', 'clients/{name}'],
      ['post', rotate],
      ['post', 'pause'],
      ['post', 'resume'],
    ] as const)
      await send(method, path, 'alice', undefined, service);
  });

  test('what the operator does to videos', async () => {
    const operator = service.as(OPERATOR_TOKEN);
    const send = async (method: string, path: string, id = '', query = '', client = operator) => {
      const url = `/operator/${path.replace('{id}', id)}${query}`;
      await described(method, `/operator/${path}`, await client.fetch(url, { method: method.toUpperCase() }));
    };
    service.sim.script('a page that waits', { holdAt: 'task_queue' });
    const { id: stopped } = await alice.accepted({ prompt: 'a page that waits' });
    await alice.cancel(stopped);
    await alice.ended(stopped);
    const { id } = await alice.accepted({ prompt: 'a page that nobody needs' });
    await alice.ended(id);
    for (const name of [stopped, id, NOBODY]) await send('post', 'videos/{id}/cancel', name);
    for (const name of [NOBODY, id, 'vid_malformed']) await send('post', 'videos/{id}/release', name);
    for (const name of [stopped, NOBODY]) await send('delete', 'videos/{id}', name);
    for (const action of ['cancel', 'redrive', 'release']) {
      await send('post', `videos/{id}/${action}`, id, '', service);
      for (const query of ['?client=alice', '?client=a:b']) await send('post', `videos/${action}`, '', query);
      await send('post', `videos/${action}`, '', '', service);
    }
    await send('delete', 'videos/{id}', id, '', service);
    for (const client of [operator, service]) await send('delete', 'videos', '', '', client);
    await send('delete', 'videos', '', '?client=bob');
    for (const query of ['true', 'perhaps']) {
      const erase = { method: 'DELETE' };
      const answer = await operator.fetch(`/operator/clients/nobody?videos=${query}`, erase);
      await described('delete', '/operator/clients/{name}', answer);
    }
  });

  test('usage', async () => {
    await described('get', '/v1/usage', await alice.fetch('/v1/usage'));
    await described('get', '/v1/usage', await service.fetch('/v1/usage'));
  });

  test('messages of agents', async () => {
    const send = async (message: object, headers: Record<string, string> = {}, client = alice) => {
      const types = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      const body = JSON.stringify({ jsonrpc: '2.0', ...message });
      const init = { method: 'POST', headers: { ...types, ...headers }, body };
      return described('post', '/mcp', await client.fetch('/mcp', init));
    };
    const call = (params: object) => ({ id: 1, method: 'tools/call', params });
    await send({ id: 1, method: 'tools/list' });
    await send({ id: 'a', method: 'tools/other' });
    const _meta = { progressToken: 1 };
    await send(call({ name: 'wait_for_video', arguments: { id: video.id, wait_seconds: 1 }, _meta }));
    await send({ method: 'notifications/initialized' });
    await send({ id: null, method: 'ping' });
    const version = '2026-07-28';
    const key = 'io.modelcontextprotocol';
    const meta = { [`${key}/protocolVersion`]: version, [`${key}/clientCapabilities`]: {} };
    const unknown = { id: 1, method: 'ping', params: { _meta: meta } };
    await send(unknown, { 'mcp-protocol-version': version, 'mcp-method': 'ping' });
    await send({}, { accept: 'text/html' });
    await send({}, { 'content-type': 'text/plain' });
    await send(call({ name: 'a'.repeat(70_000) }));
    await send({ id: 1, method: 'ping' }, {}, service);
  });

  test('health', async () => {
    const deep = '/health?deep=1';
    await described('get', '/health', await service.fetch('/health'));
    await described('get', '/health', await service.fetch(deep));
    // There was no sweep yet.
    await described('get', '/health', await service.as(OPERATOR_TOKEN).fetch(deep));
  });
});

test('openapi.json describes only operations that these tests have seen', () => {
  const written = Object.entries(openapi.paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => 'responses' in operation)
      .flatMap(([method, { responses }]) =>
        Object.keys(responses).map((status) => `${method} ${path} ${status}`),
      ),
  );
  // Responses that cannot be caused here, and those without a body.
  const elsewhere = / (403|429|500|502|503|101|204|304)$|^head |redrive 202$|webhook-test 404$/;
  expect(written.filter((answer) => !seen.has(answer) && !elsewhere.test(answer))).toEqual([]);
});
