// The first visit, and a visit with existing videos: paint times, layout shifts and blocking. The times depend on the
// machine, so they are printed and not checked; layout shifts must be zero.
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { done, hasChromium, make, onStage, useScene } from './support/browser.ts';

/** The limits for "good" in Web Vitals. */
const MAX_LAYOUT_SHIFT = 0.1;

interface Vitals {
  firstPaintMs: number;
  layoutShift: number;
  blockingMs: number;
}

describe.skipIf(!hasChromium)('the first load (needs Chromium)', () => {
  const scene = useScene({ sim: { speed: 60 } });

  test('causes no layout shift', async () => {
    const { page } = scene;
    for (const viewport of [
      { width: 390, height: 844 },
      { width: 1440, height: 900 },
    ]) {
      await page.setViewportSize(viewport);
      await page.evaluate(() => {
        localStorage.clear();
        location.hash = '';
      });
      const visits = { 'first visit': await vitals(page) };
      const prompt = `one that is there already, ${viewport.width} wide`;
      await make(page, prompt);
      await onStage(page, prompt);
      await done(page);
      Object.assign(visits, { 'with a video': await vitals(page) });
      for (const [visit, seen] of Object.entries(visits)) {
        console.log(`${viewport.width} px, ${visit}: ${JSON.stringify(seen)}`);
        expect(seen.firstPaintMs).toBeGreaterThan(0);
        expect(seen.layoutShift).toBeLessThan(MAX_LAYOUT_SHIFT);
      }
    }
  });
});

/** Reloads the page and waits until the network is idle. */
async function vitals(page: Page): Promise<Vitals> {
  await page.reload({ waitUntil: 'networkidle' });
  return page.evaluate(async () => {
    const entries = (type: string) =>
      new Promise<PerformanceEntry[]>((resolve) => {
        const observer = new PerformanceObserver((list) => resolve(list.getEntries()));
        observer.observe({ type, buffered: true });
        // There may be none.
        setTimeout(() => resolve([]), 300);
      });
    const firstPaint = new Promise<number>((resolve) => {
      const observer = new PerformanceObserver((list) => {
        for (const paint of list.getEntriesByName('first-contentful-paint')) resolve(paint.startTime);
      });
      observer.observe({ type: 'paint', buffered: true });
    });
    const [shifts, tasks] = await Promise.all(['layout-shift', 'longtask'].map(entries));
    const sum = (numbers: number[]) => numbers.reduce((one, other) => one + other, 0);
    return {
      firstPaintMs: Math.round(await firstPaint),
      layoutShift: sum((shifts ?? []).map((shift) => (shift as PerformanceEntry & { value: number }).value)),
      blockingMs: Math.round(sum((tasks ?? []).map(({ duration }) => duration - 50))),
    };
  });
}
