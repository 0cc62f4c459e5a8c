// `make screenshots`: the page and the operator's page in their main states, at three widths, light and dark, as PNG files
// in .screenshots/.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { type Sim, startSim } from '../sim/index.ts';
import { CHROMIUM, OFFLINE } from '../tests/chromium.ts';
import { OPERATOR_TOKEN, operatorTour } from './screenshots/operator.ts';
import { FOLDER, shoot } from './screenshots/shoot.ts';
import { gradientPng } from './shared/gradient.ts';
import { reasonOf } from './shared/reason.ts';
import { type Defer, runToExit } from './shared/shutdown.ts';
import { settingsFor } from './shared/stand-in.ts';
import { DevProcess, freePort } from './shared/worker-process.ts';

const PROMPT = 'The sun goes down behind drifting hills, long shadows, the camera perfectly still';
/** As fast as the stand-in allows, and slow enough to cancel a video. */
const FAST = 120;
const WATCHABLE = 20;

await runToExit(screenshots, (error) => console.error(`make screenshots failed: ${reasonOf(error)}`));

async function screenshots(defer: Defer): Promise<number> {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no Chromium at ${CHROMIUM}`);
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER);
  const sim = await startSim({ speed: FAST });
  defer(() => sim.close());
  const storage = await mkdtemp(join(tmpdir(), 'hailuo-screenshots-'));
  defer(() => rm(storage, { recursive: true, force: true, maxRetries: 5 }));
  const settings = {
    POLL_SECONDS: '0.3',
    RETRY_SECONDS: '0.2',
    SUBMIT_PER_MINUTE: '0',
    SIGNING_KEY: 'k'.repeat(32),
    MAX_ACTIVE: '1',
    DAILY_BUDGET_USD: '10',
    OPERATOR_TOKEN,
  };
  const worker = new DevProcess(await freePort(), storage, { ...settingsFor(sim), ...settings });
  defer(() => worker.kill('SIGTERM'));
  await worker.start();
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: OFFLINE });
  defer(() => browser.close());
  const context = await browser.newContext({ deviceScaleFactor: 1, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(worker.origin);
  await tour(page, context, sim);
  await operatorTour(page, worker.origin, sim);
  return 0;
}

/** The states in the order in which a new user meets them. */
async function tour(page: Page, context: BrowserContext, sim: Sim): Promise<void> {
  const prompt = page.getByLabel('Prompt');
  const make = page.getByRole('button', { name: 'Make the video' });
  const shown = (text: string) => page.locator('#stage').getByText(text, { exact: true }).waitFor();
  await shoot(page, '1-empty');

  await make.click();
  await page.getByLabel('First frame').setInputFiles({
    name: 'notes.txt',
    mimeType: 'image/png',
    buffer: Buffer.from('only text'),
  });
  await page.getByText('must be a JPEG').waitFor();
  await shoot(page, '2-refused');

  // Some earlier videos, one of them failed.
  await page.getByRole('button', { name: 'Remove' }).click();
  sim.script('kitchen', { task: { pexit: '1', outputs: 'none' } });
  for (const [text, format, end] of [
    ['A paper boat drifts down a rainy street at dusk', '768P, 6 s', 'Done'],
    ['A tiny baker kneads dough in a dollhouse kitchen', '768P, 10 s', 'Failed'],
    ['Waves break against a lighthouse in a storm', '1080P, 6 s', 'Done'],
  ] as const) {
    await prompt.fill(text);
    await page.getByLabel(format).check();
    await make.click();
    await page.locator('#stage-prompt').getByText(text).waitFor();
    await shown(end);
    if (end === 'Failed') await shoot(page, '3-failed');
  }

  await prompt.fill(PROMPT);
  await page.getByLabel('768P, 6 s').check();
  const buffer = gradientPng(640, 360);
  await page.getByLabel('First frame').setInputFiles({ name: 'evening.png', mimeType: 'image/png', buffer });
  await page.getByText('evening.png').waitFor();
  await shoot(page, '4-filled');

  sim.speed = WATCHABLE;
  await make.click();
  await page.locator('#stage-prompt').getByText(PROMPT).waitFor();
  await page.waitForFunction(() => {
    const bar = document.querySelector('progress');
    return bar?.dataset.source === 'upstream' && bar.value >= 40;
  });
  sim.speed = 0;
  await page.getByText('Log', { exact: true }).click();
  await shoot(page, '5-watching');
  await context.setOffline(true);
  await page.getByText('You are offline').waitFor();
  await page.getByText('Log', { exact: true }).click();
  await page.locator('#cancel').click();
  await shoot(page, '6-offline');
  await context.setOffline(false);
  await page.getByRole('button', { name: 'Keep it' }).click();
  sim.speed = FAST;
  await shown('Done');
  await page.waitForFunction(() => document.querySelectorAll('.poster img').length === 3);
  await page.evaluate(async () => {
    const player = document.querySelector('video');
    if (!player) return;
    player.currentTime = 2;
    await new Promise((resolve) => player.addEventListener('seeked', resolve, { once: true }));
  });
  await shoot(page, '7-done');

  await page.getByRole('button', { name: 'Token' }).click();
  await shoot(page, '8-token', false);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Code' }).click();
  await shoot(page, '9-code', false);
}
