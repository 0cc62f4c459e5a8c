// After a restart of browser and Worker the gallery still has its videos and posters.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, OFFLINE } from '../chromium.ts';
import { type DirectService, startDirect } from '../worker/support/direct.ts';
import { collectComplaints, done, hasChromium, make, onStage } from './support/browser.ts';

describe.skipIf(!hasChromium)('a restart of the Worker (needs Chromium)', () => {
  let service: DirectService;
  let profile: string;
  beforeAll(async () => {
    service = await startDirect({ sim: { speed: 60 } });
    profile = await mkdtemp(join(tmpdir(), 'hailuo-profile-'));
  });
  afterAll(async () => {
    await service?.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  });

  const open = async () => {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM,
      args: OFFLINE,
    });
    const complaints = collectComplaints(context, service.origin);
    const page = context.pages()[0] ?? (await context.newPage());
    const contents: string[] = [];
    page.on('request', (request) => {
      if (request.url().includes('/content')) contents.push(request.url());
    });
    await page.goto(service.origin);
    return { context, page, complaints, contents };
  };

  test('the gallery shows the videos, newest first, and they play', async () => {
    const before = await open();
    for (const prompt of ['the older one', 'the newer one']) {
      await make(before.page, prompt);
      await onStage(before.page, prompt);
      await done(before.page);
    }
    // Posters are captured for visible cards.
    await before.page.getByRole('heading', { name: 'Earlier videos' }).hover();
    await expect.poll(() => before.page.locator('.poster img').count(), { timeout: 30_000 }).toBe(2);
    await before.page.getByLabel('Prompt').fill('half a thou');
    await before.context.close();
    await service.dev.kill('SIGKILL');
    await service.dev.start();

    const { context, page, complaints, contents } = await open();
    const gallery = page.getByRole('region', { name: 'Earlier videos' });
    await expect
      .poll(() => gallery.locator('.card-prompt').allInnerTexts())
      .toEqual(['the newer one', 'the older one']);
    await page.getByRole('heading', { name: 'Earlier videos' }).hover();
    // The posters are stored, so no video is loaded.
    await expect.poll(() => gallery.locator('.poster img').count()).toBe(2);
    expect(contents).toEqual([]);
    expect(await page.getByLabel('Prompt').inputValue()).toBe('half a thou');
    await gallery.getByRole('button', { name: 'the older one' }).click();
    await onStage(page, 'the older one');
    await page.waitForFunction(() => (document.querySelector('video')?.readyState ?? 0) >= 2);
    await context.close();
    expect([...before.complaints, ...complaints]).toEqual([]);
  });
});
