// The Worker's calls to the stand-in for one task.
import type { Call, Sim, SimTask } from '../../../sim/index.ts';

const DETAIL = '/Task/Detail';
const CDN = '/cdn/';

/** By a path's beginning, as `Sim.callsTo` takes it. */
export function callsAbout(sim: Sim, task: SimTask, path: string): Call[] {
  return sim.callsTo(path).filter((call) => call.task === task);
}

export function detailCalls(sim: Sim, task: SimTask): Call[] {
  return callsAbout(sim, task, DETAIL);
}

/** The Runs sent for one prompt, taken or not. */
export function runsOf(sim: Sim, prompt: string): Call[] {
  return sim.callsTo('/Run/').filter(({ fields }) => fields?.prompt === prompt);
}

/** Resolves when the Worker has called there about the task so often; the path as `Sim.callsTo` takes it. */
export async function called(sim: Sim, task: SimTask, path: string, times = 1): Promise<void> {
  await sim.waitForCall(path, times, (call) => call.task === task);
}

/** Resolves when the Worker's socket follows the task: what was told before, it has not heard. */
export function followed(sim: Sim, task: SimTask): Promise<void> {
  return called(sim, task, '/socket');
}

/** Resolves when the Worker has asked about the task so often. */
export function checked(sim: Sim, task: SimTask, times: number): Promise<void> {
  return called(sim, task, DETAIL, times);
}

/** Resolves when the Worker has begun to fetch the task's output so often. */
export function outputFetched(sim: Sim, task: SimTask, times: number): Promise<void> {
  return called(sim, task, CDN, times);
}
