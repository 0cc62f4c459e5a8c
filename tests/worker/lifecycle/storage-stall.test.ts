// R2 reads some bytes and then stalls: the Worker's timeout applies.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DirectService, startDirect } from '../support/direct.ts';
import { expectProblem } from '../support/refusals.ts';
import { MIB, picture } from '../support/requests/pictures.ts';
import { onlyRun } from '../support/runs.ts';
import { outputFetched, runsOf } from '../support/upstream-calls.ts';
import { type Stall, startStall } from './storage-stall.ts';

let service: DirectService;
let stall: Stall;
beforeAll(async () => {
  service = await startDirect();
  const { id } = await service.accepted({ prompt: 'a boat before the calm' });
  await service.ended(id);
  stall = startStall(service);
});
afterAll(async () => {
  stall.end();
  await service.close();
});

describe.concurrent('R2 stalls', () => {
  test('during a copy: it is retried', async () => {
    const prompt = 'a boat in a calm';
    service.sim.script(prompt, { output: { bytes: MIB } });
    const { id } = await service.accepted({ prompt });
    await outputFetched(service.sim, await service.sim.waitForTask(prompt), 2);
    expect(await service.video(id)).toMatchObject({ status: 'in_progress', stage: 'storing' });
    onlyRun(service.sim, prompt);
  });

  test('during a submit: it is refused', async () => {
    const prompt = 'a boat painted in a calm';
    const body = new FormData();
    body.set('prompt', prompt);
    body.set('inputImageFirst', new Blob([picture('image/png', MIB)]), 'first.png');
    const response = await service.fetch('/v1/videos', { method: 'POST', body });
    await expectProblem(response, [500, 'internal']);
    expect(runsOf(service.sim, prompt)).toEqual([]);
  });
});
