// What the operator's page says at a glance: whether the service works, what it costs, who waits and what went wrong.
import { beforeEach, describe, expect, test } from 'vitest';
import { hasChromium } from '../support/browser.ts';
import {
  client,
  dayAgo,
  failed,
  loaded,
  OperatorApi,
  problem,
  signIn,
  useOperatorScene,
  video,
} from './operator-api.ts';

describe.skipIf(!hasChromium)('the operator’s page at a glance (needs Chromium)', () => {
  const scene = useOperatorScene();
  let api: OperatorApi;
  beforeEach(async () => {
    api = new OperatorApi();
    await api.start(scene.page);
  });

  /** The description behind a term. */
  const described = (term: string) =>
    scene.page.locator('.part div:has(> dt)').filter({ hasText: term }).first().locator('dd').textContent();
  const texts = (selector: string) => scene.page.locator(selector).allTextContents();

  test('a service that works', async () => {
    const { page } = scene;
    await signIn(page);
    await page.getByRole('heading', { name: 'Everything works', level: 1 }).waitFor();
    expect(await texts('#checks dd')).toEqual(['works, 3 ms', 'works, 4 ms', 'works, 2 ms', 'works, 120 ms']);
    expect(await described('Last completed video')).toBe('2 minutes ago');
    expect(await described('Last failed video')).toBe('none');
    expect(await described('Last sweep')).toBe('3 minutes ago');
    expect(await described('Waiting')).toBe('2');
    expect(await described('At Wiro')).toBe('1');
    expect(await texts('#status-problems li')).toEqual([]);
  });

  test('everything that does not work is named, also in a response that is an error', async () => {
    const { page } = scene;
    scene.expected = ['status of 503'];
    const now = Math.floor(Date.now() / 1000);
    const json = {
      ...{ status: 'degraded', version: '0.1.0', last_completed_at: null },
      last_failure: { at: now - 60, code: 'upstream_unavailable' },
      checks: {
        ...{ kv: { status: 'error', ms: 9, error: 'KV is slow' }, r2: { status: 'ok', ms: 4 } },
        ...{ wiro: { status: 'error', error: 'the balance is too low' }, queue: { status: 'lost' } },
        dispatcher: { status: 'ok', ms: 2, last_sweep_at: now - 7265, circuit: 'open' },
      },
    };
    api.answers.set('GET /health', () => ({ status: 503, json }));
    await signIn(page);
    await page.getByRole('heading', { name: 'Needs attention' }).waitFor();
    expect(await texts('#status-problems li')).toEqual([
      'KV: KV is slow',
      'Wiro: the balance is too low',
      'queue: lost',
      'The sweep has not run for 2 h 1 min: check the Worker’s cron trigger.',
      'Wiro does not answer: no jobs are sent to it for a while.',
    ]);
    expect(await described('Last completed video')).toBe('none');
    expect(await described('Last failed video')).toContain('1 minute ago: Wiro did not take the job');
    expect(await described('Waiting')).toBe('unknown');
  });

  test('the last videos come from the lists where the report lacks them', async () => {
    const { page } = scene;
    const { last_completed_at: _, last_failure: __, ...health } = api.health as Record<string, object>;
    api.health = {
      ...health,
      checks: { ...health.checks, dispatcher: { status: 'error', error: 'no sweep yet' } },
    };
    api.videos = [video(1, { status: 'completed', completed_at: Math.floor(Date.now() / 1000) - 125 })];
    await signIn(page);
    expect(await described('Last completed video')).toBe('2 minutes ago');
    expect(await described('Last failed video')).toBe('none');
    expect(await texts('#status-problems li')).toEqual(['Dispatcher: no sweep yet']);
  });

  test('the cost of today, of each day, and by client and model', async () => {
    const { page } = scene;
    await signIn(page);
    expect(await texts('.today')).toEqual(['$1.12 spent today, $0.25 reserved, budget: $5']);
    const budget = page.getByLabel('Share of today’s budget that is used');
    expect(await budget.evaluate((meter: HTMLMeterElement) => [meter.value, meter.max])).toEqual([1.37, 5]);

    const chart = page.getByRole('img', { name: `most on ${dayAgo(3)}: $11.38` });
    expect(await chart.locator('.bar').count()).toBe(30);
    const heights = await chart
      .locator('.bar')
      .evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute('height'))));
    expect(heights[26]).toBe(100);
    expect(heights[29]).toBeCloseTo((1.12 / 11.38) * 100);
    expect(heights.filter((height) => height > 0)).toHaveLength(2);
    const [title] = await chart.locator('title').nth(29).allTextContents();
    expect(title).toBe(`${dayAgo(0)}: $1.12, 4 completed, 2 failed`);

    await page.getByText('Each day as a table').click();
    const cells = (row: string) => page.locator(row).locator('th, td').allTextContents();
    expect(await cells('#day-rows tr:first-child')).toEqual([
      ...[dayAgo(0), '7', '4', '2', '1', '24', '$1.12', '$0.25'],
    ]);
    expect(await cells('#group-rows tr:first-child')).toEqual([
      ...['no client', '7', '4', '2', '1', '24', '$9.50', '$0.25'],
    ]);
    await page.getByLabel('by model').check();
    await expect.poll(() => cells('#group-rows tr:first-child')).toContain('hailuo-2.3');
    expect(await texts('#failures li')).toEqual([
      'upstream_rejected 2 today, 3 in thirty days',
      'generation_failed 0 today, 1 in thirty days',
    ]);
    expect(await described('Made')).toBe('24 s of video');
    const asked = api.calls.filter(({ path }) => path.startsWith('/operator/usage?')).map(({ path }) => path);
    const range = `from=${dayAgo(29)}&to=${dayAgo(0)}`;
    expect(new Set(asked)).toEqual(
      new Set(['day', 'client', 'model'].map((group) => `/operator/usage?${range}&group_by=${group}`)),
    );
  });

  test('the usage is saved as CSV', async () => {
    const { page } = scene;
    await signIn(page);
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download as CSV' }).click();
    expect((await saved).suggestedFilename()).toBe(`usage-${dayAgo(0)}.csv`);
    expect(decodeURIComponent(api.calls.at(-1)?.path ?? '')).toContain(
      'group_by=day,client,model&format=csv',
    );
  });

  test('who waits, longest first, and what went wrong', async () => {
    const { page } = scene;
    api.videos = [
      ...[video(1, { queue_position: 2 }), video(3, { client: null, queue_position: 1 })],
      ...[failed(4, 'storage_failed', { cost_usd: '0.25' }), failed(5, 'odd_code', { client: undefined })],
    ];
    await signIn(page);
    expect(await texts('#queue-rows .row-title')).toEqual(['prompt 3', 'prompt 1']);
    expect(await texts('#queue-rows .hint')).toEqual([
      'no client · hailuo-2.3 · for 3 min · Next in the queue',
      'alice · hailuo-2.3 · for 1 min · Number 2 in the queue',
    ]);
    expect(await texts('#failed-rows .hint')).toEqual([
      'alice · hailuo-2.3 · 1 minute ago · $0.25',
      'unknown client · hailuo-2.3 · 1 minute ago',
    ]);
    expect(await texts('#failed-rows .reason')).toEqual([
      'The video was made and paid for, but could not be stored. The reason given: “The words of Wiro.”',
      'The words of Wiro.',
    ]);
  });

  test('an empty service', async () => {
    const { page } = scene;
    api.usage = {};
    api.groups = {};
    await signIn(page);
    for (const text of [
      'No video waits.',
      'No video has failed.',
      'There are no clients.',
      'Nothing in thirty days.',
    ])
      await page.getByText(text).waitFor();
    expect(await texts('.today')).toEqual(['unknown spent today, unknown reserved, budget: unknown']);
    expect(await page.locator('#budget').isVisible()).toBe(false);
    await page.getByRole('img', { name: 'Spent on each of 30 days: nothing' }).waitFor();
  });

  test('a part that cannot be read says so, and the others are shown', async () => {
    const { page } = scene;
    scene.expected = ['status of 500', 'net::ERR'];
    api.videos = [video(1)];
    await signIn(page);
    api.answers.set('GET /operator/usage', () => problem(500, 'internal'));
    api.clients = [client('alice')];
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('The words for internal. (Reference: req_1)').first().waitFor();
    await page.locator('[data-client=alice]').waitFor();
    // What was read before is still shown.
    expect(await texts('#spent')).toEqual(['$1.12']);
    api.answers.delete('GET /operator/usage');
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('The words for internal.').first().waitFor({ state: 'hidden' });
    await page.route('**/operator/videos**', (route) => route.abort());
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.locator('#queue-problem').getByText('cannot be reached').waitFor();
    expect(await texts('#queue-rows .row-title')).toEqual(['prompt 1']);
  });

  test('it is read again every minute, and a question stays open', async () => {
    const { page } = scene;
    api.videos = [video(1), video(2)];
    await page.clock.install();
    await signIn(page);
    const row = page.locator('#queue-rows li', { hasText: 'prompt 1' });
    await row.getByRole('button', { name: 'Cancel' }).click();
    api.videos = [video(1, { queue_position: 7 })];
    await page.clock.fastForward(61_000);
    await row.getByText('Number 7 in the queue').waitFor();
    await page.locator('#queue-rows li', { hasText: 'prompt 2' }).waitFor({ state: 'detached' });
    expect(await row.getByRole('group', { name: 'Cancel this video?' }).isVisible()).toBe(true);
    expect(
      await row
        .getByRole('button', { name: 'Cancel' })
        .evaluate((button) => button === document.activeElement),
    ).toBe(true);
  });

  test('submits are paused and resumed', async () => {
    const { page } = scene;
    await signIn(page);
    await page.getByRole('button', { name: 'Pause submits' }).click();
    const question = page.getByRole('group', { name: 'Refuse the submits of everybody?' });
    await question.getByRole('button', { name: 'Not now' }).click();
    expect(api.changes).toEqual([]);
    await page.getByRole('button', { name: 'Pause submits' }).click();
    await question.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Submits are paused: everybody gets 503').waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('resume');
    await page.reload();
    await loaded(page);
    await page.getByRole('button', { name: 'Resume submits' }).click();
    await page.getByRole('button', { name: 'Pause submits' }).waitFor();
    expect(await page.locator('#paused').isVisible()).toBe(false);
    expect(api.changes.map(({ path }) => path)).toEqual(['/operator/pause', '/operator/resume']);
  });
});
