// Wiro's refusals with their texts, which tests can script.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { REFUSALS, type Sim, startSim } from '../../sim/index.ts';
import { post, run, runForm } from './support/client.ts';

const RUN = '/Run/minimax/hailuo-2-3';

let sim: Sim;
beforeEach(async () => {
  sim = await startSim();
});
afterEach(() => sim.close());

test.for(Object.entries(REFUSALS))('%s is answered as scripted', async ([, refusal]) => {
  sim.script('', { run: [refusal] });
  const response = await post(sim, RUN, runForm());
  expect(response.status).toBe(refusal.status);
  expect(await response.json()).toEqual({ result: false, errors: refusal.errors });
  expect([sim.tasks, sim.rejections()]).toEqual([[], []]);
  expect(await run(sim)).toMatchObject({ result: true });
});

test('code and text can be scripted', async () => {
  const errors = ['first', { code: 7, message: 'second' }];
  sim.script('', { run: [{ kind: 'refusal', status: 418, errors }] });
  const response = await post(sim, RUN, runForm());
  expect([response.status, await response.json()]).toEqual([418, { result: false, errors }]);
});

test('documented refusals have their documented codes', () => {
  const codeOf = (name: keyof typeof REFUSALS) => {
    const [error] = REFUSALS[name].errors;
    return typeof error === 'object' ? error.code : error;
  };
  expect(codeOf('concurrency')).toBe(96);
  expect(codeOf('balance')).toBe(97);
  expect(codeOf('signInRequired')).toBe(98);
  expect(codeOf('tokenInvalid')).toBe(99);
  expect(codeOf('modelNotFound')).toBe(1);
  expect(codeOf('ipNotAllowed')).toBe(0);
  expect(codeOf('taskNotFounded')).toBe('task-not-founded');
});
