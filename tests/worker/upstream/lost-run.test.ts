// A lost Run, where rows of Task/List have no callback URL: the job is found by model, time and parameters, if exactly
// one row matches and no other video has it.
import { afterEach, expect, test } from 'vitest';
import type { RunFault, SimOptions } from '../../../sim/index.ts';
import { onlyRun } from '../support/runs.ts';
import { type Service, startService } from '../support/service.ts';

const LOST: RunFault = { kind: 'lost', how: 'status' };
const UNHEARD = { run: [LOST], callback: { lost: true } };

/** The first searches fail, so that what is submitted meanwhile is in the list when it is read. */
function failSearches(service: Service, count: number): void {
  service.sim.script('', { list: Array(count).fill({ kind: 'status', status: 500 }) });
}

let service: Service | undefined;
afterEach(async () => {
  await service?.close();
  service = undefined;
});

async function start(sim: SimOptions = {}, vars: Record<string, string> = {}): Promise<Service> {
  service = await startService({ vars, sim: { speed: 120, listCallbackUrl: false, ...sim } });
  return service;
}

test.for(['object', 'text'] as const)('a lost job is found by parameters shown as %s', async (shown) => {
  const service = await start({ parametersAs: shown, detailCallbackUrl: false });
  await service.accepted({ prompt: 'a diver with a rope' });
  const prompt = 'a diver without a rope';
  service.sim.script(prompt, UNHEARD);
  const { id } = await service.accepted({ prompt });
  await service.accepted({ prompt: 'a diver without a rope, again' });
  expect(await service.ended(id)).toMatchObject({ status: 'completed', error: null });
  expect(onlyRun(service.sim, prompt).task?.prompt).toBe(prompt);
});

test('a lost job is not adopted if two rows match', async () => {
  const service = await start({ detailCallbackUrl: false }, { TASK_DEADLINE_SECONDS: '4' });
  const prompt = 'two divers without a rope';
  service.sim.script(prompt, { run: [LOST, LOST], callback: { lost: true } });
  failSearches(service, 8);
  const videos = await Promise.all([service.accepted({ prompt }), service.accepted({ prompt })]);
  for (const { id } of videos) {
    expect(await service.ended(id)).toMatchObject({ error: { code: 'submission_unknown' } });
  }
  expect(service.sim.tasks).toHaveLength(2);
});

test('a lost job is not adopted if it belongs to another video', async () => {
  const service = await start({ detailCallbackUrl: false }, { TASK_DEADLINE_SECONDS: '6' });
  const prompt = 'a diver on a borrowed rope';
  const owner = await service.accepted({ prompt });
  await service.ended(owner.id);
  service.sim.script(prompt, { run: [{ kind: 'status', status: 502 }] });
  const { id } = await service.accepted({ prompt });
  expect(await service.ended(id)).toMatchObject({ error: { code: 'submission_unknown' } });
  expect(service.sim.tasks).toHaveLength(1);
});

test('Detail decides about a lost job if it has the callback URL', async () => {
  const service = await start();
  const prompt = 'a diver whom Detail knows';
  service.sim.script(prompt, UNHEARD);
  const { id } = await service.accepted({ prompt });
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
});

test('a lost job is found among rows with large logs', async () => {
  const service = await start({ listCallbackUrl: true, logBytes: 150_000 });
  const prompt = 'a diver in a flood of words';
  service.sim.script(prompt, UNHEARD);
  failSearches(service, 25);
  const { id } = await service.accepted({ prompt });
  await Promise.all(Array.from({ length: 12 }, (_, n) => service.accepted({ prompt: `a talker, ${n}` })));
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
  const limits = service.sim.callsTo('/Task/List').map(({ fields }) => Number(fields?.limit));
  expect(Math.min(...limits)).toBeLessThan(20);
});

test('a lost job is found after more rows than one search reads, and the log has the position', async () => {
  // Each row is so large that it fills a page.
  const service = await start({ listCallbackUrl: true, logBytes: 600_000 });
  const prompt = 'a diver at the bottom of the list';
  service.sim.script(prompt, UNHEARD);
  failSearches(service, 25);
  const { id } = await service.accepted({ prompt });
  await Promise.all(Array.from({ length: 12 }, (_, n) => service.accepted({ prompt: `a swimmer, ${n}` })));
  expect(await service.ended(id, 60_000)).toMatchObject({ status: 'completed' });
  expect(service.logs().join('\n')).toContain('the search reached its page limit');
});

test('a lost job is searched for in the list if a callback named a wrong one', async () => {
  const service = await start({ listCallbackUrl: true });
  const prompt = 'a diver with a false address';
  const lie = JSON.stringify({ id: '999999', socketaccesstoken: 'nobody' });
  service.sim.script(prompt, {
    run: [LOST],
    callback: { body: { contentType: 'application/json', body: lie } },
  });
  const { id } = await service.accepted({ prompt });
  expect(await service.ended(id)).toMatchObject({ status: 'completed' });
});
