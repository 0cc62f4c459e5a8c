// The HTTP clients of Node: its own fetch, and undici's request.
import { readFile } from 'node:fs/promises';
import { Agent, RetryAgent, FormData as UndiciFormData, request as undiciRequest } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { httpScenario, type Incoming, type Outgoing } from './http-scenario.ts';
import { expectScenario, type Scene, startScene } from './scenario.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene('fetch', 'undici');
});
afterAll(() => scene.close());

/** As each needs it: the classes of one are not those of the other. */
async function bodyOf<F extends FormData | UndiciFormData>({ json, form }: Outgoing, Form: new () => F) {
  if (json) return JSON.stringify(json);
  if (!form) return null;
  const data = new Form();
  for (const [name, value] of Object.entries(form)) {
    if (typeof value === 'string') data.append(name, value);
    else data.append(name, new File([await readFile(value.path)], 'frame.png', { type: 'image/png' }));
  }
  return data;
}

const headersOf = ({ json, headers }: Outgoing) =>
  json ? { ...headers, 'content-type': 'application/json' } : headers;

/** Node's fetch tries nothing again by itself: its users do. */
async function byFetch(outgoing: Outgoing): Promise<Incoming> {
  try {
    const body = await bodyOf(outgoing, FormData);
    const answer = await fetch(outgoing.url, { method: outgoing.method, headers: headersOf(outgoing), body });
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
  } catch (error) {
    if (!outgoing.retries) throw error;
    return byFetch({ ...outgoing, retries: false });
  }
}

const agent = new Agent();
const retryAgent = new RetryAgent(agent, { methods: ['POST'], minTimeout: 10 });

async function byUndici(outgoing: Outgoing): Promise<Incoming> {
  const { statusCode, body } = await undiciRequest(outgoing.url, {
    method: outgoing.method as 'GET',
    headers: headersOf(outgoing),
    body: await bodyOf(outgoing, UndiciFormData),
    dispatcher: outgoing.retries ? retryAgent : agent,
  });
  return { status: statusCode, body: Buffer.from(await body.arrayBuffer()) };
}

test('fetch', async () => {
  const target = scene.targetOf('fetch', 'a heron that Node fetches');
  expectScenario(scene, target, await httpScenario(byFetch, target));
});

test('request of undici, which retries by itself', async () => {
  const target = scene.targetOf('undici', 'a heron that undici requests');
  const lostBefore = scene.proxy.lost();
  expectScenario(scene, target, await httpScenario(byUndici, target));
  expect(scene.proxy.lost() - lostBefore).toBe(1);
});
