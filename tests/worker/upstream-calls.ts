// What the Worker has asked the stand-in about one task.
import type { Call, Sim, SimTask } from '../../sim/index.ts';

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

/** Resolves when the Worker has asked about the task so often. */
export async function checked(sim: Sim, task: SimTask, times: number): Promise<void> {
  await sim.waitForCall(DETAIL, times, (call) => call.task === task);
}

/** Resolves when the Worker has begun to fetch the task's output so often. */
export async function outputFetched(sim: Sim, task: SimTask, times: number): Promise<void> {
  await sim.waitForCall(CDN, times, (call) => call.task === task);
}
