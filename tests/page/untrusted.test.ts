// Malicious links, responses that are not Videos, and invalid stored data: the page reports or drops them, and works.
import { describe, expect, test } from 'vitest';
import { done, hasChromium, make, onStage, remarked, useScene } from './support/browser.ts';

const ID = `vid_${'a2'.repeat(20)}`;

describe.skipIf(!hasChromium)('untrusted data (needs Chromium)', () => {
  const scene = useScene({ sim: { speed: 60 } });

  test.for([
    '#/../../health',
    '#../../health',
    `#${ID}/../../../health`,
    '#%2e%2e%2f%2e%2e%2fhealth',
    '#vid_nonsense',
    `#${ID}?x=`,
  ])('the link %s sends no request and breaks nothing', async (hash) => {
    const { page, service } = scene;
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto('about:blank');
    await page.goto(`${service.origin}/${hash}`);
    await remarked(page, 'This video does not exist any more');
    const isAbout = (path: string) => path.startsWith('/v1/') && path !== '/v1/models';
    expect(asked.filter((path) => isAbout(path) || path.endsWith('x'))).toEqual([]);
    expect(await page.evaluate(() => localStorage.getItem('videos'))).toBeNull();
    await page.goto(service.origin);
    await page.locator('#form[data-ready]').waitFor({ state: 'attached' });
    expect(await page.locator('.card').count()).toBe(0);
  });

  test('a response that is not a Video is not stored', async () => {
    const { page, service } = scene;
    await page.route(`**/v1/videos/${ID}`, (route) =>
      route.fulfill({ json: { status: 'ok', version: '1' } }),
    );
    await page.goto(`${service.origin}/#${ID}`);
    await remarked(page, 'sent an invalid answer');
    expect(await page.evaluate(() => localStorage.getItem('videos'))).toBeNull();
  });

  test('invalid data in localStorage is dropped, valid data is shown', async () => {
    const { page } = scene;
    await make(page, 'the one that is right');
    await onStage(page, 'the one that is right');
    await done(page);
    await page.evaluate((id) => {
      const [video] = JSON.parse(localStorage.getItem('videos') ?? '[]');
      const { input: _, ...halved } = video;
      const wrong = [
        { status: 'ok', version: '0.1.0' },
        null,
        'text',
        { ...halved, id },
        { ...video, id: '../../health' },
        { ...video, id, urls: null },
        { ...video, id, created_at: 'today' },
        { ...video, id, status: 'odd' },
      ];
      localStorage.setItem('videos', JSON.stringify([...wrong, video]));
      localStorage.setItem('durations', JSON.stringify({ '768P 6': { not: 'a list' } }));
      localStorage.setItem('draft', JSON.stringify({ prompt: 7, format: ['x'] }));
      localStorage.setItem('token', JSON.stringify({ not: 'a token' }));
      history.replaceState(null, '', '/');
    }, ID);
    for (let load = 0; load < 2; load++) {
      await page.reload();
      await page.locator('#form[data-ready]').waitFor({ state: 'attached' });
      await expect
        .poll(() => page.locator('.card-prompt').allTextContents())
        .toEqual(['the one that is right']);
    }
    const kept = await page.evaluate(() => ['draft', 'token'].map((name) => localStorage.getItem(name)));
    expect(kept).toEqual([null, null]);
    expect(await page.evaluate(() => JSON.parse(localStorage.getItem('videos') ?? '[]').length)).toBe(1);
    await make(page, 'another one after all that');
    await onStage(page, 'another one after all that');
    await done(page);
  });

  test.for(['[1', '7', '{}', '"text"', '[[]]', '{"768P 6":[null,"x"]}'])(
    'the page opens with %s in every key of localStorage',
    async (text) => {
      const { page } = scene;
      await page.evaluate((text) => {
        for (const name of ['videos', 'durations', 'draft']) localStorage.setItem(name, text);
        localStorage.setItem('token', JSON.stringify('no\u{1F600}token'));
      }, text);
      await page.reload();
      await make(page, `made over ${text}`);
      await onStage(page, `made over ${text}`);
      await done(page);
    },
  );

  test('invalid data in IndexedDB is dropped', async () => {
    const { page, service } = scene;
    await page.evaluate(async (id) => {
      const opening = indexedDB.open('hailuo');
      await new Promise((resolve) => opening.addEventListener('success', resolve));
      const writing = opening.result.transaction(['outbox', 'draft', 'posters'], 'readwrite');
      const at = Date.now();
      const outbox = writing.objectStore('outbox');
      outbox.put({ nothing: 'sensible' }, 'one');
      outbox.put({ key: 'two\n', at, owner: '', request: { prompt: 'a key with a line break' } }, 'two');
      outbox.put({ key: 'three', at, owner: '', request: { prompt: 3 } }, 'three');
      outbox.put(null, 'four');
      outbox.put({ key: 'six', at, owner: '', request: { prompt: 'p', inputImageFirst: 'text' } }, 'six');
      writing.objectStore('draft').put({ blob: 'no blob', name: 5 }, 'image');
      writing.objectStore('posters').put('no blob', id);
      await new Promise((resolve) => writing.addEventListener('complete', resolve));
      opening.result.close();
    }, ID);
    const before = service.sim.tasks.length;
    await page.reload();
    await page.locator('#form[data-ready]').waitFor({ state: 'attached' });
    expect(await page.locator('#image-chosen').isVisible()).toBe(false);
    await make(page, 'made beside the disorder');
    await onStage(page, 'made beside the disorder');
    await done(page);
    expect(service.sim.tasks.length - before).toBe(1);
    const kept = await page.evaluate(async () => {
      const opening = indexedDB.open('hailuo');
      await new Promise((resolve) => opening.addEventListener('success', resolve));
      const counting = opening.result.transaction('outbox').objectStore('outbox').count();
      await new Promise((resolve) => counting.addEventListener('success', resolve));
      return counting.result;
    });
    expect(kept).toBe(0);
  });

  test('links of a Video cannot lead to other sites', async () => {
    const { page, service } = scene;
    await make(page, 'with links of a stranger');
    await onStage(page, 'with links of a stranger');
    await done(page);
    const id = new URL(page.url()).hash.slice(1);
    const video = await service.video(id);
    const content = `${service.origin}//elsewhere.example/video.mp4?grant=a%26b&x=1`;
    const json = { ...video, urls: { ...video.urls, content } };
    await page.route(`**/v1/videos/${id}`, (route) => route.fulfill({ json }));
    await page.evaluate(() => localStorage.clear());
    await page.reload();
    const download = page.getByRole('link', { name: 'Download' });
    await download.waitFor();
    const href = await download.evaluate((element) => (element as HTMLAnchorElement).href);
    expect(href).toBe(`${service.origin}/v1/videos/${id}/content?grant=a%26b&download=1`);
  });
});
