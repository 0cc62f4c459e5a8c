// The cost of a video counts once, however often the dispatcher gets it.
import { afterEach, expect, test, vi } from 'vitest';
import { ALICE } from '../support/clients.ts';
import { type Service, startService } from '../support/service.ts';
import type { Video } from '../support/types.ts';
import { called } from '../support/upstream-calls.ts';
import { startWrapped } from '../support/wrapped.ts';

const FILES = '/Task/InputOutputDelete';
const secrets = { CLIENT_TOKENS: JSON.stringify({ alice: ALICE }) };
const vars = { DAILY_BUDGET_USD: '10.00', PURGE_UPSTREAM: 'true' };

let service: Service;
afterEach(() => service.close());

async function usage(): Promise<[spent: string, reserved: string]> {
  const { spent_usd, reserved_usd } = await (await service.as(ALICE).fetch('/v1/usage')).json();
  return [spent_usd, reserved_usd];
}

async function paid(prompt: string): Promise<Video> {
  const { id } = await service.as(ALICE).accepted({ prompt });
  return service.as(ALICE).ended(id);
}

function remove({ id }: Video): Promise<Response> {
  return service.as(ALICE).fetch(`/v1/videos/${id}`, { method: 'DELETE' });
}

test('a removal that Wiro refuses repeatedly counts the cost once', async () => {
  service = await startService({ vars, secrets });
  const prompt = 'a bill that is not torn up';
  service.sim.script(prompt, { delete: Array(1000).fill({ kind: 'status', status: 503 }) });
  const video = await paid(prompt);
  await expect.poll(usage, { timeout: 30_000 }).toEqual(['0.28', '0.00']);
  const task = await service.sim.waitForTask(prompt);
  const tries = service.sim.callsTo(FILES).length;
  expect((await remove(video)).status).toBe(200);
  await called(service.sim, task, FILES, tries + 5);
  expect(await usage()).toEqual(['0.28', '0.00']);
});

test('lost, repeated and duplicate messages to the dispatcher count once', async () => {
  service = await startWrapped('lossy-dispatcher.js', { vars, secrets });
  const videos: Video[] = [];
  for (const n of [1, 2, 3]) videos.push(await paid(`a bill in copy ${n}.`));
  await expect.poll(usage, { timeout: 30_000 }).toEqual(['0.84', '0.00']);
  for (const video of videos) expect((await remove(video)).status).toBe(200);
  const isLeft = async () => (await service.as(ALICE).fetch('/v1/videos')).json();
  await vi.waitUntil(async () => (await isLeft()).data.length === 0, 30_000);
  for (const prompt of videos.map(({ input }) => input.prompt)) {
    const task = await service.sim.waitForTask(prompt);
    await vi.waitUntil(() => task.deleted, 30_000);
  }
  const another = await paid('a bill after all');
  await expect.poll(usage, { timeout: 30_000 }).toEqual(['1.12', '0.00']);
  expect(another.cost_usd).toBe('0.28');
});
