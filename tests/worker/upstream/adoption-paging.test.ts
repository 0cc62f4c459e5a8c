// A lost job is found on every page of the list, whatever the rows before it contain.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Row } from '../support/output-rows.ts';
import { onlyRun } from '../support/runs.ts';
import { type Service, startService } from '../support/service.ts';

/** More than there are on a page. */
const NEWER_JOBS = 60;

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 120 } });
});
afterAll(() => service.close());

test.for<[string, (row: Row) => unknown]>([
  ['say nothing', () => ({})],
  ['have no id', ({ id: _, ...row }) => row],
])('a page of newer jobs of which some %s hides no other job', async ([name, edit]) => {
  const { sim } = service;
  const prompt = `a diver below some that ${name}`;
  const faults = { callback: { lost: true } };
  sim.script('', { list: Array(1000).fill({ kind: 'status', status: 500 }) });
  sim.script(prompt, { ...faults, run: [{ kind: 'lost', how: 'status' }] });
  const { id } = await service.accepted({ prompt });
  const odd = `swimmers who ${name}`;
  const newer = Array.from({ length: NEWER_JOBS }, (_, index) => `${odd}, ${index}`);
  await Promise.all(newer.map((prompt) => service.accepted({ prompt })));

  // From here on the list answers.
  sim.clearScripts();
  sim.script(prompt, faults);
  // Jobs in the middle: 3, and 30 to 39.
  sim.script(`${odd}, 3`, { task: { patch: (row) => edit(row) as Row } });
  expect(await service.ended(id)).toMatchObject({ status: 'completed', error: null });
  onlyRun(sim, prompt);
});
