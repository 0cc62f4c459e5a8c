// POST /v1/videos with a valid body: the response, and the Run that Wiro gets.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { submitBody } from '../support/requests/bodies.ts';
import { onlyRun, RUN_FIELDS } from '../support/runs.ts';
import { type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';

const TEXT_ONLY = {
  promptOptimizer: true,
  resolution: '768P',
  duration: 6,
  inputImageFirst: null,
  inputImageFirstUrl: null,
};

let service: Service;
beforeAll(async () => {
  // The clock of the stand-in is stopped, so each job stays as the submit left it.
  service = await startService({ vars: { POLL_SECONDS: '600' }, sim: { speed: 0 } });
});
afterAll(() => service.close());

describe('the response to a submit', () => {
  test('is 202 with the whole Video', async () => {
    const prompt = 'a heron lands on a jetty';
    const before = Math.floor(Date.now() / 1000);
    const response = await service.submit({ prompt });
    const video = (await response.json()) as Video;
    const after = Math.floor(Date.now() / 1000);

    expect(response.status).toBe(202);
    expect(response.headers.get('content-type')).toBe('application/json');
    const self = `${service.origin}/v1/videos/${video.id}`;
    expect(video).toEqual({
      id: expect.stringMatching(/^vid_[a-z2-7]{40}$/),
      object: 'video',
      model: 'hailuo-2.3',
      status: 'in_progress',
      stage: 'task_queue',
      queue_position: null,
      progress: expect.any(Number),
      progress_source: expect.stringMatching(/^(estimate|none)$/),
      created_at: expect.any(Number),
      started_at: expect.any(Number),
      completed_at: null,
      expires_at: null,
      input: { prompt, ...TEXT_ONLY },
      output: null,
      cost_usd: null,
      error: null,
      warnings: [],
      prompt,
      seconds: '6',
      size: '1366x768',
      remixed_from_video_id: null,
      metadata: {},
      urls: {
        self,
        events: `${self}/events`,
        content: null,
        download: null,
        thumbnail: null,
        cancel: `${self}/cancel`,
      },
    });
    for (const time of [video.created_at, video.started_at]) {
      expect(time).toBeGreaterThanOrEqual(before);
      expect(time).toBeLessThanOrEqual(after);
    }
    expect(video.progress).toBeGreaterThanOrEqual(0);
    expect(video.progress).toBeLessThan(100);
    expect(new URL(response.headers.get('location')!, service.origin).href).toBe(self);
    expect(await service.video(video.id)).toEqual({ ...video, progress: expect.any(Number) });
  });

  test('has a new request id and a new video id each time', async () => {
    const body = { prompt: 'two of the same' };
    const answers = await Promise.all([service.submit(body), service.submit(body)]);
    const requestIds = answers.map(({ headers }) => headers.get('x-request-id'));
    const videos = (await Promise.all(answers.map((answer) => answer.json()))) as Video[];
    expect(requestIds).toEqual([expect.stringMatching(/^\S{8,}$/), expect.stringMatching(/^\S{8,}$/)]);
    expect(new Set(requestIds).size).toBe(2);
    expect(new Set(videos.map(({ id }) => id)).size).toBe(2);
  });

  test.for(['application/json; charset=utf-8', 'Application/JSON', 'application/json ;x=y'])(
    'is returned for content type %s',
    async (contentType) => {
      const body = Buffer.from(JSON.stringify({ prompt: `sent as ${contentType}` }));
      expect((await submitBody(service, contentType, body)).status).toBe(202);
    },
  );
});

interface Variant {
  given: object;
  input: Partial<Video['input']>;
  sent: Record<string, string>;
}

const SENT_BY_DEFAULT = {
  inputImageFirst: '',
  inputImageFirstUrl: '',
  promptOptimizer: 'true',
  resolution: '768P',
  duration: '6',
};

const VARIANTS: [string, Variant][] = [
  ['defaults', { given: {}, input: {}, sent: {} }],
  [
    'a boolean and a number',
    {
      given: { promptOptimizer: false, duration: 10 },
      input: { promptOptimizer: false, duration: 10 },
      sent: { promptOptimizer: 'false', duration: '10' },
    },
  ],
  [
    'a boolean and a number as strings',
    {
      given: { promptOptimizer: 'false', duration: '10' },
      input: { promptOptimizer: false, duration: 10 },
      sent: { promptOptimizer: 'false', duration: '10' },
    },
  ],
  ['the default boolean as a string', { given: { promptOptimizer: 'true' }, input: {}, sent: {} }],
  [
    '1080P with its 6 seconds',
    {
      given: { resolution: '1080P', duration: '6' },
      input: { resolution: '1080P' },
      sent: { resolution: '1080P' },
    },
  ],
  [
    '1080P alone',
    { given: { resolution: '1080P' }, input: { resolution: '1080P' }, sent: { resolution: '1080P' } },
  ],
  ['empty image fields', { given: { inputImageFirst: '', inputImageFirstUrl: '' }, input: {}, sent: {} }],
  ['null image fields', { given: { inputImageFirst: null, inputImageFirstUrl: null }, input: {}, sent: {} }],
  [
    'the address of an image',
    {
      given: { inputImageFirstUrl: 'https://images.example.com/cat.png?size=1&x=%20y#z' },
      input: { inputImageFirstUrl: 'https://images.example.com/cat.png?size=1&x=%20y#z' },
      sent: { inputImageFirstUrl: 'https://images.example.com/cat.png?size=1&x=%20y#z' },
    },
  ],
];

describe('the Run', () => {
  test.for(VARIANTS)('sends %s in the fields and order of the sample', async ([name, variant]) => {
    const prompt = `a kite over a dune, with ${name}`;
    const video = await service.accepted({ prompt, ...variant.given });
    expect(video.input).toEqual({ prompt, ...TEXT_ONLY, ...variant.input });

    const run = onlyRun(service.sim, prompt);
    expect(run).toMatchObject({ method: 'POST', path: '/v1/Run/minimax/hailuo-2-3', status: 200 });
    expect(run.headers['content-type']).toMatch(/^multipart\/form-data; ?boundary=/);
    expect(run.fieldOrder).toEqual(RUN_FIELDS);
    expect(run.file).toBeUndefined();
    const { callbackUrl, ...fields } = run.fields!;
    expect(fields).toEqual({ prompt, ...SENT_BY_DEFAULT, ...variant.sent });
    const [hook, proof, ...more] = callbackUrl!.slice(`${service.origin}/hooks/wiro/`.length).split('/');
    expect(callbackUrl!.startsWith(`${service.origin}/hooks/wiro/`)).toBe(true);
    expect([hook, more]).toEqual([video.id, []]);
    expect(proof).toMatch(/^[\w-]{26,}$/); // 128 bits in base32, or more
    expect(await service.bindings.VIDEOS.head(`inputs/${video.id}`)).toBeNull();
  });

  test.for([
    ['quotes and backslashes', '"; filename="a.png" \\" \\'],
    ['line breaks', 'first\nsecond\n\nthird\n'],
    ['a form', '\n--x\nContent-Disposition: form-data; name="projectid"\n\n1\n--x--\n'],
    ['scripts of the world', 'ünïcödé 猫が走る 🐈‍⬛ \u202eעברית'],
    ['spaces around it', '  spaced  '],
    ['JSON', '{"prompt":"another"}'],
    ['markup', '<script>alert(1)</script>&amp;%00'],
  ] as const)('sends a prompt with %s unchanged', async ([name, text]) => {
    const prompt = `${text} in a prompt with ${name}${text}`;
    const video = await service.accepted({ prompt });
    expect(video.input.prompt).toBe(prompt);
    expect(onlyRun(service.sim, prompt).fieldOrder).toEqual(RUN_FIELDS);
  });

  test.for([
    ['ASCII', 'x'],
    ['two bytes of UTF-8 each', 'é'],
    ['two units of UTF-16 each', '🐈'],
  ] as const)('sends a prompt of 2,000 characters, %s', async ([name, character]) => {
    const start = `as long as can be, ${name}: `;
    const prompt = start + character.repeat(2000 - start.length);
    await service.accepted({ prompt });
    expect(onlyRun(service.sim, prompt).fieldOrder).toEqual(RUN_FIELDS);
  });

  test('sends a URL of 2,048 characters', async () => {
    const prompt = 'with the longest address';
    const inputImageFirstUrl = 'https://images.example.com/'.padEnd(2048, 'x');
    await service.accepted({ prompt, inputImageFirstUrl });
    expect(onlyRun(service.sim, prompt).fields).toMatchObject({ inputImageFirstUrl });
  });

  test.for([
    'https://images.example.com/',
    'HTTPS://IMAGES.EXAMPLE.COM/CAT.PNG',
    'https://images.example.com:8443/cat.png',
    'https://xn--bcher-kva.example/cat.png',
    'https://localhost.example.com/cat.png',
    'https://local.internal.example.com/cat.png',
    'https://mylocalhost.com/cat.png',
    'https://images.example.com/?from=http://127.0.0.1/@localhost',
    'https://1.1.1.1/cat.png',
    'https://9.255.255.255/cat.png',
    'https://11.0.0.0/cat.png',
    'https://100.63.255.255/cat.png',
    'https://100.128.0.0/cat.png',
    'https://172.15.255.255/cat.png',
    'https://172.32.0.0/cat.png',
    'https://192.167.255.255/cat.png',
    'https://192.169.0.0/cat.png',
    'https://[2606:4700:4700::1111]/cat.png',
  ])('sends the public URL %s unchanged', async (inputImageFirstUrl) => {
    const prompt = `a picture from ${inputImageFirstUrl}`;
    const video = await service.accepted({ prompt, inputImageFirstUrl });
    expect(video.input.inputImageFirstUrl).toBe(inputImageFirstUrl);
    expect(onlyRun(service.sim, prompt).fields).toMatchObject({ inputImageFirst: '', inputImageFirstUrl });
  });
});
