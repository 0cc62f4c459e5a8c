// Three models of the family, made through the page: each with its own frames and prices, the last frame where there is one.
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { gradientPng } from '../../scripts/shared/gradient.ts';
import { FAMILY } from '../../sim/index.ts';
import { onlyRun } from '../worker/support/runs.ts';
import { sha256 } from '../worker/support/stored.ts';
import { done, hasChromium, make, onStage, remarked, useScene } from './support/browser.ts';

const FIRST = gradientPng(64, 36);
const LAST = gradientPng(96, 54);
const LINK = 'https://pictures.example.com/evening.png';
const HAILUO_02 = 'MiniMax/image-to-video-hailuo-02';

const file = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/png', buffer });

async function choose(page: Page, model: string): Promise<void> {
  await page.getByLabel('Model').selectOption(model);
}

describe.skipIf(!hasChromium)('frames of the models (need Chromium)', { timeout: 60_000 }, () => {
  const scene = useScene({
    vars: { MODELS: `hailuo-2.3,hailuo-2.3-fast,${HAILUO_02}` },
    sim: { speed: 60, models: FAMILY },
  });
  const lastFrame = () => scene.page.getByLabel('Last frame', { exact: true });

  /** The files of a Run by form field. */
  const filesOf = (prompt: string) =>
    (onlyRun(scene.service.sim, prompt).files ?? []).map(({ field, sha256 }) => [field, sha256]);

  test('hailuo-2.3: from words alone, and there is no last frame', async () => {
    const { page, service } = scene;
    const offered = () => page.getByLabel('Model').locator('option').allTextContents();
    await expect.poll(offered).toEqual(['hailuo-2.3', 'hailuo-2.3-fast', HAILUO_02]);
    expect(await lastFrame().isVisible()).toBe(false);
    await make(page, 'a harbour in words');
    await onStage(page, 'a harbour in words');
    await done(page);
    expect(onlyRun(service.sim, 'a harbour in words').path).toBe('/v1/Run/minimax/hailuo-2-3');
    expect(await page.locator('#facts').textContent()).toContain('$0.28');
  });

  test('hailuo-2.3-fast: from a picture, at its own price', async () => {
    const { page, service } = scene;
    await choose(page, 'hailuo-2.3-fast');
    await page.getByText('$0.19').waitFor();
    expect(await lastFrame().isVisible()).toBe(false);
    await page.getByLabel('First frame').setInputFiles(file('morning.png', FIRST));
    await make(page, 'a harbour, fast');
    await onStage(page, 'a harbour, fast');
    await done(page);
    expect(onlyRun(service.sim, 'a harbour, fast').path).toBe('/v1/Run/minimax/hailuo-2-3-fast');
    expect(filesOf('a harbour, fast')).toEqual([['inputImage', sha256(FIRST)]]);
    expect(await page.locator('#facts').textContent()).toContain('$0.19');
  });

  test('hailuo-02: from a first to a last frame, both as files', async () => {
    const { page, service } = scene;
    await choose(page, HAILUO_02);
    await page.getByText('$0.27').waitFor();
    // What a phone writes into a photo goes along with it.
    expect(await page.locator('#image-hint').textContent()).toMatch(
      /a location that a camera stored in it.* Anyone/,
    );
    await page.getByLabel('First frame').setInputFiles(file('morning.png', FIRST));
    await lastFrame().setInputFiles(file('evening.png', LAST));
    await page.getByText('evening.png').waitFor();
    await make(page, 'a harbour from morning to evening');
    await onStage(page, 'a harbour from morning to evening');
    await done(page);
    const run = onlyRun(service.sim, 'a harbour from morning to evening');
    expect(run.path).toBe('/v1/Run/MiniMax/image-to-video-hailuo-02');
    expect(filesOf('a harbour from morning to evening')).toEqual([
      ['inputImage', sha256(FIRST)],
      ['inputImage2', sha256(LAST)],
    ]);
    const facts = await page.locator('#facts').textContent();
    expect(facts).toContain('$0.27');
    expect(facts).toContain('from an image to another');
  });

  test('hailuo-02: the last frame as a link, kept over a reload, and filled in again', async () => {
    const { page, service } = scene;
    await choose(page, HAILUO_02);
    await page.getByLabel('First frame').setInputFiles(file('morning.png', FIRST));
    await page.getByLabel('Link to the last frame').fill(LINK);
    await page.reload();
    await page.getByText('morning.png').waitFor();
    expect(await page.getByLabel('Link to the last frame').inputValue()).toBe(LINK);
    await make(page, 'a harbour until evening');
    await onStage(page, 'a harbour until evening');
    await done(page);
    expect(filesOf('a harbour until evening')).toEqual([['inputImage', sha256(FIRST)]]);
    expect(onlyRun(service.sim, 'a harbour until evening').fields).toMatchObject({ inputImage2Url: LINK });
    await page.getByLabel('Link to the last frame').fill('');
    await page.getByRole('button', { name: 'Again with changes' }).click();
    await remarked(page, 'Choose the first frame again');
    expect(await page.getByLabel('Link to the last frame').inputValue()).toBe(LINK);
  });

  test('a last frame that is left over is not sent to a model without one', async () => {
    const { page, service } = scene;
    await choose(page, HAILUO_02);
    await lastFrame().setInputFiles(file('evening.png', LAST));
    await page.getByText('evening.png').waitFor();
    await choose(page, 'hailuo-2.3');
    await page.getByText('evening.png').waitFor({ state: 'hidden' });
    await make(page, 'a harbour without an evening');
    await onStage(page, 'a harbour without an evening');
    await done(page);
    expect(filesOf('a harbour without an evening')).toEqual([]);
    expect(service.sim.rejections()).toEqual([]);
  });

  test('a wrong file says so at its own field, and a drop goes where it falls', async () => {
    const { page } = scene;
    await choose(page, HAILUO_02);
    await lastFrame().setInputFiles({ name: 'not.png', mimeType: 'image/png', buffer: Buffer.from('text') });
    await page.locator('#last-error').getByText('must be a JPEG').waitFor();
    expect(await page.locator('#image-error').textContent()).toBe('');
    await page.getByRole('button', { name: 'Remove the last frame' }).click();
    for (const [field, name] of [
      ['#last-choose', 'evening.png'],
      ['#prompt', 'morning.png'],
    ] as const) {
      const bytes = [...(name === 'evening.png' ? LAST : FIRST)];
      const transfer = await page.evaluateHandle(
        ([bytes, name]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], name));
          return transfer;
        },
        [bytes, name] as const,
      );
      await page.dispatchEvent(field, 'drop', { dataTransfer: transfer });
    }
    await page.locator('#last-name').getByText('evening.png').waitFor();
    await page.locator('#image-name').getByText('morning.png').waitFor();
  });

  test('the code sends both', async () => {
    const { page } = scene;
    await choose(page, HAILUO_02);
    await page.getByLabel('First frame').setInputFiles(file('morning.png', FIRST));
    await lastFrame().setInputFiles(file('evening.png', LAST));
    await page.getByText('evening.png').waitFor();
    await page.getByRole('button', { name: 'Code' }).click();
    const code = page.locator('#code');
    await code.getByText("body.set('inputImageLast'").waitFor();
    expect(await code.textContent()).toContain("body.set('inputImageFirst'");
    await page.getByText('curl', { exact: true }).click();
    await code.getByText('-F inputImageLast=@last-picture.png').waitFor();
  });
});
