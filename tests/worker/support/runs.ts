// The Runs that reached Wiro, by their prompt.
import type { Call, Sim } from '../../../sim/index.ts';
import { runsOf } from './upstream-calls.ts';

/** The fields of a Run by Wiro's sample, in its order. */
export const RUN_FIELDS = [
  'inputImageFirst',
  'inputImageFirstUrl',
  'prompt',
  'promptOptimizer',
  'resolution',
  'duration',
  'callbackUrl',
];

/** The only Run with this prompt; throws if there is none or more than one. */
export function onlyRun(sim: Sim, prompt: string): Call {
  const runs = runsOf(sim, prompt);
  const [run] = runs;
  if (!run || runs.length > 1) throw new Error(`${runs.length} Runs, not 1`);
  return run;
}
