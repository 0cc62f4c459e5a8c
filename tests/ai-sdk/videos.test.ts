// `generateVideo` of Vercel's AI SDK makes videos with public/ai-sdk.js.
import {
  createDownload,
  createProviderRegistry,
  experimental_generateVideo as generateVideo,
  experimental_getVideoStatus as getVideoStatus,
  experimental_startVideo as startVideo,
} from 'ai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHailuo } from '../../public/ai-sdk.js';
import { ALICE, CLIENT_TOKENS } from '../worker/support/clients.ts';
import { picture } from '../worker/support/requests/pictures.ts';
import { onlyRun } from '../worker/support/runs.ts';
import { sampleBytes } from '../worker/support/sample.ts';
import { type Service, startService } from '../worker/support/service.ts';
import { sha256 } from '../worker/support/stored.ts';
import { runsOf } from '../worker/support/upstream-calls.ts';
import { type Client, client, lost, submits } from './provider.ts';

const FIRST = picture('image/png', 4000);
const LAST = picture('image/webp', 3000);
const FIRST_LINK = 'https://images.example.com/first.png';
const LAST_LINK = 'https://images.example.com/last.png';
const WITH_LAST = 'image-to-video-hailuo-02';

let service: Service;
let alice: Client;
beforeAll(async () => {
  service = await startService({
    sim: {
      speed: 600,
      models: {
        'minimax/hailuo-2-3': { generation: 'seed' },
        [`minimax/${WITH_LAST}`]: { generation: 'fileinput', firstFrame: 'required', lastFrame: true },
      },
    },
    vars: { MODELS: `hailuo-2.3,${WITH_LAST}` },
    secrets: { CLIENT_TOKENS },
  });
  alice = client(service, { token: ALICE });
});
afterAll(() => service?.close());

describe('a video is made', () => {
  test('from a prompt, with the SDK’s metadata', async () => {
    const prompt = 'an otter from words';
    const before = Date.now();
    const { video, videos, warnings, responses, providerMetadata } = await generateVideo({
      model: alice.hailuo.video('hailuo-2.3'),
      prompt,
      duration: 10,
      resolution: '1366x768',
      aspectRatio: '16:9',
      providerOptions: { hailuo: { promptOptimizer: false, metadata: { shot: '7' } } },
    });
    expect(Buffer.from(video.uint8Array)).toEqual(sampleBytes);
    // The stand-in's file has another size than a real one.
    const size = { type: 'compatibility', feature: 'resolution', details: 'The video is 768x432.' };
    expect([video.mediaType, videos.length, warnings]).toEqual(['video/mp4', 1, [size]]);
    expect(onlyRun(service.sim, prompt).fields).toMatchObject({
      ...{ duration: '10', resolution: '768P', promptOptimizer: 'false' },
    });
    const { id } = Object(providerMetadata.hailuo);
    const stored = await service.as(ALICE).video(id);
    expect(stored).toMatchObject({ status: 'completed', metadata: { shot: '7' } });
    const { cost_usd, expires_at, output } = stored;
    const facts = { id, status: 'completed', model: 'hailuo-2.3', cost_usd, expires_at, output };
    expect(cost_usd).not.toBeNull();
    expect(providerMetadata.hailuo).toMatchObject({ ...facts, videos: [facts] });
    const [response] = responses;
    expect(response?.modelId).toBe('hailuo-2.3');
    expect(response?.headers?.['x-request-id']).toMatch(/^req_/);
    expect(response?.timestamp.getTime()).toBeGreaterThanOrEqual(before);
    expect(response?.timestamp.getTime()).toBeLessThan(Date.now());
  });

  const pictures: [string, string | Uint8Array][] = [
    ['bytes', FIRST],
    ['base64', Buffer.from(FIRST).toString('base64')],
    ['a data URL', `data:image/png;base64,${Buffer.from(FIRST).toString('base64')}`],
  ];
  test.for(pictures)('from an image as %s', async ([name, image]) => {
    const text = `an otter from a picture as ${name}`;
    await generateVideo({ model: alice.hailuo.video('hailuo-2.3'), prompt: { image, text } });
    expect(onlyRun(service.sim, text).file?.sha256).toBe(sha256(FIRST));
  });

  test('from an image URL', async () => {
    const text = 'an otter from a link';
    await generateVideo({ model: alice.hailuo.video('hailuo-2.3'), prompt: { image: FIRST_LINK, text } });
    expect(onlyRun(service.sim, text).fields?.inputImageFirstUrl).toBe(FIRST_LINK);
  });

  test.for([
    ['files', FIRST, LAST],
    ['links', FIRST_LINK, LAST_LINK],
  ] as const)('between two frames as %s', async ([name, first, last]) => {
    const prompt = `an otter between ${name}`;
    const { warnings } = await generateVideo({
      model: alice.hailuo.video(WITH_LAST),
      prompt,
      frameImages: [
        { image: last, frameType: 'last_frame' },
        { image: first, frameType: 'first_frame' },
      ],
    });
    expect(warnings).toEqual([]);
    const { pictures } = await service.sim.waitForTask(prompt);
    const seen = [pictures.first, pictures.last].map(
      (one) => one && ('url' in one ? one.url : one.file.sha256),
    );
    expect(seen).toEqual([first, last].map((frame) => (typeof frame === 'string' ? frame : sha256(frame))));
  });

  test('by the name of a model in the SDK’s registry', async () => {
    const registry = createProviderRegistry({ hailuo: alice.hailuo });
    const { video } = await generateVideo({
      model: registry.videoModel('hailuo:hailuo-2.3'),
      prompt: 'an otter by name',
    });
    expect(video.uint8Array.length).toBe(sampleBytes.length);
    expect(() => registry.languageModel('hailuo:hailuo-2.3')).toThrow(
      expect.objectContaining({ name: 'AI_NoSuchModelError', modelId: 'hailuo-2.3' }),
    );
  });
});

test('a public Worker’s video is downloaded by the SDK itself, by its granted link', async () => {
  const origin = 'https://videos.example.com';
  /** As a proxy in front of the Worker does. */
  const proxied = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { url, method, headers } = new Request(input, init);
    const body = init?.body ?? null;
    const answer = await fetch(url.replace(origin, service.origin), { method, headers, body });
    if (!answer.headers.get('content-type')?.includes('json')) return answer;
    const text = (await answer.text()).replaceAll(service.origin, origin);
    return new Response(text, { status: answer.status, headers: answer.headers });
  };
  const links: string[] = [];
  const download = createDownload({
    fetch: (input, init) => {
      links.push(`${input}`);
      expect(new Headers(init?.headers).get('authorization')).toBeNull();
      return proxied(input, init);
    },
  });
  const hailuo = createHailuo({ baseURL: `${origin}/v1/`, token: ALICE, fetch: proxied });
  const prompt = 'an otter far away';
  const { video, providerMetadata } = await generateVideo({
    model: hailuo.video('hailuo-2.3'),
    prompt,
    download,
  });
  expect(Buffer.from(video.uint8Array)).toEqual(sampleBytes);
  expect(links).toEqual([Object(providerMetadata.hailuo).url]);
  expect(links[0]).toMatch(/^https:\/\/videos\.example\.com\/v1\/videos\/vid_\w+\/content\?grant=/);
});

test('several videos are several jobs, each with its own key', async () => {
  const prompt = 'an otter in a family';
  const generate = () =>
    generateVideo({
      model: alice.hailuo.video('hailuo-2.3'),
      prompt,
      n: 2,
      headers: { 'Idempotency-Key': 'otters-1' },
    });
  const ids = async () => {
    const { videos, providerMetadata } = await generate();
    expect(videos).toHaveLength(2);
    return Object(providerMetadata.hailuo).videos.map(({ id }: { id: string }) => id);
  };
  const first = await ids();
  expect(new Set(first).size).toBe(2);
  // The same call is the same videos.
  expect(await ids()).toEqual(first);
  expect(runsOf(service.sim, prompt)).toHaveLength(2);
});

describe('a lost response causes no second video', () => {
  test('of the submit', async () => {
    const prompt = 'an otter whose answer is lost';
    const lossy = client(service, { token: ALICE }, (request, send, attempt) =>
      request.method === 'POST' && attempt === 0 ? lost(send) : send(),
    );
    await generateVideo({ model: lossy.hailuo.video('hailuo-2.3'), prompt, maxRetries: 0 });
    expect(new Set(submits(lossy).map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1);
    expect([submits(lossy).length, runsOf(service.sim, prompt).length]).toEqual([2, 1]);
  });

  test('of the status and of the content', async () => {
    const prompt = 'an otter that is lost of';
    const lossy = client(service, { token: ALICE }, (request, send, attempt) =>
      request.method === 'GET' && attempt === 0 ? lost(send) : send(),
    );
    const { video } = await generateVideo({ model: lossy.hailuo.video('hailuo-2.3'), prompt, maxRetries: 0 });
    expect(Buffer.from(video.uint8Array)).toEqual(sampleBytes);
    expect(runsOf(service.sim, prompt)).toHaveLength(1);
  });

  test('when the SDK itself retries, with images too', async () => {
    const text = 'an otter tried again';
    const refused = Response.json(
      { code: 'upstream_unavailable', detail: 'Not now.' },
      { status: 503, headers: { 'retry-after': '0' } },
    );
    const lossy = client(service, { token: ALICE }, async (request, send, attempt) => {
      if (request.method !== 'POST' || attempt > 0) return send();
      await (await send()).arrayBuffer();
      return refused;
    });
    await generateVideo({ model: lossy.hailuo.video('hailuo-2.3'), prompt: { image: FIRST, text } });
    expect([submits(lossy).length, runsOf(service.sim, text).length]).toEqual([2, 1]);
  });
});

describe('separate start and status', () => {
  test('the status of a started video is read by its operation', async () => {
    const prompt = 'an otter that is started';
    service.sim.script(prompt, { holdAt: 'task_start' });
    const model = alice.hailuo.video('hailuo-2.3');
    const { operation, warnings } = await startVideo({ model, prompt, fps: 24 });
    expect(warnings).toMatchObject([{ type: 'unsupported', feature: 'fps' }]);
    expect(await getVideoStatus(model, { operation })).toMatchObject({ status: 'pending' });
    service.sim.release(await service.sim.waitForTask(prompt));
    await service.as(ALICE).ended(Object(operation).id);
    const status = await getVideoStatus(model, { operation });
    if (status.status !== 'completed') throw new Error(status.status);
    const [file] = status.videos;
    if (file?.type !== 'binary') throw new Error(`${file?.type}`);
    expect(Buffer.from(file.data)).toEqual(sampleBytes);
  });

  test('the SDK polls, and a failed video throws its reason', async () => {
    const poll = { intervalMs: 25 };
    const model = alice.hailuo.video('hailuo-2.3');
    const { video } = await generateVideo({ model, prompt: 'an otter that is polled', poll });
    expect(video.uint8Array.length).toBe(sampleBytes.length);
    const prompt = 'an otter that fails while polled';
    service.sim.script(prompt, { task: { pexit: '1', outputs: 'none' } });
    await expect(generateVideo({ model, prompt, poll })).rejects.toThrow(/\(generation_failed\)$/);
  });
});
