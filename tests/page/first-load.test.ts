// The first visit, and one with videos there already: what is painted when, what moves, what blocks.
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { done, hasChromium, make, useScene } from './browser.ts';

/** Of Web Vitals, what is called good. */
const GOOD = { firstPaintMs: 1800, layoutShift: 0.1, blockingMs: 200 };

describe.skipIf(!hasChromium)('the first load (needs Chromium)', { timeout: 60_000 }, () => {
  const scene = useScene({ sim: { speed: 60 } });

  test('paints soon, keeps still and blocks nothing', async () => {
    const { page } = scene;
    await make(page, 'there when the page is loaded again');
    await done(page);
    await page.evaluate(() => {
      localStorage.clear();
      location.hash = '';
    });
    for (const viewport of [
      { width: 390, height: 844 },
      { width: 1440, height: 900 },
    ]) {
      await page.setViewportSize(viewport);
      const visits = { 'first visit': await vitals(page) };
      await make(page, `one that is there already, ${viewport.width} wide`);
      await done(page);
      Object.assign(visits, { 'with a video': await vitals(page) });
      for (const [visit, seen] of Object.entries(visits)) {
        console.log(`${viewport.width} px, ${visit}: ${JSON.stringify(seen)}`);
        expect(seen.firstPaintMs).toBeLessThan(GOOD.firstPaintMs);
        expect(seen.layoutShift).toBeLessThan(GOOD.layoutShift);
        expect(seen.blockingMs).toBeLessThan(GOOD.blockingMs);
      }
    }
  });
});

/** Loads the page anew and looks at it until nothing is loaded any more. */
async function vitals(page: Page): Promise<typeof GOOD> {
  await page.reload({ waitUntil: 'networkidle' });
  return page.evaluate(async () => {
    const entries = (type: string) =>
      new Promise<PerformanceEntry[]>((resolve) => {
        const observer = new PerformanceObserver((list) => resolve(list.getEntries()));
        observer.observe({ type, buffered: true });
        // There need not be any.
        setTimeout(() => resolve([]), 300);
      });
    const [paints, shifts, tasks] = await Promise.all(['paint', 'layout-shift', 'longtask'].map(entries));
    const first = paints?.find(({ name }) => name === 'first-contentful-paint');
    const sum = (numbers: number[]) => numbers.reduce((one, other) => one + other, 0);
    return {
      firstPaintMs: Math.round(first?.startTime ?? Number.NaN),
      layoutShift: sum((shifts ?? []).map((shift) => (shift as PerformanceEntry & { value: number }).value)),
      blockingMs: Math.round(sum((tasks ?? []).map(({ duration }) => duration - 50))),
    };
  });
}
