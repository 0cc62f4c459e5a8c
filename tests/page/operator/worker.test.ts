// The operator's page with the built Worker: what it shows equals what the API and the stand-in say, and its buttons do
// what they say.
import { beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB, CLIENT_TOKENS } from '../../worker/support/clients.ts';
import type { Service } from '../../worker/support/service.ts';
import type { Video } from '../../worker/support/types.ts';
import { hasChromium, useScene } from '../support/browser.ts';
import { OPEN } from '../support/protections.ts';
import { signIn, TOKEN } from './operator-api.ts';

describe.skipIf(!hasChromium)('the operator’s page with the Worker (needs Chromium)', () => {
  const options = {
    sim: { speed: 600 },
    vars: { MAX_ACTIVE: '1', DAILY_BUDGET_USD: '30' },
    secrets: { OPERATOR_TOKEN: TOKEN, CLIENT_TOKENS },
  };
  const scene = useScene(options, {}, OPEN, '/operator');
  let alice: Service;
  let bob: Service;
  beforeAll(async () => {
    const { service } = scene;
    [alice, bob] = [service.as(ALICE), service.as(BOB)];
    service.sim.script('a costly one', { task: { cost: '0.37' } });
    service.sim.script('one that fails', { task: { pexit: '1', outputs: 'none', cost: '0.11' } });
    service.sim.script('one that is held', { holdAt: 'task_start' });
    await alice.ended((await alice.accepted({ prompt: 'a costly one' })).id);
    await bob.ended((await bob.accepted({ prompt: 'one that fails' })).id);
    await alice.accepted({ prompt: 'one that is held' });
    await (await service.sim.waitForTask('one that is held')).reached('task_start');
    await bob.accepted({ prompt: 'one that waits' });
    await bob.accepted({ prompt: 'another that waits' });
    await service.sweep(Math.floor(Date.now() / 1000));
  });

  const texts = (selector: string) => scene.page.locator(selector).allTextContents();
  const described = (term: string) =>
    scene.page.locator('.part div:has(> dt)').filter({ hasText: term }).first().locator('dd').textContent();

  test('the state, the queue and the failed videos', async () => {
    const { page } = scene;
    await signIn(page);
    expect(await texts('#status-title')).toEqual(['Everything works']);
    expect(await described('Waiting')).toBe('2');
    expect(await described('At Wiro')).toBe('1');
    expect(await described('Last sweep')).toMatch(/^just now$|ago$/);
    expect(await described('Last failed video')).toMatch(/: generation_failed$/);
    expect(await texts('#queue-rows .row-title')).toEqual(['one that waits', 'another that waits']);
    expect(
      (await texts('#queue-rows .hint')).map((facts) => facts.replace(/for \d+ (s|min)/, 'for 0 s')),
    ).toEqual([
      'bob · hailuo-2.3 · for 0 s · Next in the queue',
      'bob · hailuo-2.3 · for 0 s · Number 2 in the queue',
    ]);
    expect(await texts('#failed-rows .row-title')).toEqual(['one that fails']);
  });

  test('the cost equals the usage of the API and the books of the stand-in', async () => {
    const { page, service } = scene;
    const operator = service.as(TOKEN);
    const read = async (group: string) => (await operator.fetch(`/operator/usage?group_by=${group}`)).json();
    // The books follow the end of a video.
    await expect.poll(async () => (await read('day')).today.spent_usd).toBe('0.48');
    await expect.poll(async () => (await read('day')).totals.videos.failed).toBe(1);
    await signIn(page);
    const { today, totals } = await read('day');
    // 0.37 and 0.11 were charged; three videos hold their price.
    expect(await texts('.today')).toEqual([
      `$0.48 spent today, $${today.reserved_usd} reserved, budget: $30.00`,
    ]);
    expect(Number(today.reserved_usd)).toBeGreaterThan(0);
    const { submitted, completed, failed, cancelled } = totals.videos;
    expect([submitted, completed, failed, cancelled]).toEqual([5, 1, 1, 0]);
    expect(await texts('#usage-totals dd')).toEqual(['$0.48', '5', '1', '1', '0', '6 s of video']);
    expect(await texts('#failures li')).toEqual(['generation_failed 1 today, 1 in thirty days']);
    const row = (name: string) =>
      page.locator('#group-rows tr').filter({ hasText: name }).locator('th, td').allTextContents();
    const money = (
      name: string,
      { data }: { data: { client: string; spent_usd: string; reserved_usd: string }[] },
    ) => {
      const found = data.find(({ client }) => client === name);
      return [`$${found?.spent_usd}`, `$${found?.reserved_usd}`];
    };
    const byClient = await read('client');
    expect(await row('alice')).toEqual(['alice', '2', '1', '0', '0', '6', ...money('alice', byClient)]);
    expect(await row('bob')).toEqual(['bob', '3', '0', '1', '0', '0', ...money('bob', byClient)]);
    expect(money('alice', byClient)[0]).toBe('$0.37');
    expect(money('bob', byClient)[0]).toBe('$0.11');
    await page.getByRole('img', { name: /most on \d{4}-\d{2}-\d{2}: \$0\.48/ }).waitFor();
  });

  test('an inspection, with the video and what is left of a removed one', async () => {
    const { page, service } = scene;
    scene.expected.push('status of 410');
    await signIn(page);
    const made = await alice.submit({ prompt: 'one to look into' });
    expect(made.status).toBe(202);
    const request = made.headers.get('x-request-id') ?? '';
    const { id } = (await made.json()) as Video;
    const dialog = page.getByRole('dialog');
    await page.getByLabel('Video or request').fill(request);
    await page.keyboard.press('Enter');
    await dialog.getByText(request).waitFor();
    expect(await dialog.locator('#inspection-title').textContent()).toBe('Waiting');
    await page.keyboard.press('Escape');
    expect((await alice.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    await page.getByLabel('Video or request').fill(id);
    await page.keyboard.press('Enter');
    await dialog.getByRole('heading', { name: 'Not there' }).waitFor();
    expect(await dialog.locator('#inspection-facts').textContent()).toContain('Clientalice');
    await page.keyboard.press('Escape');

    const [costly] = (await (await alice.fetch('/v1/videos?status=completed')).json()).data as Video[];
    const task = await service.sim.waitForTask('a costly one');
    await page.getByLabel('Video or request').fill(costly?.id ?? '');
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Play' }).click();
    const player = dialog.getByLabel('The video');
    await expect
      .poll(() => player.evaluate((element: HTMLVideoElement) => element.duration))
      .toBeGreaterThan(1);
    const facts = await dialog.locator('#inspection-facts').textContent();
    for (const words of ['Clientalice', 'Cost$0.37', `Wiro’s task${task.id}`, 'Attempts at Wiro1'])
      expect(facts).toContain(words);
  });

  test('a client is made, limited, paused, given a new token and removed', async () => {
    const { page, service } = scene;
    scene.expected.push('status of 400');
    await signIn(page);
    await page.getByRole('button', { name: 'New client' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('carol');
    await dialog.getByLabel('Videos at once').fill('none');
    await page.keyboard.press('Enter');
    await dialog.getByText('max_active: must be a whole number').waitFor();
    await dialog.getByLabel('Videos at once').fill('2');
    await page.keyboard.press('Enter');
    const field = page.getByRole('textbox', { name: 'The token of carol' });
    await field.waitFor();
    const carol = service.as(await field.inputValue());
    await page.keyboard.press('Escape');
    const row = page.locator('[data-client=carol]');
    await row.getByText('0 of at most 2 at once').waitFor();
    expect((await carol.fetch('/v1/videos')).status).toBe(200);

    await row.getByRole('button', { name: 'Pause' }).click();
    await page.keyboard.press('Enter');
    await row.getByRole('button', { name: 'Resume' }).waitFor();
    expect((await carol.submit({ prompt: 'not taken' })).status).toBe(503);
    await row.getByRole('button', { name: 'Resume' }).click();
    await row.getByRole('button', { name: 'Pause' }).waitFor();

    await row.getByRole('button', { name: 'New token' }).click();
    await dialog.getByLabel('no longer: it has leaked').check();
    await dialog.getByRole('button', { name: 'Make the token' }).click();
    await field.waitFor();
    const renewed = service.as(await field.inputValue());
    await page.keyboard.press('Escape');
    expect((await carol.fetch('/v1/videos')).status).toBe(401);
    expect((await renewed.fetch('/v1/videos')).status).toBe(200);

    await row.getByRole('button', { name: 'Remove' }).click();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await row.waitFor({ state: 'detached' });
    expect((await renewed.fetch('/v1/videos')).status).toBe(401);
    expect(await texts('#client-rows h3')).toEqual(['alice', 'bob']);
  });

  test('all submits are paused and resumed', async () => {
    const { page } = scene;
    await signIn(page);
    await page.getByRole('button', { name: 'Pause submits' }).click();
    await page.keyboard.press('Enter');
    await page.getByText('Submits are paused: everybody gets 503').waitFor();
    expect((await alice.submit({ prompt: 'not taken' })).status).toBe(503);
    await page.getByRole('button', { name: 'Resume submits' }).click();
    await page.getByRole('button', { name: 'Pause submits' }).waitFor();
  });

  test('videos are cancelled and deleted, one by one and all that match', async () => {
    const { page } = scene;
    await signIn(page);
    const waiting = page.locator('#queue-rows li', { hasText: 'another that waits' });
    await waiting.getByRole('button', { name: 'Cancel' }).click();
    await page.keyboard.press('Enter');
    await waiting.waitFor({ state: 'detached' });
    const failing = page.locator('#failed-rows li', { hasText: 'one that fails' });
    await failing.getByRole('button', { name: 'Delete' }).click();
    await page.keyboard.press('Enter');
    await failing.waitFor({ state: 'detached' });
    const listed = async (query: string) =>
      ((await (await bob.fetch(`/v1/videos?${query}`)).json()).data as Video[]).map(({ prompt }) => prompt);
    expect(await listed('status=cancelled')).toEqual(['another that waits']);
    expect(await listed('status=failed')).toEqual([]);

    await page.getByLabel('Client', { exact: true }).fill('bob');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('heading', { name: 'All videos of client bob' }).waitFor();
    await page.locator('#bulk-delete').click();
    await page.keyboard.press('Enter');
    await page.locator('#bulk-result').getByText('2 videos changed.').waitFor();
    await page.getByText('No video matches.').waitFor();
    expect(await listed('limit=100')).toEqual([]);
  });
});
