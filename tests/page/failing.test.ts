// Each error is shown as a message, next to its field if it has one, and the inputs stay.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Video } from '../worker/support/types.ts';
import { done, hasChromium, make, onStage, remarked, useScene } from './support/browser.ts';

/** The text that the page shows for each error code of a submit and of later requests. */
const SENTENCES: [status: number, code: string, sentence: string][] = [
  [400, 'invalid_request', 'could not read the request'],
  [403, 'forbidden', 'Your token does not allow this'],
  [403, 'origin_not_allowed', 'does not accept requests from this page'],
  [403, 'challenge_failed', 'could not verify that you are human'],
  [404, 'not_found', 'does not exist any more'],
  [405, 'method_not_allowed', 'The server does not support this'],
  [409, 'not_ready', 'still being made'],
  [409, 'already_finished', 'had already ended'],
  [410, 'deleted', 'Press the button again to make a new one'],
  [413, 'payload_too_large', 'at most 20 MiB'],
  [415, 'unsupported_media_type', 'Choose a JPEG, PNG or WebP image'],
  [416, 'range_not_satisfiable', 'Play it from the start'],
  [422, 'idempotency_key_reused', 'Press the button again'],
  [429, 'rate_limited', 'Too many requests. Try again in about 20 seconds'],
  [429, 'budget_exhausted', 'Today’s budget is used up'],
  [500, 'internal', 'never makes a second video. (Reference: req_test)'],
  [500, 'misconfigured', 'not fully configured'],
  [503, 'upstream_unavailable', 'Nothing was started. Try again in about 20 seconds'],
  [503, 'paused', 'has paused it. Nothing was started. Try again in about 20 seconds'],
];

const FAILURES: [code: string, sentence: string][] = [
  ['generation_failed', 'Try other words or another image'],
  ['upstream_rejected', 'The model refused this'],
  ['upstream_unavailable', 'did not take the job'],
  ['upstream_timeout', 'did not finish in time'],
  ['submission_unknown', 'The video may still appear here'],
  ['storage_failed', 'could not be stored'],
];

describe.skipIf(!hasChromium)('error messages (needs Chromium)', () => {
  const scene = useScene({ sim: { speed: 60 } });
  beforeEach(() => {
    scene.expected = ['Failed to load resource'];
    scene.service.sim.clearScripts();
  });

  test('each error code of a response has a message, and the prompt stays', async () => {
    const { page } = scene;
    for (const [status, code, sentence] of SENTENCES) {
      const problem = { title: code, status, detail: 'detail', code, request_id: 'req_test', errors: [] };
      const headers = { 'content-type': 'application/problem+json', 'retry-after': '20' };
      await page.route('**/v1/videos', (route) => route.fulfill({ status, headers, json: problem }), {
        times: 1,
      });
      await make(page, `a text that stays after ${code}`);
      await page.getByRole('alert').getByText(sentence).waitFor();
      expect(await page.getByLabel('Prompt').inputValue()).toBe(`a text that stays after ${code}`);
    }
  });

  test('field errors of the Worker are shown next to their fields', async () => {
    const { page } = scene;
    await page.getByLabel('Link to an image').fill('https://localhost/sky.png');
    await make(page, 'a link that leads inside');
    await page.locator('#image-error').getByText('public').waitFor();
    expect(await page.getByLabel('Link to an image').getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('Link to an image').fill('');
    await page.getByLabel('Prompt').fill('');
    await page.getByRole('button', { name: 'Make the video' }).click();
    await page.locator('#prompt-error').getByText('Describe the video').waitFor();
    await page.getByLabel('Prompt').fill('x'.repeat(2001));
    await page.getByRole('button', { name: 'Make the video' }).click();
    await page.locator('#prompt-error').getByText('The prompt is 1 characters too long').waitFor();
    expect(await page.locator('#counter').textContent()).toBe('2,001 / 2,000');
    scene.expected = ['status of 400'];
  });

  test('each error code of a failed video has a message', async () => {
    const { page, service } = scene;
    service.sim.script('fails', { holdAt: 'task_start' });
    for (const [code, sentence] of FAILURES) {
      await page.route('**/events', async (route) => {
        const answer = await page.request.get(route.request().url().replace('/events', ''));
        const video: Video = await answer.json();
        const failed = {
          ...video,
          status: 'failed',
          stage: 'done',
          error: { code, message: 'in its own words' },
        };
        const body = `id: 9000000000000\nevent: video\ndata: ${JSON.stringify(failed)}\n\n`;
        await route.fulfill({ headers: { 'content-type': 'text/event-stream' }, body });
      });
      await page.route('**/v1/videos/vid_*', (route) => route.abort());
      await make(page, `it fails with ${code}`);
      await onStage(page, `it fails with ${code}`);
      await page.locator('#failure').getByText(sentence).waitFor();
      // The reason in the Video is shown for every code.
      await page.locator('#failure').getByText('The reason given: “in its own words”').waitFor();
      await page.getByRole('heading', { name: 'Failed' }).waitFor();
      await page.getByRole('button', { name: 'Again with changes' }).waitFor();
      await page.unrouteAll({ behavior: 'wait' });
    }
    for (const task of service.sim.tasks) service.sim.release(task);
  });

  test('a failure reason is shown as text; the Worker’s default message is not shown as a reason', async () => {
    const { page, service } = scene;
    service.sim.script('reasons', { task: { pexit: '1', outputs: 'none' } });
    for (const [message, shown] of [
      [
        '<img src=x onerror=alert(1)> & “quoted”',
        'The reason given: “<img src=x onerror=alert(1)> & “quoted””',
      ],
      ['The model ended without a video. Try again.', ''],
      ['', ''],
    ] as const) {
      await showAnswer({ error: { code: 'generation_failed', message } }, 'for these reasons');
      await page.getByRole('heading', { name: 'Failed' }).waitFor();
      const words = 'The model ended without a video. Try other words or another image.';
      await expect.poll(() => page.locator('#failure').textContent()).toBe(`${words}${shown && ` ${shown}`}`);
      expect(await page.locator('#failure *').count()).toBe(0);
    }
    const isShown = page.locator('#result').getByText('alert(1)');
    expect(await isShown.count()).toBe(0);
  });

  test('known warnings are shown as messages, unknown ones are not shown', async () => {
    const { page } = scene;
    const sentence = 'The model did not use the first frame.';
    for (const [warnings, shown] of [
      [['first_frame_ignored'], sentence],
      [['unheard_of', 'first_frame_ignored', 'constructor'], sentence],
      [['<b>unheard_of</b>'], ''],
      [[], ''],
      [undefined, ''],
    ] as const) {
      await showAnswer({ warnings }, 'a warning to all');
      await done(page);
      await expect.poll(() => page.locator('#warnings').textContent()).toBe(shown);
      expect(await page.locator('#warnings').isVisible()).toBe(shown !== '');
    }
  });

  /** Makes a video and opens it again with changed fields in the server's response. */
  async function showAnswer(changes: Record<string, unknown>, prompt: string) {
    const { page, service } = scene;
    const { id } = await service.accepted({ prompt });
    const video = { ...(await service.ended(id)), ...changes };
    await page.route(`**/v1/videos/${id}`, (route) => route.fulfill({ json: video }));
    await page.goto('about:blank');
    await page.goto(`${service.origin}/#${id}`);
    await onStage(page, prompt);
  }

  test('messages for a removed video and for a cancel that came too late', async () => {
    const { page, service } = scene;
    service.sim.script('nearly done', { holdAt: 'task_start' });
    await make(page, 'a race nearly done');
    await page.getByText('Started', { exact: true }).waitFor();
    const late = {
      title: '',
      status: 409,
      detail: '',
      code: 'already_finished',
      request_id: 'req_test',
      errors: [],
    };
    await page.route('**/cancel', (route) => route.fulfill({ status: 409, json: late }));
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Stop it' }).click();
    await page.getByText('could not be stopped').waitFor();
    const id = new URL(page.url()).hash.slice(1);
    // If the page watched the video, it would learn of the deletion and forget the id.
    await page.goto('about:blank');
    expect((await service.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    await page.goto(`${service.origin}/#${id}`);
    await remarked(page, 'This video does not exist any more');
    await page.goto(`${service.origin}/#vid_nonsense`);
    await remarked(page, 'This video does not exist any more', 2);
  });

  test('the Content-Security-Policy blocks other origins in both directions', async () => {
    const { page } = scene;
    // The browser reports a request before it blocks it.
    scene.expected = ['Content Security Policy', 'TrustedScript', 'https://example.com/'];
    const refused = await page.evaluate(async () => {
      const directives: string[] = [];
      document.addEventListener('securitypolicyviolation', (event) =>
        directives.push(event.effectiveDirective),
      );
      const next = () =>
        new Promise((resolve) =>
          document.addEventListener('securitypolicyviolation', resolve, { once: true }),
        );
      const tries = [
        () => document.head.append(Object.assign(document.createElement('script'), { textContent: '1' })),
        () => document.body.setAttribute('style', 'color: red'),
        () => Object.assign(new Image(), { src: 'https://example.com/pixel.png' }),
        () => fetch('https://example.com/').catch(() => {}),
      ];
      for (const attempt of tries) {
        const noticed = next();
        try {
          attempt();
        } catch {
          // Trusted Types throw an error.
        }
        await noticed;
      }
      return directives;
    });
    expect(refused).toEqual(['require-trusted-types-for', 'style-src-attr', 'img-src', 'connect-src']);
  });
});
