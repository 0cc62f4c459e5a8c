// Opens the page in Chromium with the built Worker. A test fails on errors in the console, violations of the
// Content-Security-Policy and requests to other hosts. With Turnstile, the frame may request the widget.
import { existsSync } from 'node:fs';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { CHROMIUM, OFFLINE } from '../../chromium.ts';
import { type Service, type ServiceOptions, startService } from '../../worker/support/service.ts';
import { OPEN, type Protection } from './protections.ts';
import { CHALLENGES } from './turnstile-widget.ts';

export const hasChromium = existsSync(CHROMIUM);

export interface Scene {
  service: Service;
  browser: Browser;
  context: BrowserContext;
  page: Page;
  /** Errors of the console that the test expects, by a part of their text. */
  expected: string[];
}

/** One service for the group, and for each test a new browser page that has opened the page at `path`. */
export function useScene(
  options: ServiceOptions = {},
  contextOptions: BrowserContextOptions = {},
  protection: Protection = OPEN,
  path = '/',
): Scene {
  const scene = {} as Scene;
  let complaints: string[];
  beforeAll(async () => {
    const { vars, secrets } = protection.options;
    scene.service = await startService({
      ...options,
      vars: { ...vars, ...options.vars },
      secrets: { ...secrets, ...options.secrets },
    });
    scene.browser = await chromium.launch({ executablePath: CHROMIUM, args: OFFLINE });
  }, 120_000);
  afterAll(async () => {
    await scene.browser?.close();
    await scene.service?.close();
  });
  beforeEach(async () => {
    scene.expected = [];
    scene.context = await scene.browser.newContext(contextOptions);
    complaints = collectComplaints(scene.context, scene.service.origin, protection);
    await protection.prepare(scene.context, scene.service.sim);
    scene.page = await scene.context.newPage();
    await scene.page.addInitScript(noteRemarks);
    await scene.page.goto(scene.service.origin + path);
  });
  afterEach(async () => {
    await scene.context.close();
    const unexpected = complaints.filter((text) => !scene.expected.some((part) => text.includes(part)));
    expect(unexpected).toEqual([]);
  });
  return scene;
}

/** Filled as long as the context lives. */
export function collectComplaints(
  context: BrowserContext,
  origin: string,
  protection: Protection = OPEN,
): string[] {
  const isChallenged = protection.options.secrets?.TURNSTILE_SECRET !== undefined;
  const complaints: string[] = [];
  context.on('weberror', (error) => complaints.push(`thrown: ${error.error()}`));
  context.on('console', (message) => {
    // A server that does not list its models.
    if (message.location().url.endsWith('/v1/models') && message.text().includes('status of 404')) return;
    // Violations of the policy are logged here too.
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  context.on('request', (request) => {
    const isOwn = [`${origin}/`, `blob:${origin}/`].some((start) => request.url().startsWith(start));
    const isWidget = request.url().startsWith(CHALLENGES) && request.frame().parentFrame() !== null;
    if (!isOwn && !(isChallenged && isWidget)) complaints.push(`a request left: ${request.url()}`);
  });
  return complaints;
}

/** Fills the form with a prompt and sends it. */
export async function make(page: Page, prompt: string): Promise<void> {
  await page.getByLabel('Prompt').fill(prompt);
  await page.getByRole('button', { name: 'Make the video' }).click();
}

/** The stage shows the video of that prompt. */
export async function onStage(page: Page, prompt: string): Promise<void> {
  await page.locator('#stage-prompt').getByText(prompt, { exact: true }).waitFor();
}

export async function done(page: Page): Promise<void> {
  await page.getByText('Done', { exact: true }).waitFor();
}

/** Records every toast, because it disappears after a moment. Runs in the browser. */
function noteRemarks(): void {
  const remarks: string[] = [];
  Object.assign(window, { remarks });
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      if (target instanceof HTMLElement && target.id === 'toast' && !target.hidden)
        remarks.push(target.textContent);
    }
  }).observe(document, { childList: true, subtree: true });
}

/** Waits until this toast was shown `times` times since the page was loaded. */
export async function remarked(page: Page, text: string, times = 1): Promise<void> {
  await page.waitForFunction(
    ({ text, times }) => {
      const { remarks } = window as unknown as { remarks: string[] };
      return remarks.filter((remark) => remark.includes(text)).length >= times;
    },
    { text, times },
  );
}

/** What the player shows at a moment, as the colours of a few places; it has sought there. */
export function frameAt(page: Page, seconds: number): Promise<number[]> {
  return page.locator('video').evaluate(async (element, at) => {
    const video = element as HTMLVideoElement;
    video.pause();
    const sought = new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
    video.currentTime = at;
    await sought;
    const canvas = document.createElement('canvas');
    canvas.width = 16;
    canvas.height = 9;
    const drawing = canvas.getContext('2d');
    drawing?.drawImage(video, 0, 0, 16, 9);
    return [...(drawing?.getImageData(0, 0, 16, 9).data ?? [])];
  }, seconds);
}
