// The page with a Worker that makes thumbnails: it shows them, and captures posters from videos only where it gets none.
import { describe, expect, test } from 'vitest';
import { ALICE, CLIENT_TOKENS } from '../worker/support/clients.ts';
import { MediaStandIn } from '../worker/support/media/stand-in.ts';
import { done, hasChromium, make, useScene } from './support/browser.ts';

const media = new MediaStandIn();

describe.skipIf(!hasChromium)('posters from thumbnails (needs Chromium)', () => {
  const scene = useScene({ sim: { speed: 600 }, secrets: { CLIENT_TOKENS }, media });

  /** Makes a video; returns the widths of the images on card and player, and how many were captured from videos. */
  async function posters(prompt: string) {
    const { page } = scene;
    await page.evaluate((token) => localStorage.setItem('token', JSON.stringify(token)), ALICE);
    await page.reload();
    await page.evaluate(() => {
      const { createElement } = document;
      const players: unknown[] = [];
      document.createElement = (tag: string) => {
        const element = createElement.call(document, tag);
        if (tag === 'video') players.push(element);
        return element;
      };
      Object.assign(window, { players });
    });
    await make(page, prompt);
    await done(page);
    const card = page.getByRole('listitem').filter({ hasText: prompt }).locator('.poster img');
    // Only a visible card loads its poster.
    await page.getByRole('button', { name: prompt }).hover();
    await card.waitFor();
    await page.waitForFunction(() => document.querySelector('video')?.poster);
    return page.evaluate(async () => {
      const widthOf = async (src = '') => {
        const image = Object.assign(new Image(), { src });
        await image.decode();
        return image.naturalWidth;
      };
      const { players } = window as unknown as { players: unknown[] };
      const [card, player] = [
        document.querySelector<HTMLImageElement>('.poster img'),
        document.querySelector('video'),
      ];
      return {
        card: await widthOf(card?.src),
        player: await widthOf(player?.poster),
        captured: players.length,
      };
    });
  }

  test('the thumbnail is the poster of the player and the card, and no video is loaded for it', async () => {
    expect(await posters('a mill in a picture')).toEqual({ card: 768, player: 768, captured: 0 });
    expect(media.calls).toHaveLength(1);
  });

  test('where the thumbnail cannot be made, the poster is captured from the video', async () => {
    media.answer = () => ({ error: 'Try again later.', code: 9517 });
    scene.expected.push('503 (Service Unavailable)');
    expect(await posters('a mill without a picture')).toEqual({ card: 480, player: 480, captured: 1 });
  });
});
