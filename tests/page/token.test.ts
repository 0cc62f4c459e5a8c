// A server with client tokens: the page asks for one after a refusal, continues by itself, and lists the client's
// videos.
import { describe, expect, test } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../worker/support/clients.ts';
import type { Video } from '../worker/support/types.ts';
import { done, frameAt, hasChromium, make, onStage, useScene } from './support/browser.ts';

describe.skipIf(!hasChromium)('client tokens (needs Chromium)', () => {
  const scene = useScene({ sim: { speed: 60 }, secrets: { CLIENT_TOKENS } });

  test('a token is requested, checked, stored and forgotten', async () => {
    const { page, context, service } = scene;
    scene.expected = ['status of 401'];
    await make(page, 'made by alice');
    const dialog = page.getByRole('dialog', { name: 'Client token' });
    await dialog.getByLabel('Token').fill('not-the-token');
    await page.keyboard.press('Enter');
    await dialog.getByText('does not accept this token').waitFor();
    await dialog.getByLabel('Token').fill(ALICE);
    await page.keyboard.press('Enter');
    // The refused request is sent again, once, automatically.
    await onStage(page, 'made by alice');
    await done(page);
    expect(service.sim.tasks.filter(({ prompt }) => prompt === 'made by alice')).toHaveLength(1);
    // The player uses a grant instead of the token.
    expect(await page.locator('video').getAttribute('src')).toContain('grant=');
    expect(await frameAt(page, 4)).not.toEqual(await frameAt(page, 0));
    expect(await page.getByRole('link', { name: 'Download' }).getAttribute('href')).toMatch(
      /grant=.*&download=1/,
    );

    await page.reload();
    await onStage(page, 'made by alice');
    await page.getByRole('button', { name: 'Token' }).click();
    await dialog.getByRole('button', { name: 'Forget it' }).click();
    await expect.poll(() => page.locator('.card').count()).toBe(0);
    expect(JSON.stringify(await context.storageState())).not.toContain(ALICE);
  });

  test('the gallery shows the client’s list from the server in every browser', async () => {
    const { page, service } = scene;
    const bob = service.as(BOB);
    const ended: Promise<Video>[] = [];
    for (let number = 1; number <= 26; number++) {
      const { id } = await bob.accepted({ prompt: `number ${number} of bob's` });
      ended.push(bob.ended(id));
    }
    await Promise.all(ended);
    const signIn = async (token: string) => {
      await page.getByRole('button', { name: 'Token' }).click();
      await page.getByRole('dialog').getByLabel('Token').fill(token);
      await page.getByRole('button', { name: 'Save' }).click();
    };
    await signIn(BOB);
    const cards = page.locator('.card-prompt');
    await expect.poll(() => cards.count()).toBe(24);
    expect(await cards.first().textContent()).toBe("number 26 of bob's");
    await page.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => cards.count()).toBe(26);
    expect(await page.getByRole('button', { name: 'Show more' }).count()).toBe(0);
    await expect.poll(() => page.locator('.poster img').count(), { timeout: 30_000 }).toBeGreaterThan(3);
    await page.getByRole('button', { name: 'number 7 of' }).click();
    await onStage(page, "number 7 of bob's");
    await done(page);
    // Another client does not see them.
    await signIn(ALICE);
    await expect.poll(() => page.getByText("of bob's").count()).toBe(0);
  });

  test('“Show more” continues after the last video was deleted elsewhere', async () => {
    const { page, service } = scene;
    const bob = service.as(BOB);
    const ids: string[] = [];
    for (let number = 1; number <= 26; number++)
      ids.push((await bob.accepted({ prompt: `part ${number} of a series` })).id);
    await Promise.all(ids.map((id) => bob.ended(id)));
    await page.getByRole('button', { name: 'Token' }).click();
    await page.getByRole('dialog').getByLabel('Token').fill(BOB);
    await page.getByRole('button', { name: 'Save' }).click();
    const cards = page.locator('.card-prompt');
    await expect.poll(() => cards.count()).toBe(24);
    // The last two videos of the page; the newest is first.
    for (const id of [ids[2], ids[3]]) await bob.fetch(`/v1/videos/${id}`, { method: 'DELETE' });
    scene.expected = ['status of 400'];
    await page.getByRole('button', { name: 'Show more' }).click();
    await cards.getByText('part 1 of a series', { exact: true }).waitFor();
    const shown = await cards.allTextContents();
    expect(shown.filter((text) => text.endsWith('of a series'))).toContain('part 2 of a series');
    expect(await page.locator('#gallery-problem').textContent()).toBe('');
  });
});
