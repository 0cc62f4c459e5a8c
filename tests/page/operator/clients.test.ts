// The clients on the operator's page: making, limiting, pausing and removing one, and tokens that are shown once.
import { beforeEach, describe, expect, test } from 'vitest';
import { hasChromium, remarked } from '../support/browser.ts';
import { client, idOf, OperatorApi, problem, signIn, useOperatorScene } from './operator-api.ts';

describe.skipIf(!hasChromium)('clients on the operator’s page (needs Chromium)', () => {
  const scene = useOperatorScene({ permissions: ['clipboard-read', 'clipboard-write'] });
  let api: OperatorApi;
  beforeEach(async () => {
    api = new OperatorApi();
    const limits = {
      daily_usd: '5',
      max_active: 3,
      spent_today_usd: '4.20',
      reserved_usd: '0.25',
      active: 2,
    };
    api.clients = [client('alice', limits), client('carol', { source: 'settings', created_at: null })];
    await api.start(scene.page);
    await signIn(scene.page);
  });

  const row = (name: string) => scene.page.locator(`[data-client="${name}"]`);
  const press = (name: string, button: string) => row(name).getByRole('button', { name: button }).click();
  const dialog = () => scene.page.getByRole('dialog');

  test('the list shows limits and what is used of them', async () => {
    expect(await row('alice').locator('p').allTextContents()).toEqual([
      'made 3 days ago · 2 of at most 3 at once',
      '$4.20 spent today, $0.25 reserved, of $5 a day',
      '',
    ]);
    const share = row('alice').getByRole('meter');
    expect(await share.evaluate((meter: HTMLMeterElement) => [meter.value, meter.max])).toEqual([4.45, 5]);
    expect(await row('carol').locator('.hint').textContent()).toBe('from CLIENT_TOKENS · 0 at once');
    expect(await row('carol').getByRole('meter').isVisible()).toBe(false);
    // The settings hold her token and limits.
    expect(await row('carol').locator('button:visible').allTextContents()).toEqual(['Pause', 'Delete all']);
  });

  test('a new client’s token is shown once and can be copied', async () => {
    const { page, context } = scene;
    await page.getByRole('button', { name: 'New client' }).click();
    await dialog().getByLabel('Name').fill('bob');
    await dialog().getByLabel('Dollars a day').fill('2.50');
    await dialog().getByLabel('Videos at once').fill('4');
    await dialog().getByRole('button', { name: 'Save' }).click();
    const token = page.getByRole('textbox', { name: 'The token of bob' });
    expect(await token.inputValue()).toBe('the-first-token');
    await page.getByRole('button', { name: 'Copy' }).click();
    await remarked(page, 'The token is copied.');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('the-first-token');
    await page.keyboard.press('Escape');
    await row('bob').waitFor();
    await expect.poll(() => page.locator('#token').inputValue()).toBe('');
    expect(JSON.stringify(await context.storageState())).not.toContain('the-first-token');
    expect(api.changes).toEqual([
      { method: 'POST', path: '/operator/clients', body: { name: 'bob', daily_usd: '2.50', max_active: 4 } },
    ]);
    // The next dialog starts empty.
    await page.getByRole('button', { name: 'New client' }).click();
    expect(await dialog().getByLabel('Name').inputValue()).toBe('');
  });

  test('a refused change keeps the form and says why', async () => {
    const { page } = scene;
    scene.expected = ['status of 400'];
    const errors = [{ field: 'max_active', message: 'must be a whole number' }];
    api.answers.set('POST /operator/clients', () => problem(400, 'invalid_parameter', { errors }));
    await page.getByRole('button', { name: 'New client' }).click();
    await dialog().getByLabel('Name').fill('bob');
    await dialog().getByLabel('Videos at once').fill('many');
    await page.keyboard.press('Enter');
    await dialog().getByText('max_active: must be a whole number.').waitFor();
    expect(await dialog().getByLabel('Name').inputValue()).toBe('bob');
    // What is no number is not turned into "no limit".
    expect(api.changes[0]?.body).toEqual({ name: 'bob', daily_usd: null, max_active: 'many' });
  });

  test('limits are changed, and an empty field removes one', async () => {
    const { page } = scene;
    await press('alice', 'Limits');
    expect(await dialog().getByLabel('Name').isVisible()).toBe(false);
    expect(await dialog().getByLabel('Dollars a day').inputValue()).toBe('5');
    await dialog().getByLabel('Dollars a day').fill('');
    await dialog().getByLabel('Webhook secret').fill('whsec_c2VjcmV0');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await row('alice').getByText('no daily limit').waitFor();
    const body = { daily_usd: null, max_active: 3, webhook_secret: 'whsec_c2VjcmV0' };
    expect(api.changes).toEqual([{ method: 'PATCH', path: '/operator/clients/alice', body }]);
    await press('alice', 'Limits');
    expect(await page.locator('#limits-secret').inputValue()).toBe('');
  });

  test.for([
    ['for another day', 86_400],
    ['no longer: it has leaked', 0],
  ] as const)('a new token; the present one works %s', async ([choice, keep_old_seconds]) => {
    const { page } = scene;
    await press('alice', 'New token');
    await dialog().getByLabel(choice).check();
    await dialog().getByRole('button', { name: 'Make the token' }).click();
    expect(await page.getByRole('textbox', { name: 'The token of alice' }).inputValue()).toBe(
      'the-second-token',
    );
    await page.getByRole('button', { name: 'Done' }).click();
    await row('alice').getByText('two tokens are valid').waitFor();
    expect(api.changes).toEqual([
      { method: 'POST', path: '/operator/clients/alice/rotate', body: { keep_old_seconds } },
    ]);
  });

  test('a client is paused and resumed', async () => {
    await press('alice', 'Pause');
    await row('alice').getByRole('group').getByRole('button', { name: 'Pause' }).click();
    await row('alice').getByText('paused').waitFor();
    await press('alice', 'Resume');
    await row('alice').getByRole('button', { name: 'Pause' }).waitFor();
    expect(api.changes.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      { method: 'PATCH', path: '/operator/clients/alice', body: { paused: true } },
      { method: 'PATCH', path: '/operator/clients/alice', body: { paused: false } },
    ]);
  });

  test('a client is removed, and its videos stay', async () => {
    const { page } = scene;
    await press('alice', 'Remove');
    await dialog().getByRole('button', { name: 'Remove' }).click();
    await page.getByText('The client alice is removed. Its videos are kept until they expire.').waitFor();
    await row('alice').waitFor({ state: 'detached' });
    expect(api.changes.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'DELETE /operator/clients/alice',
    ]);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('clients-title');
  });

  /** Answers that there is more to delete until the third request. */
  function eraseInThree(name: string, deleted: boolean): void {
    let requests = 0;
    api.answers.set(`DELETE /operator/clients/${name}`, () => {
      requests += 1;
      const isLast = requests === 3;
      const failed = isLast ? [{ id: idOf(1), code: 'upstream_unavailable' }] : [];
      const videos = { matched: 100, done: 100 - failed.length, failed };
      return {
        json: { name, deleted, videos, uploads_at_wiro: isLast ? ['a', 'b'] : [], has_more: !isLast },
      };
    });
  }

  test('a client is removed with everything of it, in as many requests as it takes', async () => {
    const { page } = scene;
    eraseInThree('alice', true);
    await press('alice', 'Remove');
    await dialog().getByLabel('Delete its videos').check();
    await dialog().getByRole('button', { name: 'Remove' }).click();
    const report =
      'The client alice is removed. 299 videos deleted, 1 video not deleted (upstream_unavailable: 1). 2 uploads could not be deleted at Wiro.';
    await page.getByText(report).waitFor();
    const request = 'DELETE /operator/clients/alice?videos=true';
    expect(api.changes.map(({ method, path }) => `${method} ${path}`)).toEqual([request, request, request]);
    // The next question starts without the choice.
    api.answers.clear();
    await press('alice', 'Remove');
    expect(await dialog().getByRole('checkbox').isChecked()).toBe(false);
  });

  test('everything of a client of the settings is deleted, and it stays a client', async () => {
    const { page } = scene;
    eraseInThree('carol', false);
    await press('carol', 'Delete all');
    await dialog().getByRole('heading', { name: 'Delete everything of carol?' }).waitFor();
    expect(await dialog().getByRole('checkbox').count()).toBe(0);
    await dialog().getByRole('button', { name: 'Remove' }).click();
    await page.getByText('The client carol is still in CLIENT_TOKENS. 299 videos deleted').waitFor();
    expect(api.changes[0]?.path).toBe('/operator/clients/carol?videos=true');
  });

  test('a dialog that was closed does not show the outcome of its request', async () => {
    const { page } = scene;
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/operator/clients/alice', async (route) => {
      await held;
      await route.fallback();
    });
    scene.expected = ['status of 409'];
    api.answers.set('PATCH /operator/clients/alice', () => problem(409, 'already_finished'));
    await press('alice', 'Limits');
    const refused = page.waitForResponse('**/operator/clients/alice');
    await dialog().getByRole('button', { name: 'Save' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'New client' }).click();
    release();
    await (await refused).finished();
    await page.evaluate(() => fetch('/icon.svg'));
    expect(await page.locator('#limits-error').textContent()).toBe('');
    expect(await dialog().isVisible()).toBe(true);
  });
});
