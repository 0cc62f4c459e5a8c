// Pictures of a page at three widths, light and dark, as PNG files.
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { root } from '../shared/worker-process.ts';

export const FOLDER = join(root, '.screenshots');

const WIDTHS = { phone: 390, tablet: 768, desktop: 1440 };
const SCHEMES = ['light', 'dark'] as const;

export async function shoot(page: Page, state: string, fullPage = true): Promise<void> {
  for (const [device, width] of Object.entries(WIDTHS)) {
    await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: join(FOLDER, `${state}-${device}-${colorScheme}.png`), fullPage });
    }
  }
}
