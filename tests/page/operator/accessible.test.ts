// Accessibility of the operator's page: axe finds no problem in any state, light or dark, wide or narrow, and the keyboard
// operates everything.
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { findings } from '../support/axe.ts';
import { hasChromium } from '../support/browser.ts';
import {
  client,
  failed,
  idOf,
  loaded,
  OperatorApi,
  problem,
  signIn,
  TOKEN,
  useOperatorScene,
  video,
} from './operator-api.ts';

describe.skipIf(!hasChromium)('accessibility of the operator’s page (needs Chromium)', () => {
  const scene = useOperatorScene({ reducedMotion: 'reduce' });
  let api: OperatorApi;
  beforeEach(async () => {
    api = new OperatorApi();
    api.videos = [
      ...[video(1, { queue_position: 1 }), video(2, { client: null, queue_position: 2 })],
      ...[failed(3, 'storage_failed'), failed(4, 'submission_unknown'), video(5, { status: 'completed' })],
    ];
    api.clients = [
      client('alice', { daily_usd: '5', spent_today_usd: '4.20' }),
      client('bob', { paused: true, tokens: 2 }),
    ];
    await api.start(scene.page);
  });

  async function narrow(page: Page): Promise<void> {
    for (const width of [390, 320]) {
      await page.setViewportSize({ width, height: 800 });
      const content = await page.evaluate(() => document.documentElement.scrollWidth);
      expect({ width, content }).toEqual({ width, content: width });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  }

  test('axe finds no problem before and after signing in', async () => {
    const { page } = scene;
    scene.expected = ['status of 401'];
    await page.getByLabel('Operator token').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('does not accept this token').waitFor();
    expect(await findings(page)).toEqual([]);
    await narrow(page);
    await signIn(page);
    await page.getByText('Each day as a table').click();
    await page.getByRole('button', { name: 'Find' }).click();
    await page.locator('#found-rows li').nth(4).waitFor();
    await page.locator('#failed-rows').getByRole('button', { name: 'Delete' }).first().click();
    expect(await findings(page)).toEqual([]);
    await narrow(page);
  });

  test('axe finds no problem in a degraded and paused service without data', async () => {
    const { page } = scene;
    scene.expected = ['status of 500'];
    api.isPaused = true;
    api.health = {
      status: 'degraded',
      checks: { wiro: { status: 'error', error: 'the balance is too low' } },
    };
    api.videos = [];
    api.answers.set('GET /operator/usage', () => problem(500, 'internal'));
    await signIn(page);
    await page.getByText('Submits are paused: everybody gets 503').waitFor();
    expect(await findings(page)).toEqual([]);
    await narrow(page);
  });

  test('axe finds no problem in the dialogs', async () => {
    const { page } = scene;
    api.inspection.deliveries = [
      { at: 1_790_000_000, webhook_id: 'msg_1', attempt: 1, status: 500, error: 'no' },
    ];
    await signIn(page);
    await page.getByRole('button', { name: 'prompt 3' }).click();
    await page.locator('#inspection-facts').getByText('4711').waitFor();
    expect(await findings(page, 'dialog[open]')).toEqual([]);
    await narrow(page);
    await page.keyboard.press('Escape');
    for (const button of ['Limits', 'New token', 'Remove']) {
      await page.locator('[data-client=alice]').getByRole('button', { name: button }).click();
      expect(await findings(page, 'dialog[open]')).toEqual([]);
      await page.keyboard.press('Escape');
    }
    await page.getByRole('button', { name: 'New client' }).click();
    await page.getByLabel('Name', { exact: true }).fill('carol');
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'The token of carol' }).waitFor();
    expect(await findings(page, 'dialog[open]')).toEqual([]);
    await narrow(page);
  });

  test('the keyboard operates everything', async () => {
    const { page } = scene;
    /** Presses Tab until the element of this name has the focus. */
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 80; presses++) {
        await page.keyboard.press('Tab');
        const here = await page.evaluate(() => {
          const element = document.activeElement;
          const label = (element as HTMLInputElement | null)?.labels?.[0]?.textContent;
          return label ?? element?.getAttribute('aria-label') ?? element?.textContent ?? '';
        });
        if (here === name) return;
      }
      throw new Error(`the focus never came to ${name}`);
    };
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await tabTo('Operator token');
    await page.keyboard.type(TOKEN);
    await page.keyboard.press('Enter');
    await loaded(page);

    await tabTo('Pause submits');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('Pause submits');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('Resume submits');

    await tabTo('prompt 1');
    await page.keyboard.press('Enter');
    await page.locator('#inspection-facts').getByText('4711').waitFor();
    await tabTo('Close');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('prompt 1');

    await tabTo('Cancel');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.locator(`#queue-rows [data-id=${idOf(1)}]`).waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('queue-rows');

    await tabTo('New client');
    await page.keyboard.press('Enter');
    await page.keyboard.type('carol');
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: 'The token of carol' }).waitFor();
    await page.keyboard.press('Escape');
    expect(await focused()).toBe('New client');
    expect(api.changes.map(({ path }) => path)).toEqual([
      ...['/operator/pause', `/operator/videos/${idOf(1)}/cancel`, '/operator/clients'],
    ]);
  });
});
