// Each refusal of Run that the real Wiro is known to send: a job that did not start is never searched for, and details
// for the operator are only logged.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { REFUSALS } from '../../../sim/endpoints/refusals.ts';
import { expectProblem } from '../support/refusals.ts';
import { onlyRun } from '../support/runs.ts';
import { type Service, startService } from '../support/service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService({ sim: { speed: 600 } });
});
afterAll(() => service.close());

const PARAMETERS = ['parameterRequired', 'fileRequired', 'parametersInvalid', 'invalidParameters'] as const;

/** And the advice to the operator in the log line. */
const ACCOUNT: [keyof typeof REFUSALS, RegExp][] = [
  ['suspended', /suspended/],
  ['permission', /check WIRO_API_KEY/],
  ['invalidSignature', /check WIRO_API_KEY.*Project authorization is not valid/],
  ['ipNotAllowed', /IP allow-list must be off.*203\.0\.113\.7/],
  ['bearerInvalid', /check WIRO_API_KEY/],
  ['signInRequired', /check WIRO_API_KEY/],
  ['tokenInvalid', /check WIRO_API_KEY/],
  ['balance', /balance is too low/],
  ['toolNotAccessible', /no such model.*tool-not-accessible/],
  ['modelNotFound', /no such model/],
  ['urlNotParsed', /no such model.*404/],
];

describe.concurrent('refused parameters', () => {
  test.for(PARAMETERS)('are 422 with Wiro’s message: %s', async (name) => {
    const prompt = `parameters are refused: ${name}`;
    service.sim.script(prompt, { run: [REFUSALS[name]] });
    await expectProblem(await service.submit({ prompt }), [422, 'invalid_parameter']);
    expect(onlyRun(service.sim, prompt).task).toBeUndefined();
  });

  test.for([400, 413, 422])('are 422 if only the status shows it: %s', async (status) => {
    const prompt = `a gateway refuses: ${status}`;
    service.sim.script(prompt, { run: [{ kind: 'status', status }] });
    await expectProblem(await service.submit({ prompt }), [422, 'invalid_parameter']);
  });
});

describe.concurrent('a refused account or model', () => {
  test.for(ACCOUNT)('is 503 at once, and the log says what to do: %s', async ([name, advice]) => {
    const prompt = `the account is refused: ${name}`;
    service.sim.script(prompt, { run: [REFUSALS[name]] });
    const response = await service.submit({ prompt });
    const { detail, title } = await expectProblem(response, [503, 'upstream_unavailable']);
    expect(`${title} ${detail}`).not.toMatch(/account|balance|suspended|203\.0\.113\.7|model/i);
    await vi.waitUntil(() => service.logs().some((line) => advice.test(line)), { timeout: 30_000 });
    expect(onlyRun(service.sim, prompt).task).toBeUndefined();
    expect(service.sim.callsTo('/Task/List')).toHaveLength(0);
  });

  test.for([401, 403, 404])('is 503 if only the status shows it: %s', async (status) => {
    const prompt = `a gateway refuses the account: ${status}`;
    service.sim.script(prompt, { run: [{ kind: 'status', status }] });
    await expectProblem(await service.submit({ prompt }), [503, 'upstream_unavailable']);
  });
});

test('a submit with a wrong secret or an unknown model gets the error at once', async () => {
  for (const options of [
    { secrets: { WIRO_API_SECRET: 'another-secret-8d1f' } },
    { vars: { MODELS: 'minimax/hailuo-9' } },
  ]) {
    const other = await startService(options);
    try {
      await expectProblem(await other.submit({ prompt: 'nobody makes this' }), [503, 'upstream_unavailable']);
      expect(other.sim.tasks).toHaveLength(0);
    } finally {
      // The stand-in refused these calls on purpose.
      await other.close().catch(() => {});
    }
  }
});
