// The operator's page asks for the token, shows nothing without it, and keeps it only as long as the tab is open.
import { describe, expect, test } from 'vitest';
import { hasChromium } from '../support/browser.ts';
import {
  client,
  failed,
  loaded,
  OperatorApi,
  problem,
  signIn,
  TOKEN,
  useOperatorScene,
  video,
} from './operator-api.ts';

describe.skipIf(!hasChromium)('signing in as the operator (needs Chromium)', () => {
  const scene = useOperatorScene();

  async function played(): Promise<OperatorApi> {
    const api = new OperatorApi();
    api.videos = [video(1), failed(2, 'storage_failed')];
    api.clients = [client('alice')];
    await api.start(scene.page);
    return api;
  }

  /** Everything of the page's body that a user can find, with the values of fields. */
  const contents = () =>
    scene.page.evaluate(() => document.body.outerHTML.replace(/<template.*<\/template>/s, ''));

  test('without a token the page sends no request and shows nothing', async () => {
    const { page } = scene;
    const api = await played();
    await page.reload({ waitUntil: 'networkidle' });
    await page.getByRole('heading', { name: 'Operator' }).waitFor();
    expect(api.calls).toEqual([]);
    expect(await page.locator('.part').count()).toBe(0);
    expect(await page.getByRole('button').allTextContents()).toEqual(['Open']);
  });

  test('a wrong token is refused, the right one opens the page', async () => {
    const { page } = scene;
    scene.expected = ['status of 401'];
    const api = await played();
    await page.getByLabel('Operator token').fill('a guess');
    await page.keyboard.press('Enter');
    await page.getByText('without spaces').waitFor();
    expect(api.calls).toEqual([]);
    await page.getByLabel('Operator token').fill('a-guess');
    await page.keyboard.press('Enter');
    await page.getByText('does not accept this token').waitFor();
    expect(await page.locator('.part').count()).toBe(0);
    expect(api.calls).toHaveLength(1);
    await page.getByLabel('Operator token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await loaded(page);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('status-title');
  });

  test('a server that limits guesses, or that cannot be reached, is told', async () => {
    const { page } = scene;
    scene.expected = ['status of 429', 'net::ERR'];
    const api = await played();
    api.answers.set('GET /operator/clients', () => ({
      ...problem(429, 'rate_limited'),
      headers: { 'retry-after': '30' },
    }));
    await page.getByLabel('Operator token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByText('Too many requests. Try again in about 30 seconds.').waitFor();
    await page.unrouteAll();
    await page.route('**/operator/clients', (route) => route.abort());
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('cannot be reached').waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('the token is in sessionStorage and nowhere else, also after a reload', async () => {
    const { page, context, service } = scene;
    await played();
    const urls: string[] = [];
    page.on('request', (request) => urls.push(request.url()));
    await signIn(page);
    await page.reload();
    await loaded(page);
    expect(urls.filter((url) => url.includes(TOKEN))).toEqual([]);
    expect(await contents()).not.toContain(TOKEN);
    expect(JSON.stringify(await context.storageState())).not.toContain(TOKEN);
    expect(await page.evaluate(() => Object.values(sessionStorage))).toEqual([TOKEN]);
    const other = await context.newPage();
    await other.goto(`${service.origin}/operator`);
    await other.getByLabel('Operator token').waitFor();
    expect(await other.locator('.part').count()).toBe(0);
  });

  test('signing out removes everything, and later responses show nothing', async () => {
    const { page } = scene;
    const api = await played();
    await signIn(page);
    await page.getByText('prompt 1').waitFor();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/operator/clients', async (route) => {
      await held;
      await route.fallback();
    });
    const asked = page.waitForRequest('**/operator/clients');
    await page.getByRole('button', { name: 'Refresh' }).click();
    await asked;
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Operator token').waitFor();
    release();
    await page.evaluate(() => fetch('/icon.svg'));
    expect(await page.locator('.part').count()).toBe(0);
    expect(await contents()).not.toMatch(/prompt 1|alice|vid_/);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    const before = api.calls.length;
    await page.reload();
    await page.getByLabel('Operator token').waitFor();
    expect(api.calls).toHaveLength(before);
  });

  test('a token that is not accepted any more ends the visit', async () => {
    const { page } = scene;
    scene.expected = ['status of 401'];
    const api = await played();
    await signIn(page);
    api.token = 'another-one';
    const before = api.calls.length;
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('does not accept the token any more').waitFor();
    // The Worker limits wrong tokens.
    expect(api.calls).toHaveLength(before + 1);
    expect(await page.locator('.part').count()).toBe(0);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('a kept token that is not accepted any more is sent once and forgotten', async () => {
    const { page } = scene;
    scene.expected = ['status of 401'];
    const api = await played();
    await signIn(page);
    api.token = 'another-one';
    const before = api.calls.length;
    await page.reload();
    await page.getByText('does not accept this token').waitFor();
    expect(api.calls).toHaveLength(before + 1);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    api.token = TOKEN;
    await signIn(page);
  });

  test('a kept token waits until the server can be reached again', async () => {
    const { page } = scene;
    scene.expected = ['net::ERR'];
    await played();
    await signIn(page);
    await page.route('**/operator/clients', (route) => route.abort());
    await page.reload();
    await page.getByText('cannot be reached').waitFor();
    await page.unroute('**/operator/clients');
    await page.reload();
    await loaded(page);
  });

  test('the page works where the browser allows no storage', async () => {
    const { page } = scene;
    await played();
    await page.addInitScript(() => {
      Object.defineProperty(window, 'sessionStorage', {
        get() {
          throw new DOMException('denied', 'SecurityError');
        },
      });
    });
    await page.reload();
    await signIn(page);
    await page.getByText('prompt 1').waitFor();
  });
});

describe.skipIf(!hasChromium)('a Worker without OPERATOR_TOKEN (needs Chromium)', () => {
  const scene = useOperatorScene();

  test('the page says that there is nothing to see', async () => {
    const { page } = scene;
    scene.expected = ['status of 404'];
    await page.getByLabel('Operator token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByText('has no OPERATOR_TOKEN').waitFor();
    expect(await page.locator('.part').count()).toBe(0);
  });

  test('the page is a file with its own policy, and no path of the API is one', async () => {
    const { service } = scene;
    const served = await service.fetch('/operator');
    expect(served.status).toBe(200);
    expect(served.headers.get('content-type')).toContain('text/html');
    expect(served.headers.get('content-security-policy')).toContain('media-src blob:');
    expect(served.headers.get('content-security-policy')).not.toContain("media-src 'self'");
    for (const path of ['videos', 'usage', 'clients', 'metrics', 'videos/vid_x']) {
      const response = await service.fetch(`/operator/${path}`);
      expect({ path, status: response.status }).toEqual({ path, status: 404 });
      expect(response.headers.get('content-type')).toBe('application/problem+json');
    }
  });
});
