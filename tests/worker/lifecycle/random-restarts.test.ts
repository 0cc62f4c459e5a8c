// The machine crashes three times at random moments while jobs run. The soak combines this with other faults. SEED=…
// repeats the same moments.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../../../scripts/soak/audit.ts';
import { carry, type Outcome } from '../../../scripts/soak/client.ts';
import { gather } from '../../../scripts/soak/evidence.ts';
import { type Job, plan } from '../../../scripts/soak/plan.ts';
import { Random } from '../../../scripts/soak/random.ts';
import { type DirectService, startDirect } from '../support/direct.ts';
import { publishedRecord } from '../support/stored.ts';

const JOBS = 20;
const KILLS = 3;
/** To the stand-in, from one kill to the next; all jobs together make six times as many. */
const MOST_CALLS = 20;

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

let service: DirectService;
beforeAll(async () => {
  // A Run that was not sent before the crash is searched for until the deadline.
  service = await startDirect({ vars: { TASK_DEADLINE_SECONDS: '40' } });
});
afterAll(() => service.close());

test(`${JOBS} jobs survive ${KILLS} kills, seed ${seed}`, async () => {
  const { sim, dev, bindings } = service;
  const jobs = plan(JOBS, seed).map(withoutFaults);
  for (const { prompt, scripts } of jobs) for (const script of scripts) sim.script(prompt, script);

  const underWay = new Set(jobs);
  const carried = jobs.map(async (job): Promise<[Job, Outcome]> => {
    const outcome = await carry(service.origin, job);
    underWay.delete(job);
    return [job, outcome];
  });
  const random = new Random(seed);
  const interrupted = new Set<Job>();
  for (let kill = 0; kill < KILLS; kill += 1) {
    await sim.waitForCall('', sim.calls.length + 1 + random.below(MOST_CALLS));
    await dev.kill('SIGKILL');
    for (const job of underWay) interrupted.add(job);
    await dev.start();
  }

  const outcomes = await Promise.all(carried);
  // The client got the response before the record reached KV.
  for (const [, outcome] of outcomes) {
    if ('video' in outcome) await publishedRecord(service, outcome.video.id, outcome.video.status);
  }
  const evidence = await gather({ outcomes, interrupted, worker: dev, sim, bindings });
  expect(audit(evidence)).toEqual([]);
});

/** Its video still differs from all others. */
function withoutFaults(job: Job): Job {
  return { ...job, faults: [], scripts: job.scripts.slice(0, 1), ending: 'completed' };
}
