// From prompt and image to a video that plays and can be changed, cancelled and deleted.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { gradientPng } from '../../scripts/shared/gradient.ts';
import { storedSample } from '../worker/support/sample.ts';
import { sha256 } from '../worker/support/stored.ts';
import { done, frameAt, hasChromium, make, onStage, remarked, useScene } from './support/browser.ts';
import { releaseOnceFollowed } from './support/followed.ts';
import { TOGETHER } from './support/protections.ts';

const PICTURE = gradientPng(320, 180);
const run = promisify(execFile);

describe.skipIf(!hasChromium).for(TOGETHER)('making videos behind %s (needs Chromium)', ([, protection]) => {
  const scene = useScene({ sim: { speed: 60 } }, {}, protection);
  beforeEach(() => scene.service.sim.clearScripts());

  test('a prompt becomes a video that plays, seeks and loops', async () => {
    const { page, service } = scene;
    await page.getByLabel('1080P, 6 s').check();
    await make(page, 'a page that turns by itself');
    await done(page);
    expect(service.sim.tasks.at(-1)?.fields).toMatchObject({ resolution: '1080P', duration: '6' });
    // It started to play by itself, without sound.
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.2);
    const seen = await page.locator('video').evaluate((element) => {
      const { duration, videoWidth, loop, muted, paused } = element as HTMLVideoElement;
      return { duration, videoWidth, loop, muted, paused };
    });
    expect(seen).toEqual({ duration: 6, videoWidth: 768, loop: true, muted: true, paused: false });
    expect(await frameAt(page, 4)).not.toEqual(await frameAt(page, 0));
  });

  test('a first frame is picked, shown and removed', async () => {
    const { page } = scene;
    const file = { name: 'evening.png', mimeType: 'image/png', buffer: PICTURE };
    await page.getByLabel('First frame').setInputFiles(file);
    await page.getByAltText('The chosen first frame').waitFor();
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByAltText('The chosen first frame').waitFor({ state: 'hidden' });
    await page.getByLabel('First frame').setInputFiles(file);
    await page.getByText('evening.png').waitFor();
    await make(page, 'an evening by the picker');
    expect((await scene.service.sim.waitForTask('by the picker')).image?.sha256).toBe(sha256(PICTURE));
    await done(page);
  });

  test('download, link, “Again with changes” and delete', async () => {
    const { page, service, context } = scene;
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: service.origin });
    await page.getByLabel('768P, 10 s').check();
    await page.getByLabel('Refine my words').uncheck();
    await make(page, 'A kite over the dunes, wind');
    await done(page);
    const downloading = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^[a-z]+(-[a-z0-9]+)+\.mp4$/);
    expect(sha256(readFileSync(await download.path()))).toBe(storedSample.sha256);
    await page.getByRole('button', { name: 'Copy link' }).click();
    await remarked(page, 'The link is copied.');
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect((await fetch(copied)).headers.get('content-type')).toBe('video/mp4');

    await page.getByLabel('Prompt').fill('something typed meanwhile');
    await page.getByLabel('1080P, 6 s').check();
    // The undo button disappears after ten seconds, so it is used first.
    await page.evaluate(() => Object.assign(window, { setTimeout: () => 0 }));
    await page.getByRole('button', { name: 'Again with changes' }).click();
    await expect.poll(() => page.getByLabel('Prompt').inputValue()).toBe('A kite over the dunes, wind');
    expect(await page.getByLabel('768P, 10 s').isChecked()).toBe(true);
    expect(await page.getByLabel('Refine my words').isChecked()).toBe(false);
    // The inputs are not lost.
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => page.getByLabel('Prompt').inputValue()).toBe('something typed meanwhile');

    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await remarked(page, 'The video is deleted.');
    await page.getByText('Your video appears here.').waitFor();
    expect(await page.getByRole('list').getByText('A kite over the dunes').count()).toBe(0);
    expect((await fetch(copied)).status).toBe(404);
  });

  describe.each(['with', 'without'] as const)(
    'the shown code, %s an image, sends the same as the form',
    (how) => {
      const prompt = (language: string) => `it's made by ${language}\u2028${how} a picture`;
      let folder: string;
      beforeEach(async () => {
        folder = await mkdtemp(join(tmpdir(), 'hailuo-code-'));
        await writeFile(join(folder, 'picture.png'), PICTURE);
      });
      afterEach(() => rm(folder, { recursive: true }));

      async function code(language: 'JavaScript' | 'curl' | 'Agent'): Promise<string> {
        const { page } = scene;
        await page.getByLabel('Prompt').fill(prompt(language));
        await page.getByLabel('768P, 10 s').check();
        if (how === 'with') {
          const picture = { name: 'sky.png', mimeType: 'image/png', buffer: PICTURE };
          await page.getByLabel('First frame').setInputFiles(picture);
          await page.getByText('sky.png').waitFor();
        }
        await page.getByRole('button', { name: 'Code' }).click();
        await page.getByRole('dialog').waitFor();
        await page.getByLabel(language).check();
        expect(await page.locator('#code-token').isVisible()).toBe(
          protection.options.secrets?.CLIENT_TOKENS !== undefined,
        );
        return (await page.locator('#code').textContent()) ?? '';
      }

      async function expectMade(language: string) {
        const { image, fields } = await scene.service.sim.waitForTask(prompt(language));
        expect(image?.sha256).toBe(how === 'with' ? sha256(PICTURE) : undefined);
        expect(fields).toMatchObject({ prompt: prompt(language), duration: '10' });
      }

      const environment = async () => {
        const { challenge } = protection.access(scene.service.sim);
        return { PATH: process.env.PATH, TURNSTILE_TOKEN: (await challenge?.()) ?? '' };
      };

      test.skipIf(!existsSync('/usr/bin/curl'))('in a shell (needs curl)', async () => {
        const script = await code('curl');
        await run('sh', ['-c', script], { cwd: folder, env: await environment() });
        await expectMade('curl');
        expect(sha256(readFileSync(join(folder, 'video.mp4')))).toBe(storedSample.sha256);
      });

      test('in Node', async () => {
        const script = await code('JavaScript');
        const env = await environment();
        await writeFile(join(folder, 'code.mjs'), script.replace('TURNSTILE_TOKEN', env.TURNSTILE_TOKEN));
        const { stdout } = await run(process.execPath, ['code.mjs'], { cwd: folder, env });
        await expectMade('JavaScript');
        const content = await fetch(stdout.trim().split('\n').at(-1) ?? '');
        expect(sha256(Buffer.from(await content.arrayBuffer()))).toBe(storedSample.sha256);
      });

      test('in the settings of an agent', async () => {
        const text = await code('Agent');
        if (protection.options.secrets?.TURNSTILE_SECRET) return expect(text).toContain('Agents cannot');
        expect(text).toContain(prompt('Agent'));
        const { url, headers } = JSON.parse(text.match(/^\{.*^\}/ms)?.[0] ?? '').mcpServers.hailuo;
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
        const asked = { ...headers, 'content-type': 'application/json' };
        const answer = await fetch(url, { method: 'POST', headers: asked, body });
        expect(await answer.json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
      });
    },
  );

  test('cancel asks for confirmation, stops the video, and the next one can be made', async () => {
    const { page, service } = scene;
    service.sim.script('never ends', { holdAt: 'task_start' });
    await make(page, 'a corridor that never ends');
    await page.getByText('Started', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Stop it' }).click();
    await page.getByRole('heading', { name: 'Cancelled' }).waitFor();
    await make(page, 'a door at last');
    await done(page);
  });
});

describe.skipIf(!hasChromium)('making videos (needs Chromium)', () => {
  const scene = useScene({ sim: { speed: 60 } });
  beforeEach(() => scene.service.sim.clearScripts());

  test('progress is shown as text and number, with the log', async () => {
    const { page, service } = scene;
    await page.evaluate(() => {
      const seen = { percents: [] as string[], stages: [] as string[], sources: [] as string[] };
      Object.assign(window, { seen });
      const note = (list: string[], text: string | null | undefined) => {
        if (text && list.at(-1) !== text) list.push(text);
      };
      new MutationObserver(() => {
        note(seen.percents, document.getElementById('percent')?.textContent);
        note(seen.stages, document.getElementById('stage')?.textContent);
        note(seen.sources, document.querySelector('progress')?.dataset.source);
      }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
    });
    service.sim.speed = 12;
    service.sim.script('from a bridge', { holdAt: 'task_start' });
    await make(page, 'a river seen from a bridge');
    await releaseOnceFollowed(service.sim, 'from a bridge');
    await done(page);
    service.sim.speed = 60;
    const { percents, stages, sources } = await page.evaluate(
      () => (window as unknown as { seen: Record<'percents' | 'stages' | 'sources', string[]> }).seen,
    );
    const figures = percents.map((text) => Number(/\d+/.exec(text)?.[0]));
    expect(figures.length).toBeGreaterThan(8);
    expect(figures).toEqual(figures.toSorted((a, b) => a - b));
    // An estimate is marked as such.
    expect(percents[0]).toMatch(/^about /);
    expect(percents).toContain('70 %');
    expect(sources).toContain('estimate');
    expect(sources).toContain('upstream');
    expect(stages).toContain('Making the video');
    expect(stages.at(-1)).toBe('Done');
    await page.getByText('Log', { exact: true }).click();
    expect(await page.getByRole('list', { name: 'Log lines' }).textContent()).toContain('Loading model');
  });

  test('one poster image is captured, for the stage and the gallery', async () => {
    const { page, service } = scene;
    await page.evaluate(() => {
      const { createElement } = document;
      const players: unknown[] = [];
      document.createElement = (tag: string) => {
        const element = createElement.call(document, tag);
        if (tag === 'video') players.push(element);
        return element;
      };
      Object.assign(window, { players });
    });
    service.sim.script('at a window', { holdAt: 'task_start' });
    await make(page, 'a face at a window');
    // Stage and gallery both need the poster at the same time.
    await page.getByRole('button', { name: 'a face at a window' }).hover();
    service.sim.release(await service.sim.waitForTask('at a window'));
    await done(page);
    await page.locator('.poster img').waitFor();
    await page.waitForFunction(() => document.querySelector('video')?.poster);
    expect(await page.evaluate(() => (window as unknown as { players: unknown[] }).players.length)).toBe(1);
  });

  test('the queue position is shown, and a queued video does not block the form', async () => {
    const { page, service } = scene;
    service.sim.script('in front', { holdAt: 'task_start' });
    service.sim.maxActive = 1;
    await make(page, 'a queue, in front');
    await onStage(page, 'a queue, in front');
    await make(page, 'a queue, behind');
    await onStage(page, 'a queue, behind');
    await page.getByText('Next in the queue', { exact: true }).first().waitFor();
    expect(await page.getByRole('progressbar').getAttribute('value')).toBeNull();
    service.sim.release(await service.sim.waitForTask('in front'));
    await done(page);
    service.sim.maxActive = Number.POSITIVE_INFINITY;
  });

  describe('a first frame', () => {
    const arrived = async (prompt: string) => (await scene.service.sim.waitForTask(prompt)).image?.sha256;

    test.for(['drop', 'paste'])('is added by %s', async (how) => {
      const { page } = scene;
      await page.evaluate(
        ({ how, bytes }) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], 'sky.png', { type: 'image/png' }));
          const init = { bubbles: true, cancelable: true };
          document
            .getElementById('prompt')
            ?.dispatchEvent(
              how === 'drop'
                ? new DragEvent('drop', { ...init, dataTransfer: transfer })
                : new ClipboardEvent('paste', { ...init, clipboardData: transfer }),
            );
        },
        { how, bytes: [...PICTURE] },
      );
      await page.getByText('sky.png').waitFor();
      await make(page, `a sky by ${how}`);
      expect(await arrived(`a sky by ${how}`)).toBe(sha256(PICTURE));
      await done(page);
    });

    test('that is still being read delays the submit', async () => {
      const { page } = scene;
      await page.evaluate(() => {
        const { arrayBuffer } = Blob.prototype;
        const reads: (() => void)[] = [];
        Blob.prototype.arrayBuffer = async function () {
          await new Promise<void>((resolve) => reads.push(resolve));
          return arrayBuffer.call(this);
        };
        // The file that was chosen first takes the longest.
        const letRead = () => {
          for (const read of reads.toReversed()) read();
        };
        Object.assign(window, { letRead });
      });
      const choose = (name: string, buffer: Buffer) =>
        page.getByLabel('First frame').setInputFiles({ name, mimeType: 'image/png', buffer });
      await choose('ground.png', gradientPng(64, 36));
      await choose('sky.png', PICTURE);
      await make(page, 'a sky that comes slowly');
      await page.evaluate(() => (window as unknown as { letRead: () => void }).letRead());
      expect(await arrived('a sky that comes slowly')).toBe(sha256(PICTURE));
      await done(page);
      expect(await page.locator('#image-name').textContent()).toBe('sky.png');
    });

    test('by URL is not loaded by the page', async () => {
      const { page, service } = scene;
      const link = 'https://pictures.example.com/sky.png';
      await page.getByLabel('Link to an image').fill(link);
      await make(page, 'a sky by a link');
      const { fields } = await service.sim.waitForTask('a sky by a link');
      expect(Object.values(fields)).toContain(link);
      await done(page);
    });

    test('is validated before the submit', async () => {
      const { page, service } = scene;
      const before = service.sim.callsTo('/Run/').length;
      const text = { name: 'not.png', mimeType: 'image/png', buffer: Buffer.from('only text, no picture') };
      await page.getByLabel('First frame').setInputFiles(text);
      await make(page, 'no picture at all');
      await page.getByText('must be a JPEG, PNG or WebP image').waitFor();
      await page.getByRole('button', { name: 'Remove' }).click();
      const large = {
        name: 'large.png',
        mimeType: 'image/png',
        buffer: Buffer.concat([PICTURE], 21 * 1024 * 1024),
      };
      await page.getByLabel('First frame').setInputFiles(large);
      await page.getByText('the limit is 20 MiB').waitFor();
      await page.getByRole('button', { name: 'Make the video' }).click();
      await page.getByRole('button', { name: 'Remove' }).click();
      await page.getByLabel('Link to an image').fill('http://pictures.example.com/sky.png');
      await page.getByRole('button', { name: 'Make the video' }).click();
      await page.getByText('must start with https://').waitFor();
      expect(service.sim.callsTo('/Run/').length).toBe(before);
    });
  });

  test('two tabs keep each other’s videos', async () => {
    const { page, context, service } = scene;
    const other = await context.newPage();
    await other.goto(service.origin);
    for (const [tab, prompt] of [
      [page, 'of the first tab'],
      [other, 'of the second tab'],
    ] as const) {
      await make(tab, prompt);
      await onStage(tab, prompt);
      await done(tab);
    }
    await page.reload();
    await expect.poll(async () => (await page.locator('.card-prompt').allTextContents()).length).toBe(2);
  });
});
