// The page in a browser: a prompt becomes a video that plays, and an error is told in words.
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CHROMIUM, OFFLINE } from '../chromium.ts';
import { type Service, startService } from './service.ts';

describe.skipIf(!existsSync(CHROMIUM))('the page (needs Chromium)', { timeout: 120_000 }, () => {
  let service: Service;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    service = await startService({ sim: { speed: 120 } });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: OFFLINE });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });
  beforeEach(async () => {
    complaints = [];
    page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(service.origin) && !request.url().startsWith('data:')) {
        complaints.push(`a request left: ${request.url()}`);
      }
    });
    await page.goto(service.origin);
  });
  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  test('a prompt becomes a video that plays', async () => {
    await page.getByLabel('Prompt').fill('a page that turns by itself');
    await page.getByLabel('1080P, 6 s').check();
    await page.getByRole('button', { name: 'Make the video' }).click();
    await page.getByText('Done', { exact: true }).waitFor();
    const seen = await page.locator('video').evaluate(async (element) => {
      const video = element as HTMLVideoElement;
      video.muted = true;
      await video.play();
      return { duration: video.duration, width: video.videoWidth };
    });
    expect(seen).toEqual({ duration: 6, width: 768 });
    expect(service.sim.tasks.at(-1)?.fields).toMatchObject({ resolution: '1080P', duration: '6' });
  });

  test('what is wrong is said in words', async () => {
    await page.getByLabel('Prompt').fill('a page of text');
    const file = { name: 'not.png', mimeType: 'image/png', buffer: Buffer.from('only text, no picture') };
    await page.getByLabel('First frame').setInputFiles(file);
    await page.getByRole('button', { name: 'Make the video' }).click();
    await page.getByText('must be a JPEG, PNG or WebP image').waitFor();
  });
});
