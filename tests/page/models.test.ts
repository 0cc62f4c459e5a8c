// The page offers the models of GET /v1/models, with their formats, first frames and known prices.
import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { gradientPng } from '../../scripts/shared/gradient.ts';
import { hasChromium, useScene } from './support/browser.ts';

const MODEL = { object: 'model', created: 1, owned_by: 'minimax', source: 'wiro', read_at: 1 };
const TEXT_ONLY = {
  ...{ ...MODEL, id: 'words-only' },
  capabilities: {
    combinations: [['512P', 6]],
    first_frame: 'none',
    prompt: 'required',
    prompt_max_chars: 20,
  },
  prices_usd: null,
};
const MODELS = [
  {
    ...{ ...MODEL, id: 'hailuo-9' },
    capabilities: {
      combinations: [
        ['768P', 6],
        ['2160P', 4],
      ],
      ...{ first_frame: 'optional', last_frame: false, prompt: 'required', prompt_max_chars: 2000 },
    },
    prices_usd: { '768P/6': '1.25' },
  },
  {
    ...{ ...MODEL, id: 'frame-first' },
    capabilities: {
      combinations: [['768P', 6]],
      ...{ first_frame: 'required', prompt: 'optional', prompt_max_chars: 2000 },
    },
    prices_usd: { '768P/6': '<b>2</b>' },
  },
  TEXT_ONLY,
  {
    ...{ ...MODEL, id: 'as-it-is' },
    capabilities: { combinations: [[null, null]], first_frame: 'optional', prompt: 'none' },
    prices_usd: { '/': '0.75' },
  },
  { id: 'of another shape' },
  null,
];

describe.skipIf(!hasChromium)('models (need Chromium)', { timeout: 60_000 }, () => {
  const scene = useScene({ sim: { speed: 60 } });
  let sent: Record<string, unknown>[];
  beforeEach(async () => {
    sent = [];
    await scene.page.route('**/v1/videos', (route) => {
      const { postData } = { postData: route.request().postData() ?? '' };
      const isForm = !postData.startsWith('{');
      sent.push(isForm ? { form: postData } : JSON.parse(postData));
      const problem = { status: 429, code: 'budget_exhausted', detail: '', errors: [] };
      return route.fulfill({ status: 429, json: problem });
    });
    scene.expected = ['status of 429', 'status of 404'];
  });

  async function offer(data: unknown[]): Promise<Page> {
    const { page } = scene;
    await page.route('**/v1/models', (route) => route.fulfill({ json: { object: 'list', data } }));
    await reload(page);
    return page;
  }

  /** Until the models are loaded, the page shows a built-in one without a value. */
  async function reload(page: Page): Promise<void> {
    await page.reload();
    await page.locator('#model option[value=""]').waitFor({ state: 'detached' });
  }

  const formats = async (page: Page) =>
    (await page.locator('#formats label').allTextContents()).map((text) => text.trim());
  const submit = async (page: Page) => {
    const count = sent.length;
    await page.getByRole('button', { name: 'Make the video' }).click();
    await expect.poll(() => sent.length).toBe(count + 1);
    return sent.at(-1);
  };

  test('without a list of models the page offers its built-in formats', async () => {
    const { page } = scene;
    await page.route('**/v1/models', (route) => route.fulfill({ status: 404 }));
    await page.reload();
    await page.getByLabel('Model').waitFor({ state: 'hidden' });
    expect(await formats(page)).toEqual(['768P, 6 s', '768P, 10 s', '1080P, 6 s']);
    await page.getByLabel('Prompt').fill('as it always was');
    expect(await submit(page)).not.toHaveProperty('model');
  });

  test('formats and known prices are those of the model, and the submit sends the chosen ones', async () => {
    const page = await offer(MODELS);
    expect(await page.getByLabel('Model').locator('option').allTextContents()).toEqual([
      'hailuo-9',
      'frame-first',
      'words-only',
      'as-it-is',
    ]);
    expect(await formats(page)).toEqual(['768P, 6 s $1.25', '2160P, 4 s']);
    await page.getByLabel('Prompt').fill('a choice');
    await page.getByLabel('2160P, 4 s').check();
    expect(await submit(page)).toMatchObject({ model: 'hailuo-9', resolution: '2160P', duration: 4 });
    // The choice is stored.
    await reload(page);
    expect(await page.getByLabel('2160P, 4 s').isChecked()).toBe(true);
  });

  test('a model that needs a first frame requires one, and no prompt', async () => {
    const page = await offer(MODELS);
    await page.getByLabel('Model').selectOption('frame-first');
    expect(await page.locator('#image-need').textContent()).toBe('required');
    // A malformed price is not shown.
    expect(await formats(page)).toEqual(['768P, 6 s']);
    await page.getByRole('button', { name: 'Make the video' }).click();
    await page.getByText('needs a first frame: choose an image').waitFor();
    expect(sent).toEqual([]);
    const picture = { name: 'sky.png', mimeType: 'image/png', buffer: gradientPng(64, 36) };
    await page.getByLabel('First frame').setInputFiles(picture);
    await page.getByText('sky.png').waitFor();
    expect(await submit(page)).toMatchObject({ form: expect.stringContaining('frame-first') });
  });

  test('a model without a first frame offers none, and has its own prompt limit', async () => {
    const page = await offer(MODELS);
    const picture = { name: 'sky.png', mimeType: 'image/png', buffer: gradientPng(64, 36) };
    await page.getByLabel('First frame').setInputFiles(picture);
    await page.getByText('sky.png').waitFor();
    await page.getByLabel('Model').selectOption('words-only');
    await page.getByText('sky.png').waitFor({ state: 'hidden' });
    await page.getByLabel('Prompt').fill('x'.repeat(21));
    await page.getByRole('button', { name: 'Make the video' }).click();
    await page.getByText('1 characters too long; the limit is 20').waitFor();
    await page.getByLabel('Prompt').fill('few words');
    const request = { model: 'words-only', prompt: 'few words', promptOptimizer: true };
    expect(await submit(page)).toEqual({ ...request, resolution: '512P', duration: 6 });
  });

  test('a model without choices gets no format', async () => {
    const page = await offer(MODELS);
    await page.getByLabel('Model').selectOption('as-it-is');
    expect(await formats(page)).toEqual(['Default format $0.75']);
    expect(await submit(page)).toEqual({ model: 'as-it-is', prompt: '', promptOptimizer: true });
  });

  test('a single model is not offered as a choice, and not sent', async () => {
    const page = await offer([TEXT_ONLY]);
    await expect.poll(() => formats(page)).toEqual(['512P, 6 s']);
    expect(await page.getByLabel('Model').isVisible()).toBe(false);
    await page.getByLabel('Prompt').fill('the only one');
    expect(await submit(page)).not.toHaveProperty('model');
  });

  test.for([
    null,
    'text',
    { data: 7 },
    { data: [] },
    { data: [{ id: 7 }, { id: 'x', capabilities: { combinations: [[]] } }] },
  ])('a malformed list of models changes nothing: %j', async (json) => {
    const { page } = scene;
    await page.route('**/v1/models', (route) => route.fulfill({ json }));
    const asked = page.waitForResponse('**/v1/models');
    await page.reload();
    await asked;
    await page.locator('#form[data-ready]').waitFor({ state: 'attached' });
    expect(await formats(page)).toEqual(['768P, 6 s', '768P, 10 s', '1080P, 6 s']);
  });
});
