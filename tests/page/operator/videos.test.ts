// What an operator does with videos: look into one, play it, and cancel, delete, release or try again one or many.
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { hasChromium, remarked } from '../support/browser.ts';
import { failed, idOf, OperatorApi, problem, signIn, useOperatorScene, video } from './operator-api.ts';

describe.skipIf(!hasChromium)('videos on the operator’s page (needs Chromium)', () => {
  const scene = useOperatorScene();
  let api: OperatorApi;
  beforeEach(async () => {
    api = new OperatorApi();
    await api.start(scene.page);
  });

  const dialog = () => scene.page.getByRole('dialog');
  const described = (term: string) =>
    dialog().locator('div:has(> dt)').filter({ hasText: term }).first().locator('dd').textContent();

  test('an inspection shows all that is known of a video', async () => {
    const { page } = scene;
    api.videos = [failed(1, 'upstream_timeout', { cost_usd: '0.25', created_at: 1_790_000_000 })];
    Object.assign(api.inspection, {
      deliveries: [
        { at: 1_790_000_100, webhook_id: 'msg_1', attempt: 1, status: null, error: 'timeout' },
        { at: 1_790_000_200, webhook_id: 'msg_1', attempt: 2, status: 204, error: null },
      ],
      next_delivery_at: 1_790_000_300,
    });
    await signIn(page);
    await page.getByRole('button', { name: 'prompt 1' }).click();
    await dialog().getByRole('heading', { name: 'Failed' }).waitFor();
    for (const [term, words] of [
      ['Id', idOf(1)],
      ['Client', 'alice'],
      ['Request', 'req_0123456789abcdef01234567'],
      ['Format', '768P · 6 s'],
      ['Cost', '$0.25'],
      ['Submitted', '2026-09-21 14:13:20 UTC'],
      ['Started', '–'],
      ['Wiro’s task', '4711'],
      ['Attempts at Wiro', '3'],
      ['Wiro’s last error', 'nothing yet'],
    ] as const) {
      expect({ term, words: await described(term) }).toEqual({ term, words });
    }
    expect(await dialog().locator('#deliveries li').allTextContents()).toEqual([
      '2026-09-21 14:15:00 UTC: no answer, try 1, timeout msg_1',
      '2026-09-21 14:16:40 UTC: answered 204, try 2 msg_1',
    ]);
    await dialog().getByText('The next try is at 2026-09-21 14:18:20 UTC.').waitFor();
    await page.keyboard.press('Escape');
    await dialog().waitFor({ state: 'hidden' });
    await expect.poll(() => page.locator('#inspection-facts').textContent()).toBe('');
    await page.getByLabel('Id of a video or request').fill(idOf(1));
    await page.keyboard.press('Enter');
    await dialog().getByRole('heading', { name: 'Failed' }).waitFor();
  });

  test('a video is played, fetched with the token and not with an address that others could use', async () => {
    const { page } = scene;
    api.videos = [video(1, { status: 'completed', output: { size: 2 ** 21 } })];
    const body = readFileSync(new URL('../../../sim/media/sample.mp4', import.meta.url));
    const headers = { 'content-type': 'video/mp4' };
    api.answers.set(`GET /operator/videos/${idOf(1)}/content`, () => ({ body, headers }));
    await signIn(page);
    await page.getByLabel('Id of a video or request').fill(idOf(1));
    await page.keyboard.press('Enter');
    await dialog().getByRole('button', { name: 'Play' }).click();
    const player = dialog().getByLabel('The video');
    await player.waitFor();
    expect(await player.evaluate((element: HTMLVideoElement) => element.src)).toMatch(/^blob:/);
    await expect
      .poll(() => player.evaluate((element: HTMLVideoElement) => element.duration))
      .toBeGreaterThan(1);
    expect(await dialog().getByRole('button', { name: 'Play' }).isVisible()).toBe(false);
    await dialog().getByRole('button', { name: 'Close' }).click();
    await expect.poll(() => page.locator('#player').getAttribute('src')).toBeNull();
  });

  test('a video that cannot be read says so, and can be played again', async () => {
    const { page } = scene;
    scene.expected = ['status of 404'];
    api.videos = [video(1, { status: 'completed' })];
    api.answers.set(`GET /operator/videos/${idOf(1)}/content`, () => problem(404, 'not_found'));
    await signIn(page);
    await page.getByLabel('Id of a video or request').fill(idOf(1));
    await page.keyboard.press('Enter');
    await dialog().getByRole('button', { name: 'Play' }).click();
    await dialog().getByText('The words for not_found.').waitFor();
    await dialog().getByRole('button', { name: 'Play' }).waitFor();
  });

  test('the address of a video opens it', async () => {
    const { page, service } = scene;
    api.videos = [video(1)];
    await signIn(page);
    await page.goto('about:blank');
    await page.goto(`${service.origin}/operator#${idOf(1)}`);
    await dialog().getByRole('heading', { name: 'Waiting' }).waitFor();
  });

  test('a removed video and one that never existed', async () => {
    const { page } = scene;
    scene.expected = ['status of 410', 'status of 404'];
    await signIn(page);
    const removed = {
      ...{ reason: 'expired', removed_at: 1_790_000_000, client: null, model: 'hailuo-2.3' },
      ...{ status: 'completed', created_at: null, cost_usd: '0.25', request_id: 'req_1' },
    };
    api.answers.set(`GET /operator/videos/${idOf(1)}`, () => problem(410, 'deleted', { removed }));
    const id = page.getByLabel('Id of a video or request');
    await id.fill(idOf(1));
    await page.keyboard.press('Enter');
    await dialog().getByRole('heading', { name: 'Not there' }).waitFor();
    await dialog().getByText('The words for deleted.').waitFor();
    expect(await dialog().locator('#inspection-facts div').allTextContents()).toEqual([
      ...[`Id${idOf(1)}`, 'Reasonexpired', 'Removed2026-09-21 14:13:20 UTC', 'Modelhailuo-2.3'],
      ...['Statuscompleted', 'Cost$0.25', 'Requestreq_1'],
    ]);
    expect(await dialog().locator('#inspection-actions button').count()).toBe(0);
    await page.keyboard.press('Escape');
    await id.fill(idOf(2));
    await page.keyboard.press('Enter');
    await dialog().getByText('The words for not_found.').waitFor();
  });

  test('a video is found by the request that created it', async () => {
    const { page } = scene;
    api.videos = [video(1)];
    await signIn(page);
    const request = 'req_0123456789abcdef01234567';
    let data = api.videos;
    api.answers.set('GET /operator/videos', ({ path }) => ({
      json: { object: 'list', data: path.endsWith(`?request_id=${request}`) ? data : [], has_more: false },
    }));
    const id = page.getByLabel('Id of a video or request');
    await id.fill(request);
    await page.keyboard.press('Enter');
    await dialog().getByRole('heading', { name: 'Waiting' }).waitFor();
    await page.keyboard.press('Escape');
    data = [];
    await id.press('Enter');
    await page.getByText('This request created no video that still exists').waitFor();
    const before = api.calls.length;
    for (const odd of ['vid_../../health', 'req_1', 'anything']) {
      await id.fill(odd);
      await id.press('Enter');
      await page.getByText('That is neither the id of a video').waitFor();
    }
    expect(api.calls).toHaveLength(before);
  });

  test('a video has the buttons that fit it, and each sends its request after a question', async () => {
    const { page } = scene;
    api.videos = [
      ...[video(1), failed(2, 'storage_failed'), failed(3, 'submission_unknown')],
      ...[failed(4, 'generation_failed'), video(5, { status: 'completed' })],
    ];
    await signIn(page);
    await page.getByRole('button', { name: 'Find' }).click();
    await page.locator('#found-rows li').nth(4).waitFor();
    const buttons = (number: number) =>
      page.locator(`#found-rows [data-id=${idOf(number)}] .actions button:visible`);
    expect(await buttons(1).allTextContents()).toEqual(['Cancel', 'Delete']);
    expect(await buttons(2).allTextContents()).toEqual(['Try again', 'Delete']);
    expect(await buttons(3).allTextContents()).toEqual(['Try again', 'Release', 'Delete']);
    expect(await buttons(4).allTextContents()).toEqual(['Delete']);
    expect(await buttons(5).allTextContents()).toEqual(['Delete']);

    const act = async (number: number, name: string) => {
      await buttons(number).getByText(name, { exact: true }).click();
      await page.keyboard.press('Enter');
    };
    await act(2, 'Try again');
    await remarked(page, 'The video is tried again.');
    await expect.poll(() => buttons(2).allTextContents()).toEqual(['Cancel', 'Delete']);
    await act(3, 'Release');
    await remarked(page, 'The reservation is released.');
    await act(1, 'Cancel');
    await remarked(page, 'The video is cancelled.');
    await page.locator(`#queue-rows [data-id=${idOf(1)}]`).waitFor({ state: 'detached' });
    // The button is gone, and the focus is still in its row.
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await expect.poll(focused).toBe('prompt 1');
    await act(5, 'Delete');
    await remarked(page, 'The video is deleted.');
    await page.locator(`[data-id=${idOf(5)}]`).waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('found-rows');
    expect(api.changes).toEqual([
      { method: 'POST', path: `/operator/videos/${idOf(2)}/redrive`, body: null },
      { method: 'POST', path: `/operator/videos/${idOf(3)}/release`, body: null },
      { method: 'POST', path: `/operator/videos/${idOf(1)}/cancel`, body: null },
      { method: 'DELETE', path: `/operator/videos/${idOf(5)}`, body: null },
    ]);
  });

  test('a refused action says why, beside its button', async () => {
    const { page } = scene;
    scene.expected = ['status of 409'];
    api.videos = [failed(1, 'submission_unknown')];
    api.answers.set(`POST /operator/videos/${idOf(1)}/release`, () => problem(409, 'already_finished'));
    await signIn(page);
    const row = page.locator(`#failed-rows [data-id=${idOf(1)}]`);
    await row.getByRole('button', { name: 'Release' }).click();
    await row.getByRole('group').getByRole('button', { name: 'Release' }).click();
    await row.getByText('The words for already_finished.').waitFor();
    await row.getByRole('button', { name: 'Release' }).waitFor();
  });

  test('a second click while a request is under way sends nothing', async () => {
    const { page } = scene;
    api.videos = [video(1)];
    await signIn(page);
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/cancel', async (route) => {
      await held;
      await route.fallback();
    });
    const row = page.locator('#queue-rows li');
    for (let clicks = 0; clicks < 2; clicks++) {
      // Although the button says that it is disabled.
      await row.getByRole('button', { name: 'Cancel' }).click({ force: true });
      await row.getByRole('group').getByRole('button', { name: 'Cancel' }).click();
    }
    release();
    await row.waitFor({ state: 'detached' });
    expect(api.changes).toHaveLength(1);
  });

  test('a filter finds videos in pages', async () => {
    const { page } = scene;
    await signIn(page);
    const ids = Array.from({ length: 60 }, (_, index) => {
      const digits = [index >> 4, index & 15].map((digit) => 'abcdefghijklmnop'[digit]);
      return `vid_${digits.join('').repeat(20)}`;
    });
    api.videos = ids.map((id, index) => ({ ...video(index), id, status: 'completed' }));
    await page.getByLabel('Client', { exact: true }).fill('alice');
    await page.getByLabel('Status', { exact: true }).selectOption('completed');
    await page.getByLabel('Since').fill('2026-09-21');
    await page.getByRole('button', { name: 'Find' }).click();
    await page
      .getByRole('heading', { name: 'with status completed, of client alice, since 2026-09-21' })
      .waitFor();
    await expect.poll(() => page.locator('#found-rows li').count()).toBe(50);
    await page.locator('#found').getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => page.locator('#found-rows li').count()).toBe(60);
    expect(
      await page
        .locator('#found-rows li')
        .evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.id)),
    ).toEqual(ids);
    const query = 'client=alice&status=completed&since=1789948800&limit=50';
    const lists = api.calls.map(({ path }) => path).filter((path) => path.includes('client='));
    expect(lists).toEqual([
      `/operator/videos?${query}`,
      `/operator/videos?${query}`,
      `/operator/videos?${query}&after=${ids[49]}`,
    ]);
    await page.getByLabel('without a client').check();
    await page.getByLabel('Status', { exact: true }).selectOption('');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('heading', { name: 'All videos without a client, since 2026-09-21' }).waitFor();
    await page.getByText('No video matches.').waitFor();
  });

  test('a page without videos that is not the last one is followed by the next', async () => {
    const { page } = scene;
    await signIn(page);
    api.answers.set('GET /operator/videos', ({ path }) => {
      const isSecond = path.includes(`after=${idOf(7)}`);
      const data = isSecond ? [video(8)] : [];
      return {
        json: { object: 'list', data, first_id: null, last_id: idOf(isSecond ? 8 : 7), has_more: !isSecond },
      };
    });
    await page.getByRole('button', { name: 'Find' }).click();
    const more = page.locator('#found').getByRole('button', { name: 'Show more' });
    await more.click();
    await page.locator('#found-rows').getByText('prompt 8').waitFor();
    await more.waitFor({ state: 'hidden' });
    expect(await page.locator('#found-empty').isVisible()).toBe(false);
  });

  test('an action for all that match is repeated until no more match', async () => {
    const { page } = scene;
    await signIn(page);
    let left = 250;
    api.answers.set('POST /operator/videos/redrive', () => {
      const matched = Math.min(100, left);
      left -= matched;
      return { json: { matched, done: matched, failed: 0, has_more: left > 0 } };
    });
    await page.getByLabel('Client', { exact: true }).fill('a b&c');
    await page.getByLabel('Status', { exact: true }).selectOption('failed');
    await page.getByRole('button', { name: 'Find' }).click();
    // The form is not the filter until it is used.
    await page.getByLabel('Client', { exact: true }).fill('');
    await page.getByRole('button', { name: 'Try all again' }).click();
    await page
      .getByRole('group', { name: 'Try again all that match?' })
      .getByRole('button', { name: 'Try again all' })
      .click();
    await page.locator('#bulk-result').getByText('250 videos changed.').waitFor();
    const path = '/operator/videos/redrive?client=a+b%26c&status=failed';
    expect(api.changes.map((call) => call.path)).toEqual([path, path, path]);
  });

  test('an action goes on after the videos that it could not change, and says why', async () => {
    const { page } = scene;
    await signIn(page);
    api.answers.set('POST /operator/videos/release', ({ path }) => {
      const isFirst = !path.includes('after=');
      const failed = [2, 3].map((number) => ({ id: idOf(number), code: isFirst ? 'conflict' : 'not_found' }));
      const last_id = isFirst ? idOf(3) : idOf(5);
      return { json: { matched: 2, done: 0, failed, has_more: isFirst, last_id } };
    });
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('button', { name: 'Release all' }).click();
    await page.keyboard.press('Enter');
    const words = '0 videos changed, 4 videos not changed (conflict: 2, not_found: 2).';
    await page.locator('#bulk-result').getByText(words).waitFor();
    expect(api.changes.map(({ path }) => path)).toEqual([
      '/operator/videos/release',
      `/operator/videos/release?after=${idOf(3)}`,
    ]);
  });

  test('an action for all that match stops when nothing changes any more', async () => {
    const { page } = scene;
    await signIn(page);
    let requests = 0;
    api.answers.set('DELETE /operator/videos', () => {
      requests += 1;
      const done = requests === 1 ? 99 : 0;
      return { json: { matched: 100, done, failed: 100 - done, has_more: true } };
    });
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('button', { name: 'Delete all' }).click();
    const question = page.getByRole('group', { name: 'Delete all that match?' });
    await question.getByRole('button', { name: 'Do nothing' }).click();
    expect(api.changes).toEqual([]);
    await page.getByRole('button', { name: 'Delete all' }).click();
    await question.getByRole('button', { name: 'Delete all' }).click();
    await page
      .locator('#bulk-result')
      .getByText('99 videos changed, 100 videos not changed, more match.')
      .waitFor();
    expect(requests).toBe(2);
  });
});
