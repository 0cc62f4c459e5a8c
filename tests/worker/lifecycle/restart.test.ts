// The machine crashes at any step of a job: after the restart the job continues, and Run is not sent twice.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DirectService, startDirect } from '../support/direct.ts';
import { expectMadeOnce } from '../support/job.ts';
import { mostAtOnce, positions, submittedInLine } from '../upstream/line.ts';
import { type Halted, runSent, STEPS } from './restart-steps.ts';

/** Work that was under way is looked at again after 10 s. */
const COMEBACK_MS = 20_000;
/** A whole life at Wiro in a tenth of a second. */
const SPEED = 600;

let service: DirectService;

async function restart(jobs: Halted[]): Promise<void> {
  await service.dev.kill('SIGKILL');
  for (const { whileDown } of jobs) await whileDown?.();
  await service.dev.start();
  for (const { whenUp } of jobs) await whenUp?.();
}

describe('one kill with a job at each step:', () => {
  const jobs = new Map<string, Halted>();
  beforeAll(async () => {
    // The second check is late enough for a callback to arrive before it.
    service = await startDirect({ vars: { POLL_SECONDS: '0.2,4' }, sim: { speed: SPEED } });
    for (const [name, step] of STEPS) jobs.set(name, await step(service, `A boat: ${name}.`));
    await restart([...jobs.values()]);
  });
  afterAll(() => service.close());

  test.each(STEPS)('%s', async (name) => {
    await expectMadeOnce(service, jobs.get(name)!, COMEBACK_MS);
  });
});

describe('queued jobs after a kill', () => {
  beforeAll(async () => {
    service = await startDirect({ vars: { MAX_ACTIVE: '1' }, sim: { speed: SPEED } });
  });
  afterAll(() => service.close());

  test('keep their order, and count a job that may have started', async () => {
    const prompt = 'A boat that nobody is sure of.';
    service.sim.script(prompt, { holdAt: 'task_start' });
    const first = await runSent(service, prompt);
    const behind = await submittedInLine(service, 5);
    expect(await positions(service, behind)).toEqual([1, 2, 3, 4, 5]);
    await restart([first]);

    expect(await positions(service, behind)).toEqual([1, 2, 3, 4, 5]);
    await service.until(first.id, ({ stage }) => stage === 'task_start', COMEBACK_MS);
    expect(await positions(service, behind)).toEqual([1, 2, 3, 4, 5]);
    service.sim.release(await service.sim.waitForTask(prompt));
    for (const job of [first, ...behind]) await expectMadeOnce(service, job);
    expect(service.sim.tasks.map(({ prompt }) => prompt)).toEqual(
      [first, ...behind].map(({ prompt }) => prompt),
    );
    expect(mostAtOnce(service.sim.tasks)).toBe(1);
  });
});
