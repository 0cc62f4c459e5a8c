// Several clients in one browser: inputs and requests of one are neither shown to another nor sent with its token.
import { createHash } from 'node:crypto';
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { gradientPng } from '../../scripts/shared/gradient.ts';
import { ALICE, BOB, CLIENT_TOKENS } from '../worker/support/clients.ts';
import { done, hasChromium, make, onStage, useScene } from './support/browser.ts';

const SUBMIT = '**/v1/videos';

describe.skipIf(!hasChromium)('several clients in one browser (needs Chromium)', () => {
  const scene = useScene({ sim: { speed: 60 }, secrets: { CLIENT_TOKENS } });
  beforeEach(() => scene.service.sim.clearScripts());

  const runsOf = (prompt: string) => scene.service.sim.tasks.filter((task) => task.prompt === prompt).length;

  async function signIn(page: Page, token: string) {
    await page.locator('#token-open').click();
    await page.getByRole('dialog').getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  }

  /** Closes the tab and opens the page in a new one, with this token or none. */
  async function openAs(token: string | undefined): Promise<Page> {
    const { page, context, service } = scene;
    await page.evaluate((token) => {
      if (token) localStorage.setItem('token', JSON.stringify(token));
      else localStorage.removeItem('token');
    }, token);
    await page.close();
    scene.page = await context.newPage();
    await scene.page.goto(service.origin);
    return scene.page;
  }

  /** Alice sends a request whose response is lost; it is not repeated. */
  async function loseAnswer(prompt: string) {
    const { page } = scene;
    await signIn(page, ALICE);
    const lost = Promise.withResolvers<void>();
    await page.route(SUBMIT, async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      await route.fetch();
      lost.resolve();
    });
    await make(page, prompt);
    await lost.promise;
  }

  /** Waits until the page has read the stored requests and would have sent them. */
  async function settled(page: Page) {
    await page.locator('#form[data-ready]').waitFor({ state: 'attached' });
  }

  test.for([
    ['another client', BOB],
    ['nobody', undefined],
  ] as const)('a pending request is not sent as %s', async ([name, other]) => {
    const prompt = `private to alice, before ${name} comes`;
    await loseAnswer(prompt);
    const page = await openAs(other);
    await settled(page);
    expect(await page.getByLabel('Prompt').inputValue()).toBe('');
    expect(await page.getByText(prompt).count()).toBe(0);
    expect(await page.getByText('the answer was lost').count()).toBe(0);
    if (other) {
      await make(page, prompt);
      await onStage(page, prompt);
      await done(page);
      // An equal request of another client is another video.
      await expect.poll(() => runsOf(prompt)).toBe(2);
    }
    // The first client returns: its request is sent and gives the same video.
    await openAs(ALICE);
    await onStage(scene.page, prompt);
    await done(scene.page);
    expect(runsOf(prompt)).toBe(other ? 2 : 1);
  });

  test('a pending request is sent when its client signs in again', async () => {
    await loseAnswer('alice comes back');
    const page = await openAs(BOB);
    await settled(page);
    await signIn(page, ALICE);
    await onStage(page, 'alice comes back');
    await done(page);
    expect(runsOf('alice comes back')).toBe(1);
  });

  test('a request that is being sent stops when another client signs in', async () => {
    const { page } = scene;
    await signIn(page, ALICE);
    const sent = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    await page.route(
      SUBMIT,
      async (route) => {
        const response = await route.fetch();
        sent.resolve();
        await answer.promise;
        await route.fulfill({ response }).catch(() => {});
      },
      { times: 1 },
    );
    await make(page, 'still on its way');
    await sent.promise;
    await signIn(page, BOB);
    answer.resolve();
    await settled(page);
    expect(await page.getByLabel('Prompt').inputValue()).toBe('');
    expect(await page.locator('#gallery').getByText('still on its way').count()).toBe(0);
    await signIn(page, ALICE);
    await onStage(page, 'still on its way');
    await done(page);
    expect(runsOf('still on its way')).toBe(1);
  });

  test('a pending request contains only a hash of the token', async () => {
    await loseAnswer('kept with a hash');
    const kept = await scene.page.evaluate(async () => {
      const opening = indexedDB.open('hailuo');
      await new Promise((resolve) => opening.addEventListener('success', resolve));
      const reading = opening.result.transaction('outbox').objectStore('outbox').getAll();
      await new Promise((resolve) => reading.addEventListener('success', resolve));
      return JSON.stringify(reading.result);
    });
    expect(kept).toContain(createHash('sha256').update(ALICE).digest('hex'));
    expect(kept).not.toContain(ALICE);
  });

  test('each client sees only its own inputs', async () => {
    let { page } = scene;
    const picture = { name: 'secret.png', mimeType: 'image/png', buffer: gradientPng(64, 36) };
    // Inputs made without a token are kept for the first token.
    await page.getByLabel('Prompt').fill('a draft of alice');
    await signIn(page, ALICE);
    expect(await page.getByLabel('Prompt').inputValue()).toBe('a draft of alice');
    await page.getByLabel('First frame').setInputFiles(picture);
    await page.getByText('secret.png').waitFor();
    await signIn(page, BOB);
    expect(await page.getByLabel('Prompt').inputValue()).toBe('');
    expect(await page.getByText('secret.png').isVisible()).toBe(false);
    await page.getByLabel('Prompt').fill('a draft of bob');
    page = await openAs(undefined);
    await settled(page);
    expect(await page.getByLabel('Prompt').inputValue()).toBe('');
    page = await openAs(ALICE);
    await page.getByText('secret.png').waitFor();
    expect(await page.getByLabel('Prompt').inputValue()).toBe('a draft of alice');
    await page.locator('#token-open').click();
    await page.getByRole('button', { name: 'Forget it' }).click();
    await expect.poll(() => page.getByLabel('Prompt').inputValue()).toBe('');
    expect(await page.getByText('secret.png').isVisible()).toBe(false);
  });

  test('a late list of one client is not shown to the next', async () => {
    const { page, service } = scene;
    const { id } = await service.as(ALICE).accepted({ prompt: 'listed for alice' });
    await service.as(ALICE).ended(id);
    await signIn(page, ALICE);
    await page.locator('.card-prompt').getByText('listed for alice').waitFor();
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    await page.route(
      '**/v1/videos?limit=24*',
      async (route) => {
        const response = await route.fetch();
        asked.resolve();
        await answer.promise;
        await route.fulfill({ response }).catch(() => {});
      },
      { times: 1 },
    );
    await page.reload();
    await asked.promise;
    const bobs = page.waitForResponse((response) => response.url().includes('limit=24'));
    await signIn(page, BOB);
    await bobs;
    answer.resolve();
    await settled(page);
    expect(await page.locator('.card-prompt').getByText('listed for alice').count()).toBe(0);
  });

  test('a token that another tab sets is used in this tab', async () => {
    const { page, context, service } = scene;
    const { id } = await service.as(ALICE).accepted({ prompt: 'seen in two tabs' });
    await service.as(ALICE).ended(id);
    await signIn(page, ALICE);
    await page.getByLabel('Prompt').fill('typed in two tabs');
    await page.locator('.card-prompt').getByText('seen in two tabs').waitFor();
    const other = await context.newPage();
    await other.goto(service.origin);
    await signIn(other, BOB);
    await expect.poll(() => page.locator('.card-prompt').getByText('seen in two tabs').count()).toBe(0);
    expect(await page.getByLabel('Prompt').inputValue()).toBe('');
  });
});
