// The operator's page in its main states: a service that works with clients, a queue and failed videos.
import type { Page } from 'playwright-core';
import type { Sim } from '../../sim/index.ts';
import { shoot } from './shoot.ts';

export const OPERATOR_TOKEN = 'operator-token-of-the-pictures-5a0f3d9e';

const COMPLETED = [
  'A paper boat drifts down a rainy street at dusk',
  'Waves break against a lighthouse in a storm',
  'A fox walks through fresh snow between birches',
];
const FAILED = [
  'A tiny baker kneads dough in a dollhouse kitchen',
  'An owl turns its head towards the camera',
];
const WAITING = [
  'A kite over the dunes',
  'Steam rises from a cup of tea',
  'A tram climbs a steep street at night',
];

export async function operatorTour(page: Page, origin: string, sim: Sim): Promise<void> {
  const send = async (path: string, token: string, method = 'GET', body?: object): Promise<Answer> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
    const response = await fetch(origin + path, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  const makeClient = async (name: string, limits: object): Promise<string> => {
    const { token } = await send('/operator/clients', OPERATOR_TOKEN, 'POST', { name, ...limits });
    return token;
  };
  const alice = await makeClient('alice', { daily_usd: '4.00', max_active: 2 });
  const bob = await makeClient('bob', {});
  await send('/operator/clients/bob/rotate', OPERATOR_TOKEN, 'POST');
  const submit = async (prompt: string, token: string) =>
    (await send('/v1/videos', token, 'POST', { prompt })).id;
  const ended = async (id: string, token: string) => {
    for (;;) {
      const { status } = await send(`/v1/videos/${id}`, token);
      if (!['queued', 'in_progress'].includes(status)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  for (const prompt of FAILED) sim.script(prompt, { task: { pexit: '1', outputs: 'none' } });
  const videos: string[] = [];
  for (const [index, prompt] of [...COMPLETED, ...FAILED].entries()) {
    const token = index % 2 === 0 ? alice : bob;
    const id = await submit(prompt, token);
    await ended(id, token);
    videos.push(id);
  }
  sim.script('A kite', { holdAt: 'task_start' });
  for (const [index, prompt] of WAITING.entries()) await submit(prompt, index % 2 === 0 ? alice : bob);
  await (await sim.waitForTask('A kite')).reached('task_start');
  await fetch(`${origin}/cdn-cgi/local/scheduled?time=${Date.now()}`);

  await page.goto(`${origin}/operator`);
  await page.getByLabel('Operator token').waitFor();
  await shoot(page, 'operator-1-token', false);
  await page.getByLabel('Operator token').fill(OPERATOR_TOKEN);
  await page.keyboard.press('Enter');
  await page.locator('#read-at').getByText('As of').waitFor({ state: 'attached' });
  await shoot(page, 'operator-2-open');
  await page.getByLabel('Id of a video or request').fill(videos[0] ?? '');
  await page.keyboard.press('Enter');
  await page.locator('#inspection-facts').getByText('Wiro’s task').waitFor();
  await shoot(page, 'operator-3-video', false);
  await page.keyboard.press('Escape');
  await page.locator('[data-client=bob]').getByRole('button', { name: 'New token' }).click();
  await shoot(page, 'operator-4-rotation', false);
}

interface Answer {
  id: string;
  status: string;
  token: string;
}
