// Prompts, names and errors come from strangers, and a response may lack members or have other types: the page shows
// text, never markup, says "unknown", and sends no request elsewhere.
import { beforeEach, describe, expect, test } from 'vitest';
import { hasChromium } from '../support/browser.ts';
import {
  client,
  dayAgo,
  failed,
  idOf,
  OperatorApi,
  signIn,
  useOperatorScene,
  video,
} from './operator-api.ts';

const MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script>&amp;';
/** Reverses what follows, and a word without a place to break it. */
const HOSTILE = `${MARKUP}\u202e${'W'.repeat(600)}`;

describe.skipIf(!hasChromium)('untrusted data on the operator’s page (needs Chromium)', () => {
  const scene = useOperatorScene();
  let api: OperatorApi;
  beforeEach(async () => {
    api = new OperatorApi();
    await api.start(scene.page);
  });

  /** The page has no elements or attributes of strangers, and is not wider than its window. */
  async function isIntact(): Promise<void> {
    const { page } = scene;
    expect(await page.locator('main img, main script, main iframe, main [onerror]').count()).toBe(0);
    expect(await page.title()).toBe('Operator – hailuo-worker');
    const links = await page.locator('main a[href], main [src]').evaluateAll((all) => all.length);
    expect(links).toBe(0);
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(content).toBeLessThanOrEqual(window ?? 0);
  }

  test('hostile texts are shown as texts in every part', async () => {
    const { page } = scene;
    const input = { prompt: HOSTILE, resolution: HOSTILE, duration: 6 };
    const error = { code: HOSTILE, message: HOSTILE };
    const members = { input, error, client: HOSTILE, model: HOSTILE, stage: HOSTILE };
    api.videos = [video(1, members), failed(2, 'x', members)];
    api.clients = [client(HOSTILE), client('__proto__'), client('constructor')];
    const figures = { videos: {}, spent_usd: '1', failures: { [HOSTILE]: 1 } };
    api.groups = {
      day: [{ day: dayAgo(0), ...figures }],
      client: [{ client: HOSTILE, ...figures }],
    };
    api.usage = { totals: figures, today: { spent_usd: HOSTILE, reserved_usd: '1', limit_usd: HOSTILE } };
    api.health = {
      ...{ status: 'degraded', version: HOSTILE, last_failure: { at: 1, ...error } },
      checks: { [HOSTILE]: { status: HOSTILE }, wiro: { status: 'error', error: HOSTILE } },
    };
    Object.assign(api.inspection, {
      request_id: HOSTILE,
      upstream: { task_id: HOSTILE, attempts: 1, last_error: HOSTILE, next_check_at: null },
      deliveries: [{ at: 1, webhook_id: HOSTILE, status: 500, error: HOSTILE }],
    });
    await page.setViewportSize({ width: 390, height: 844 });
    await signIn(page);
    expect(await page.locator('#queue-rows .row-title').textContent()).toBe(HOSTILE);
    expect(await page.locator('#client-rows h3').allTextContents()).toEqual([
      HOSTILE,
      '__proto__',
      'constructor',
    ]);
    expect(await page.locator('#spent').textContent()).toBe('unknown');
    expect(await page.locator('#failures code').textContent()).toBe(HOSTILE);
    expect(await page.locator('#status-problems').textContent()).toContain(HOSTILE);
    await isIntact();
    await page.locator('#queue-rows .row-title').click();
    await page.locator('#inspection-facts code').getByText(MARKUP).first().waitFor();
    expect(await page.locator('#inspection-prompt').textContent()).toBe(HOSTILE);
    await isIntact();
    await page.keyboard.press('Escape');
    for (const button of ['Limits', 'New token', 'Remove']) {
      await page.locator('#client-rows li').first().getByRole('button', { name: button }).click();
      await page.getByRole('dialog').getByText(MARKUP).first().waitFor();
      await isIntact();
      await page.keyboard.press('Escape');
    }
  });

  test('names cannot lead a request to another path', async () => {
    const { page } = scene;
    const names = ['../videos', 'a/../../health', 'a?videos=true#', '..'];
    api.clients = names.map((name) => client(name, { paused: true }));
    await signIn(page);
    for (const name of names) {
      const row = page
        .locator('#client-rows li')
        .filter({ has: page.getByRole('heading', { name, exact: true }) });
      await row.getByRole('button', { name: 'Resume' }).click();
      if (name === '..') await row.getByText('cannot be part of a path').waitFor();
      else await row.getByRole('button', { name: 'Pause' }).waitFor();
    }
    expect(api.changes.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PATCH /operator/clients/..%2Fvideos',
      'PATCH /operator/clients/a%2F..%2F..%2Fhealth',
      'PATCH /operator/clients/a%3Fvideos%3Dtrue%23',
    ]);
  });

  test('videos whose id is none are not shown', async () => {
    const { page } = scene;
    const ids = ['../../health', 7, null, undefined, `${idOf(2)}/../x`];
    const odd = ids.map((id) => ({ ...video(1), id }) as unknown as ReturnType<typeof video>);
    api.videos = [...odd, video(3)];
    await signIn(page);
    expect(await page.locator('#queue-rows .row-title').allTextContents()).toEqual(['prompt 3']);
  });

  test.for<[string, unknown]>([
    ['an empty object', {}],
    ['an empty list', []],
    [
      'members of other types',
      {
        ...{
          status: 'ok',
          checks: 'none',
          last_completed_at: 'today',
          last_failure: [],
          data: 'x',
          totals: 7,
        },
        ...{ today: null, paused: 'maybe', has_more: true, last_id: 7 },
      },
    ],
    ['members that are null', { status: 'ok', checks: null, data: [null, 7, 'x', {}, []], totals: null }],
    [
      'odd rows',
      {
        ...{ status: 'ok', checks: { kv: null, wiro: 7, dispatcher: { last_sweep_at: 1e300, waiting: -1 } } },
        data: [
          {
            id: idOf(1),
            name: 'odd',
            day: dayAgo(0),
            client: 7,
            videos: [],
            status: {},
            input: null,
            error: 3,
          },
        ],
      },
    ],
  ])('the page opens with %s in every response', async ([, json]) => {
    const { page } = scene;
    for (const path of ['/health', '/operator/usage', '/operator/videos', '/operator/clients'])
      api.answers.set(`GET ${path}`, () => ({ json }));
    api.answers.set(`GET /operator/videos/${idOf(1)}`, () => ({ json }));
    await signIn(page);
    expect(await page.locator('#spent').textContent()).toBe('unknown');
    // Whether submits are paused is unknown: neither button is offered.
    expect(await page.getByRole('button', { name: /^(Pause|Resume) submits/ }).count()).toBe(0);
    await page.getByLabel('Id of a video or request').fill(idOf(1));
    await page.keyboard.press('Enter');
    await page.locator('#inspection-facts').getByText('Wiro’s task').waitFor();
    expect(await page.locator('#inspection-facts dd').allTextContents()).toContain('unknown');
    await isIntact();
  });

  test('what is not JSON is an error', async () => {
    const { page } = scene;
    await signIn(page);
    for (const path of ['/health', '/operator/usage', '/operator/videos', '/operator/clients'])
      api.answers.set(`GET ${path}`, () => ({ body: MARKUP, headers: { 'content-type': 'text/html' } }));
    await page.getByRole('button', { name: 'Refresh' }).click();
    for (const part of ['status', 'usage', 'usage-group', 'queue', 'failed', 'clients'])
      await page.locator(`#${part}-problem`).getByText('The server answered').waitFor();
    await isIntact();
  });
});
