// `make soak`: thousands of jobs, a third of them with faults, and the Worker killed in the middle; none may be lost,
// made twice or stuck. `SEED=7 JOBS=200 make soak` draws the jobs and faults of that seed again; with
// `GENERATION=fileinput` or `combined` Wiro's model takes its pictures as newer ones do.
import { randomInt } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Generation } from '../sim/index.ts';
import { reasonOf } from './shared/reason.ts';
import { type Defer, runToExit } from './shared/shutdown.ts';
import { LiveLine } from './shared/terminal.ts';
import { root } from './shared/worker-process.ts';
import { audit } from './soak/audit.ts';
import { summary } from './soak/report.ts';
import { soak } from './soak/run.ts';

const LOG = '.wrangler/soak.log';
const GENERATIONS: Generation[] = ['seed', 'fileinput', 'combined'];

const jobs = Number(process.env.JOBS || 2000);
const seed = Number(process.env.SEED || randomInt(2 ** 31));
const generation = GENERATIONS.find((name) => name === (process.env.GENERATION || 'seed'));
const live = new LiveLine();

await runToExit(main, (error) => {
  live.end();
  console.error(`make soak failed: ${reasonOf(error)}`);
});

async function main(defer: Defer): Promise<number> {
  if (!(Number.isSafeInteger(jobs) && jobs > 0 && Number.isSafeInteger(seed))) {
    throw new Error('JOBS and SEED are whole numbers');
  }
  if (!generation) throw new Error(`GENERATION is one of ${GENERATIONS.join(', ')}`);
  console.log(`SEED=${seed} JOBS=${jobs}`);
  defer(() => live.end());
  const done = await soak({ jobs, seed, generation, onEnded: showProgress }, defer);
  live.clear();
  const problems = audit(done.evidence);
  for (const line of summary(done, problems)) console.log(line);
  if (problems.length === 0) return 0;
  await mkdir(dirname(join(root, LOG)), { recursive: true });
  await writeFile(join(root, LOG), done.logs.join('\n'));
  console.log(`The Worker's log is in ${LOG}.`);
  return 1;
}

/** Without a terminal, one line per quarter. */
function showProgress(ended: number): void {
  live.show(`${Math.floor((4 * ended) / jobs)}`, `${ended} of ${jobs} jobs have ended`);
}
