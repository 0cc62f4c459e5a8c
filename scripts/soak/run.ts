// The run: clients follow jobs to their ends, and the Worker is killed and restarted in the middle.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Generation, startSim } from '../../sim/index.ts';
import { openStorage } from '../shared/local-storage.ts';
import { memoryBelow } from '../shared/process-memory.ts';
import type { Defer } from '../shared/shutdown.ts';
import { settingsFor } from '../shared/stand-in.ts';
import { DevProcess, freePort } from '../shared/worker-process.ts';
import { carry, type Outcome } from './client.ts';
import { type Evidence, gather } from './evidence.ts';
import { inParallel } from './parallel.ts';
import { type Job, plan } from './plan.ts';

/** The number of concurrent clients, each with one job at a time. */
export const CLIENTS = 32;
/** A whole job at Wiro takes one second. */
const SPEED = 60;

const SETTINGS = {
  SIGNING_KEY: 'a-key-for-soaks-and-nothing-else',
  POLL_SECONDS: '0.2,0.5,1,3',
  RETRY_SECONDS: '0.1,0.3,1',
  SUBMIT_PER_MINUTE: '0',
  VISITS_PER_MINUTE: '0',
  // A job that never starts fails after this time, which includes the time without the Worker.
  TASK_DEADLINE_SECONDS: '30',
};

interface Figures {
  /** From the first submit to the last end. */
  seconds: number;
  /** From the kill until the Worker answered again. */
  downSeconds: number;
  /** The maximum memory of a workerd; 0 if the system does not report it. */
  peakBytes: number;
}

export interface Soak extends Figures {
  evidence: Evidence;
  /** The maximum size of the Worker's wasm memory. */
  wasmBytes: number;
  /** What the Worker logged. */
  logs: string[];
}

interface Options {
  jobs: number;
  seed: number;
  /** How Wiro's model accepts images; default `seed`. */
  generation?: Generation;
  /** Called with the number of jobs that have ended. */
  onEnded?: (count: number) => void;
}

export async function soak(options: Options, defer: Defer): Promise<Soak> {
  const { jobs: count, seed, generation = 'seed', onEnded } = options;
  // An image under an unknown name is ignored silently, as it probably is at Wiro.
  const ignoresUnknownFields = generation !== 'seed';
  const models = { 'minimax/hailuo-2-3': { generation } };
  const sim = await startSim({ speed: SPEED, models, ignoresUnknownFields });
  defer(() => sim.close());
  const folder = await mkdtemp(join(tmpdir(), 'hailuo-worker-soak-'));
  defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const worker = new DevProcess(await freePort(), folder, { ...settingsFor(sim), ...SETTINGS });
  defer(() => worker.kill('SIGTERM'));
  await worker.start();

  const jobs = plan(count, seed);
  for (const { prompt, scripts } of jobs) for (const script of scripts) sim.script(prompt, script);
  const { outcomes, interrupted, ...figures } = await carryAll(jobs, worker, onEnded);

  const { bindings, close } = await openStorage(folder);
  defer(close);
  const evidence = await gather({ outcomes, interrupted, worker, sim, bindings });
  return { ...figures, evidence, wasmBytes: wasmBytesIn(worker.logs), logs: worker.logs };
}

interface Run extends Figures {
  outcomes: [Job, Outcome][];
  /** The unfinished jobs when the Worker was killed. */
  interrupted: Set<Job>;
}

/** Follows all jobs to their ends. The Worker is killed when half of them have started. */
async function carryAll(jobs: Job[], worker: DevProcess, onEnded: Options['onEnded']): Promise<Run> {
  const underWay = new Set<Job>();
  const halfway = Promise.withResolvers<void>();
  let ended = 0;

  const takeToItsEnd = async (job: Job): Promise<[Job, Outcome]> => {
    underWay.add(job);
    if (job.index === Math.floor(jobs.length / 2)) halfway.resolve();
    const outcome = await carry(worker.origin, job);
    underWay.delete(job);
    onEnded?.(++ended);
    return [job, outcome];
  };
  const restart = async () => {
    await halfway.promise;
    const peakBytes = peakOf(worker);
    const killed = performance.now();
    await worker.kill('SIGKILL');
    const interrupted = new Set(underWay);
    await worker.start();
    return { interrupted, peakBytes, downSeconds: secondsSince(killed) };
  };

  const began = performance.now();
  const [outcomes, { peakBytes, ...crash }] = await Promise.all([
    inParallel(jobs, CLIENTS, takeToItsEnd),
    restart(),
  ]);
  const seconds = secondsSince(began);
  return { ...crash, outcomes, seconds, peakBytes: Math.max(peakBytes, peakOf(worker)) };
}

/** The Worker logs it with each copy. */
function wasmBytesIn(logs: string[]): number {
  const sizes = logs.flatMap((line) => line.match(/(?<="wasm_memory_bytes":)\d+/) ?? []);
  return Math.max(0, ...sizes.map(Number));
}

function peakOf(worker: DevProcess): number {
  return Math.max(0, ...memoryBelow(worker.pid, 'workerd').map(({ peak }) => peak));
}

function secondsSince(moment: number): number {
  return (performance.now() - moment) / 1000;
}
