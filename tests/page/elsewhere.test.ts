// Pages of other origins import client.js: it calls the origin that it was loaded from, and reports if that does not
// allow the page.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, OFFLINE } from '../chromium.ts';
import { type DirectService, startDirect } from '../worker/support/direct.ts';
import { sampleBytes } from '../worker/support/sample.ts';
import type { Video } from '../worker/support/types.ts';
import { hasChromium } from './support/browser.ts';

describe.skipIf(!hasChromium)('pages of other origins (need Chromium)', { timeout: 60_000 }, () => {
  let service: DirectService;
  let browser: Browser;
  const pages: Server[] = [];
  const origins: string[] = [];
  beforeAll(async () => {
    for (let count = 0; count < 2; count++) {
      const server = createServer((_, response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<title>An app</title>'),
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      pages.push(server);
      origins.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    }
    service = await startDirect({ sim: { speed: 60 }, vars: { ALLOWED_ORIGINS: origins[0] ?? '' } });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: OFFLINE });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await service?.close();
    for (const server of pages) server.close();
  });

  interface Outcome {
    video?: Video;
    error?: Record<'name' | 'code' | 'message' | 'cause' | 'key', string>;
    waitedMs: number;
  }

  /** What becomes of a video that a page there asks for, with nothing but the URL of client.js. */
  async function make(origin: string, prompt: string): Promise<Outcome> {
    const page = await browser.newPage();
    try {
      await page.goto(origin);
      // As text, because the compiler of the tests would change the import.
      return await page.evaluate<Outcome>(`(async () => {
        const { run } = await import('${service.origin}/client.js');
        const before = Date.now();
        const outcome = await run({ prompt: '${prompt}' }).then(
          (video) => ({ video }),
          ({ name, code, message, cause, key }) => ({ error: { name, code, message, cause: String(cause), key } }),
        );
        return { ...outcome, waitedMs: Date.now() - before };
      })()`);
    } finally {
      await page.close();
    }
  }

  test('a page of a listed origin makes a video without setting a base URL', async () => {
    const { video } = await make(origins[0] ?? '', 'made from another origin');
    expect(video).toMatchObject({ status: 'completed' });
    expect(video?.urls.content).toContain(`${service.origin}/v1/videos/`);
  });

  test('a page of a listed origin makes a video with the provider for the AI SDK', async () => {
    const page = await browser.newPage();
    try {
      await page.goto(origins[0] ?? '');
      // The SDK itself needs a bundler: this is what it asks of a provider.
      const made = await page.evaluate(`(async () => {
        const { createHailuo } = await import('${service.origin}/ai-sdk.js');
        const { videos, response } = await createHailuo().video('hailuo-2.3').doGenerate({
          prompt: 'made by a provider elsewhere', n: 1, providerOptions: {}, headers: { 'user-agent': 'ai/7' },
        });
        return { bytes: videos[0].data.length, wasHeld: response.headers['preference-applied'] };
      })()`);
      expect(made).toEqual({ bytes: sampleBytes.length, wasHeld: 'wait=30' });
    } finally {
      await page.close();
    }
  });

  test('a page of an origin that is not listed gets an error at once', async () => {
    const { error, waitedMs } = await make(origins[1] ?? '', 'asked from an origin that is not listed');
    expect(error).toMatchObject({ name: 'VideoError', code: 'origin_not_allowed' });
    expect(error?.message).toContain(origins[1]);
    expect(error?.message).toContain('ALLOWED_ORIGINS');
    expect(error?.cause).toContain('Failed to fetch');
    expect(error?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(waitedMs).toBeLessThan(10_000);
    expect(service.sim.tasks.map(({ prompt }) => prompt)).not.toContain(
      'asked from an origin that is not listed',
    );
  });

  test('pages of any origin may read the files for import, with the right types', async () => {
    for (const [name, type] of [
      ['client.js', /javascript/],
      ['client-wire.js', /javascript/],
      ['client.d.ts', /^text\/plain/],
      ['ai-sdk.js', /javascript/],
      ['ai-sdk-wire.js', /javascript/],
      ['ai-sdk.d.ts', /^text\/plain/],
      ['openapi.json', /json/],
    ] as const) {
      const { status, headers } = await fetch(`${service.origin}/${name}`);
      expect({ name, status }).toEqual({ name, status: 200 });
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('content-type')).toMatch(type);
    }
  });
});
