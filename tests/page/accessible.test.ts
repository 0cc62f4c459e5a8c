// Accessibility: axe finds no problem in any state, light or dark, and the keyboard operates everything.
import { beforeEach, describe, expect, test } from 'vitest';
import { gradientPng } from '../../scripts/shared/gradient.ts';
import { findings } from './support/axe.ts';
import { done, hasChromium, make, onStage, useScene } from './support/browser.ts';
import { releaseOnceFollowed } from './support/followed.ts';

describe.skipIf(!hasChromium)('accessibility (needs Chromium)', () => {
  const scene = useScene({ sim: { speed: 60 } }, { reducedMotion: 'reduce' });
  beforeEach(() => scene.service.sim.clearScripts());

  test('axe finds no problem while a video is made', async () => {
    const { page, service, context } = scene;
    expect(await findings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Make the video' }).click();
    await page.getByText('Describe the video').waitFor();
    const text = { name: 'not.png', mimeType: 'image/png', buffer: Buffer.from('only text, no picture') };
    await page.getByLabel('First frame').setInputFiles(text);
    await page.getByText('must be a JPEG').waitFor();
    expect(await findings(page)).toEqual([]);

    const picture = { name: 'sky.png', mimeType: 'image/png', buffer: gradientPng(64, 36) };
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByLabel('First frame').setInputFiles(picture);
    service.sim.script('looked at', { holdAt: 'task_start' });
    await make(page, 'a video looked at closely');
    const task = await releaseOnceFollowed(service.sim, 'looked at');
    service.sim.script('looked at', { holdAt: 'task_end' });
    await page.getByText('Finishing', { exact: true }).waitFor();
    await page.getByText('Log', { exact: true }).click();
    expect(await findings(page)).toEqual([]);
    scene.expected = ['net::ERR_INTERNET_DISCONNECTED'];
    await context.setOffline(true);
    await page.getByText('You are offline').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await findings(page)).toEqual([]);
    await context.setOffline(false);
    service.sim.release(task);
    await done(page);
    // Posters are captured when their cards become visible.
    await page.locator('#gallery').scrollIntoViewIfNeeded();
    await page.locator('.poster img').waitFor();
    expect(await findings(page)).toEqual([]);
  });

  test('axe finds no problem in a form with both frames', async () => {
    const { page } = scene;
    const capabilities = { combinations: [['768P', 6]], first_frame: 'required', last_frame: true };
    const data = ['one', 'two'].map((id) => ({ id, capabilities, prices_usd: { '768P/6': '1.25' } }));
    await page.route('**/v1/models', (route) => route.fulfill({ json: { object: 'list', data } }));
    await page.reload();
    await page.getByLabel('Last frame', { exact: true }).waitFor();
    expect(await findings(page)).toEqual([]);
    const picture = { name: 'sky.png', mimeType: 'image/png', buffer: gradientPng(64, 36) };
    await page.getByLabel('Last frame', { exact: true }).setInputFiles(picture);
    await page.getByAltText('The chosen last frame').waitFor();
    const text = { name: 'not.png', mimeType: 'image/png', buffer: Buffer.from('only text, no picture') };
    await page.getByLabel('First frame').setInputFiles(text);
    await page.getByText('must be a JPEG').waitFor();
    expect(await findings(page)).toEqual([]);
  });

  test('axe finds no problem in error messages and dialogs', async () => {
    const { page, service } = scene;
    service.sim.script('it fails', { task: { pexit: '1', outputs: 'none' } });
    await make(page, 'it fails and says so');
    await page.getByRole('heading', { name: 'Failed' }).waitFor();
    await page.getByRole('button', { name: 'Again with changes' }).click();
    expect(await findings(page)).toEqual([]);
    for (const name of ['Token', 'Code']) {
      await page.getByRole('button', { name, exact: true }).click();
      expect(await findings(page)).toEqual([]);
      await page.keyboard.press('Escape');
    }
  });

  test('the keyboard operates everything, and a screen reader announces the stages', async () => {
    const { page, service } = scene;
    await page.evaluate(() => {
      const told: string[] = [];
      Object.assign(window, { told });
      const announcer = document.getElementById('announcer');
      new MutationObserver(() => told.push(announcer?.textContent ?? '')).observe(announcer ?? document, {
        childList: true,
      });
    });
    /** Presses Tab until the element of this name has the focus; every element on the way shows its focus. */
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press('Tab');
        const here = await page.evaluate(() => {
          const element = document.activeElement;
          const label = (element as HTMLInputElement | null)?.labels?.[0]?.textContent;
          return label ?? element?.getAttribute('aria-label') ?? element?.textContent ?? '';
        });
        if (here.includes(name)) return;
      }
      throw new Error(`the focus never came to ${name}`);
    };
    await tabTo('Prompt');
    await page.keyboard.type('made by keys alone');
    await tabTo('768P, 6 s');
    await page.keyboard.press('ArrowRight');
    await tabTo('Refine my words');
    await page.keyboard.press('Space');
    await page.keyboard.press('Control+Enter');
    await onStage(page, 'made by keys alone');
    await done(page);
    const { fields } = await service.sim.waitForTask('by keys alone');
    expect(fields).toMatchObject({ resolution: '768P', duration: '10', promptOptimizer: 'false' });
    const told = await page.evaluate(() => (window as unknown as { told: string[] }).told);
    expect(told.at(-1)).toBe('Your video is ready.');

    await tabTo('Delete');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Delete');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByRole('button', { name: 'made by keys alone' }).count()).toBe(0);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('prompt');
  });
});
