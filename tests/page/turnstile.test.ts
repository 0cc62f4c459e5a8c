// A server with Turnstile: each attempt solves a challenge in its own frame, and no outcome loses the inputs.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Request } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { TURNSTILE_SECRET } from '../../sim/index.ts';
import { done, hasChromium, make, onStage, useScene } from './support/browser.ts';
import { SITE_KEY, TURNSTILE } from './support/protections.ts';
import { CHALLENGES, serveWidget, type Widget } from './support/turnstile-widget.ts';

const SUBMIT = '**/v1/videos';
const REFUSED = 'could not verify that you are human';

describe.skipIf(!hasChromium)('Turnstile (needs Chromium)', () => {
  let widget: Widget;
  const scene = useScene(
    { sim: { speed: 60 } },
    {},
    {
      ...TURNSTILE,
      prepare: async (context, sim) => {
        widget = await serveWidget(context, sim);
      },
    },
  );
  beforeEach(() => scene.service.sim.clearScripts());

  const runsOf = (prompt: string) => scene.service.sim.tasks.filter((task) => task.prompt === prompt).length;

  /** What each submit from now on shows, and under which key. */
  function shown(): { token: string | undefined; key: string | undefined }[] {
    const list: ReturnType<typeof shown> = [];
    scene.page.on('request', (request: Request) => {
      if (request.method() !== 'POST') return;
      const headers = request.headers();
      list.push({ token: headers['turnstile-token'], key: headers['idempotency-key'] });
    });
    return list;
  }

  test('each submit has its own challenge, and no warning about open access is shown', async () => {
    const { page } = scene;
    const submits = shown();
    for (const prompt of ['the first door', 'the second door']) {
      await make(page, prompt);
      await onStage(page, prompt);
      await done(page);
    }
    expect(widget.rendered).toEqual(Array(2).fill({ sitekey: SITE_KEY, action: 'submit' }));
    expect(new Set(submits.map(({ token }) => token)).size).toBe(2);
    expect(await page.locator('#unprotected').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Code' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await page.locator('#code').textContent()).toContain("'turnstile-token': turnstileToken");
  });

  test('an interactive challenge is shown, and the submit continues after it', async () => {
    const { page } = scene;
    widget.outcomes = ['ask'];
    await make(page, 'a door with a box to tick');
    const box = page
      .frameLocator('iframe[title="Are you human?"]')
      .frameLocator('iframe')
      .getByLabel('I am human');
    await box.waitFor();
    const height = async () => (await page.locator('#challenge iframe').boundingBox())?.height;
    // The box may appear before the page has enlarged the frame.
    await expect.poll(height, { timeout: 30_000 }).toBe(65);
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    const { violations } = await page.evaluate<AxeResults>('axe.run()');
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`)).toEqual([]);
    await box.check();
    await onStage(page, 'a door with a box to tick');
    expect(await height()).toBe(0);
    await done(page);
  });

  test('a failed challenge shows an error, and can be repeated', async () => {
    const { page, service } = scene;
    const count = service.sim.callsTo('/turnstile/').length;
    widget.outcomes = ['fail'];
    await make(page, 'a door that sticks');
    await page.getByRole('alert').getByText(REFUSED).waitFor();
    expect(await page.getByLabel('Prompt').inputValue()).toBe('a door that sticks');
    expect(service.sim.callsTo('/turnstile/')).toHaveLength(count);
    await page.getByRole('button', { name: 'Make the video' }).click();
    await onStage(page, 'a door that sticks');
    await done(page);
    expect(runsOf('a door that sticks')).toBe(1);
  });

  test('a blocked widget shows an error, and is loaded again', async () => {
    const { page, context } = scene;
    scene.expected = ['net::ERR_FAILED'];
    await context.route(`${CHALLENGES}**`, (route) => route.abort());
    await page.reload();
    await make(page, 'a door behind a wall');
    await page.getByRole('alert').getByText('must be allowed to load challenges.cloudflare.com').waitFor();
    await context.unroute(`${CHALLENGES}**`);
    await page.getByRole('button', { name: 'Make the video' }).click();
    await onStage(page, 'a door behind a wall');
    await done(page);
  });

  test('without a working verifier an error is shown, and the prompt stays', async () => {
    const { page, service } = scene;
    scene.expected = ['status of 403'];
    service.sim.script('', { siteverify: [{ kind: 'status', status: 500 }] });
    await make(page, 'a door without a porter');
    await page.getByRole('alert').getByText(REFUSED).waitFor();
    expect(await page.getByLabel('Prompt').inputValue()).toBe('a door without a porter');
    expect(runsOf('a door without a porter')).toBe(0);
    await page.getByRole('button', { name: 'Make the video' }).click();
    await onStage(page, 'a door without a porter');
    await done(page);
  });

  test('after a lost response the page submits again with a new token and gets one video, even if the new token is refused', async () => {
    const { page, service } = scene;
    scene.expected = ['net::ERR_FAILED', 'status of 403'];
    const submits = shown();
    await page.route(
      SUBMIT,
      async (route) => {
        await route.fetch();
        service.sim.script('', { siteverify: [{ kind: 'status', status: 500 }] });
        await route.abort();
      },
      { times: 1 },
    );
    await make(page, 'a door that was opened already');
    await page.getByRole('alert').getByText(REFUSED).waitFor();
    await page.getByRole('button', { name: 'Make the video' }).click();
    await onStage(page, 'a door that was opened already');
    await done(page);
    expect(runsOf('a door that was opened already')).toBe(1);
    expect(submits).toHaveLength(3);
    expect(new Set(submits.map(({ token }) => token)).size).toBe(3);
    expect(new Set(submits.map(({ key }) => key)).size).toBe(1);
  });

  test('offline during a submit: the page waits, then sends it once', async () => {
    const { page, context } = scene;
    scene.expected = ['net::ERR_INTERNET_DISCONNECTED'];
    await context.setOffline(true);
    await make(page, 'a door far away');
    await page.getByText('Your request is sent when you are back online').waitFor();
    await context.setOffline(false);
    await onStage(page, 'a door far away');
    await done(page);
    expect(runsOf('a door far away')).toBe(1);
  });

  test('only the challenge frame loads Turnstile’s script, and forged messages are ignored', async () => {
    const { page, service } = scene;
    const policy = (await fetch(service.origin)).headers.get('content-security-policy') ?? '';
    expect(policy).not.toContain('cloudflare');
    expect(policy).toContain("script-src 'self';");
    const frame = (await fetch(`${service.origin}/challenge`)).headers.get('content-security-policy') ?? '';
    expect(frame).toContain("script-src 'self' https://challenges.cloudflare.com;");
    expect(frame).toContain("frame-ancestors 'self'");
    // Messages of other senders are ignored.
    await page.evaluate(() => postMessage({ token: 'forged' }, location.origin));
    widget.outcomes = ['fail'];
    await make(page, 'a door for a forger');
    await page.evaluate(() => postMessage({ token: 'forged' }, location.origin));
    await page.getByRole('alert').getByText(REFUSED).waitFor();
  });
});

describe.skipIf(!hasChromium)('Turnstile without a site key (needs Chromium)', () => {
  const scene = useScene({ secrets: { TURNSTILE_SECRET } });

  test('the page says that the server is not configured', async () => {
    await make(scene.page, 'a door that was painted on');
    await scene.page.getByRole('alert').getByText('not fully configured').waitFor();
    // The models of the page come from Tool/Detail.
    const calls = scene.service.sim.calls.filter(({ path }) => path !== '/v1/Tool/Detail');
    expect(calls).toEqual([]);
  });
});
