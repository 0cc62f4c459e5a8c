// Prices: the page shows only prices from the server, which equal Wiro's charge.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../scripts/shared/worker-process.ts';
import { done, hasChromium, make, onStage, useScene } from './support/browser.ts';

/** A figure of the stand-in's price list, of a thousand times as much, or of a month at that price. */
const STAND_IN_FIGURES = /\b0\.(28|49|56)\b|\$280\b|\$8\.4\b|0\.06 %/;

test('neither the page nor the documents contain prices of the stand-in', () => {
  const filesOf = (folder: string) =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => join(folder, name));
  const pages = [...filesOf('.'), ...filesOf('docs')].filter((name) => name.endsWith('.md'));
  for (const name of [...pages, ...filesOf('public'), ...filesOf('public/page')]) {
    const lines = readFileSync(join(root, name), 'utf8').split('\n');
    expect({ name, found: lines.filter((line) => STAND_IN_FIGURES.test(line)) }).toEqual({ name, found: [] });
    const promise = lines.filter((line) => /nothing was charged|not charged|without (a )?charge/i.test(line));
    expect({ name, promise }).toEqual({ name, promise: [] });
  }
});

describe.skipIf(!hasChromium)('prices (need Chromium)', () => {
  const scene = useScene({ sim: { speed: 60 } });

  test('known prices are shown before a submit, and the cost afterwards', async () => {
    const { page, service } = scene;
    const answer = await fetch(`${service.origin}/v1/models`);
    const { data = [] }: { data?: { prices_usd: Record<string, string> | null }[] } = answer.ok
      ? await answer.json()
      : {};
    const told = Object.values(data[0]?.prices_usd ?? {});
    // Two digits of cents; the text of the next label follows directly.
    const shown = async () =>
      ((await page.locator('body').textContent())?.match(/\$\d+\.\d\d/g) ?? []).sort();
    await expect.poll(shown).toEqual(told.map((price) => `$${price}`).sort());
    for (const format of ['768P, 6 s', '768P, 10 s', '1080P, 6 s']) {
      await page.getByLabel(new RegExp(`^${format}\\b`)).check();
      expect(await shown()).toHaveLength(told.length);
    }
    expect(await page.getByRole('button', { name: 'Make the video', exact: true }).count()).toBe(1);
    service.sim.script('costs', { task: { patch: (row) => ({ ...row, totalcost: '1.250000000000' }) } });
    await make(page, 'it costs something');
    await onStage(page, 'it costs something');
    await done(page);
    expect(await page.locator('#facts').textContent()).toContain('$1.25');
  });

  test('a failed video shows its cost only if it is known', async () => {
    const { page, service } = scene;
    const failing = { pexit: '1', outputs: 'none' } as const;
    service.sim.script('for money', {
      task: { ...failing, patch: (row) => ({ ...row, totalcost: '1.25' }) },
    });
    service.sim.script('for nothing', { task: failing });
    for (const [prompt, cost] of [
      ['it fails for money', '$1.25'],
      ['it fails for nothing', ''],
    ] as const) {
      await make(page, prompt);
      await onStage(page, prompt);
      await page.getByRole('heading', { name: 'Failed' }).waitFor();
      expect(/\$[\d.]+/.exec((await page.locator('#facts').textContent()) ?? '')?.[0] ?? '').toBe(cost);
      expect(await page.locator('#failure').textContent()).not.toMatch(/charge/i);
    }
  });
});
