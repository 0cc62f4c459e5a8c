// Double clicks, reloads and lost connections: one video is made, and the page follows it to its end.
import type { Page, Route } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { gradientPng } from '../../scripts/shared/gradient.ts';
import { done, hasChromium, make, onStage, useScene } from './support/browser.ts';

const SUBMIT = '**/v1/videos';
const EVENTS = '**/events';

describe.skipIf(!hasChromium)('interruptions (needs Chromium)', () => {
  const scene = useScene({ sim: { speed: 60 } });
  beforeEach(() => scene.service.sim.clearScripts());

  const runsOf = (prompt: string) => scene.service.sim.tasks.filter((task) => task.prompt === prompt).length;

  /** Of each submit from now on. */
  function keysOf(page: Page): (string | undefined)[] {
    const keys: (string | undefined)[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') keys.push(request.headers()['idempotency-key']);
    });
    return keys;
  }

  /** The next submit reaches the Worker, but its response does not reach the page. */
  async function loseNextAnswer(page: Page, then: (route: Route) => Promise<void> | void) {
    const lost = Promise.withResolvers<void>();
    await page.route(
      SUBMIT,
      async (route) => {
        await route.fetch();
        lost.resolve();
        await then(route);
      },
      { times: 1 },
    );
    // In an object, because a promise in a promise would be awaited too.
    return { lost: lost.promise };
  }

  test('a double click or a double Ctrl+Enter makes one video', async () => {
    const { page } = scene;
    /** Runs `press` while the first submit is in progress. */
    const meanwhile = async (press: () => Promise<void>) => {
      const pressed = Promise.withResolvers<void>();
      const goOn = (route: Route) => pressed.promise.then(() => route.continue());
      await page.route(SUBMIT, goOn, { times: 1 });
      await press();
      pressed.resolve();
    };
    await page.getByLabel('Prompt').fill('clicked twice');
    await meanwhile(async () => {
      await page.getByRole('button', { name: 'Make the video' }).dblclick();
      await page.getByLabel('Prompt').focus();
      await page.keyboard.press('Control+Enter');
    });
    await onStage(page, 'clicked twice');
    await done(page);
    expect(runsOf('clicked twice')).toBe(1);

    await page.getByLabel('Prompt').fill('entered twice');
    await meanwhile(async () => {
      await page.keyboard.press('Control+Enter');
      await page.keyboard.press('Control+Enter');
    });
    await onStage(page, 'entered twice');
    await done(page);
    expect(runsOf('entered twice')).toBe(1);
  });

  test('a submit whose response is lost is sent again with the same key', async () => {
    const { page } = scene;
    scene.expected = ['net::ERR_FAILED'];
    const keys = keysOf(page);
    await loseNextAnswer(page, (route) => route.abort());
    await make(page, 'an answer lost on the way');
    await onStage(page, 'an answer lost on the way');
    await done(page);
    expect(runsOf('an answer lost on the way')).toBe(1);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  test('a reload during a submit with an image makes one video', async () => {
    const { page } = scene;
    await page.getByLabel('First frame').setInputFiles({
      name: 'sky.png',
      mimeType: 'image/png',
      buffer: gradientPng(64, 36),
    });
    const { lost } = await loseNextAnswer(page, () => {});
    await make(page, 'reloaded too early');
    await lost;
    await page.reload();
    await onStage(page, 'reloaded too early');
    await done(page);
    expect(runsOf('reloaded too early')).toBe(1);
    // The inputs are still there, including the image.
    expect(await page.getByLabel('Prompt').inputValue()).toBe('reloaded too early');
    await page.getByText('sky.png').waitFor();
    // The request was answered, so the next reload sends nothing.
    await page.reload();
    await onStage(page, 'reloaded too early');
    expect(runsOf('reloaded too early')).toBe(1);
  });

  test.for(['with', 'without'])(
    'a second submit before the page has restored the first makes one video, %s an image',
    async (how) => {
      const { page } = scene;
      const prompt = `sent before and after, ${how} a picture`;
      const picture = { name: 'sky.png', mimeType: 'image/png', buffer: gradientPng(64, 36) };
      if (how === 'with') await page.getByLabel('First frame').setInputFiles(picture);
      const keys = keysOf(page);
      const { lost } = await loseNextAnswer(page, () => {});
      await make(page, prompt);
      await lost;
      await page.addInitScript(() => {
        const { promise, resolve } = Promise.withResolvers<void>();
        Object.assign(window, { letOpen: resolve });
        Object.defineProperty(IDBOpenDBRequest.prototype, 'onsuccess', {
          set(this: IDBOpenDBRequest, then: () => void) {
            this.addEventListener('success', () => promise.then(then));
          },
        });
      });
      await page.reload();
      await page.getByRole('button', { name: 'Make the video' }).click();
      await page.evaluate(() => (window as unknown as { letOpen: () => void }).letOpen());
      await onStage(page, prompt);
      await done(page);
      expect(runsOf(prompt)).toBe(1);
      expect(keys).toHaveLength(2);
      expect(new Set(keys).size).toBe(1);
    },
  );

  test('after a reload during generation the progress continues', async () => {
    const { page, service } = scene;
    service.sim.script('in the middle', { holdAt: 'task_start' });
    await make(page, 'reloaded in the middle');
    await page.getByText('Started', { exact: true }).waitFor();
    await page.reload();
    await page.getByText('Started', { exact: true }).waitFor();
    service.sim.release(await service.sim.waitForTask('in the middle'));
    await done(page);
  });

  test('offline during generation: the page says so, then resumes', async () => {
    const { page, service, context } = scene;
    scene.expected = ['net::ERR_INTERNET_DISCONNECTED'];
    service.sim.script('in a tunnel', { holdAt: 'task_start' });
    await make(page, 'a train in a tunnel');
    await page.getByText('Started', { exact: true }).waitFor();
    await context.setOffline(true);
    await page.getByText('You are offline.').waitFor();
    const task = await service.sim.waitForTask('in a tunnel');
    const resumed = page.waitForRequest((request) => request.url().endsWith('/events'));
    await context.setOffline(false);
    expect(Number((await resumed).headers()['last-event-id'])).toBeGreaterThan(0);
    service.sim.release(task);
    await done(page);
    expect(await page.getByText('You are offline.').count()).toBe(0);
  });

  test('offline during a submit: the page says so, then sends it once', async () => {
    const { page, context } = scene;
    scene.expected = ['net::ERR_INTERNET_DISCONNECTED'];
    await context.setOffline(true);
    await make(page, 'a letter in a bottle');
    await page.getByText('Your request is sent when you are back online').waitFor();
    await context.setOffline(false);
    await onStage(page, 'a letter in a bottle');
    await done(page);
    expect(runsOf('a letter in a bottle')).toBe(1);
  });

  test('after “Stop trying” the text stays, and a later submit makes the same video', async () => {
    const { page, context } = scene;
    scene.expected = ['net::ERR_INTERNET_DISCONNECTED'];
    await context.setOffline(true);
    await make(page, 'second thoughts');
    await page.getByRole('button', { name: 'Stop trying' }).click();
    await page.getByText('Stopped. If the request did arrive').waitFor();
    await context.setOffline(false);
    await page.getByRole('button', { name: 'Make the video' }).click();
    await onStage(page, 'second thoughts');
    expect(runsOf('second thoughts')).toBe(1);
    await done(page);
  });

  test('without a working event stream the page polls the Worker', async () => {
    const { page, service } = scene;
    scene.expected = ['net::ERR_FAILED'];
    service.sim.script('no stream', { holdAt: 'task_start' });
    await page.route(EVENTS, (route) => route.abort());
    await make(page, 'a valley with no stream');
    await page.getByText('No live connection').waitFor();
    await page.getByText('Started', { exact: true }).waitFor();
    service.sim.release(await service.sim.waitForTask('no stream'));
    await done(page);
  });
});
