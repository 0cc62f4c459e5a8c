// Holds a task until the Worker's socket follows it, so that no event is missed.
import type { Sim, SimTask } from '../../../sim/index.ts';
import { followed } from '../../worker/support/upstream-calls.ts';

/** Script a hold at `task_start`, before the first line of the log, and begin to watch. */
export async function releaseOnceFollowed(sim: Sim, promptPart: string): Promise<SimTask> {
  const task = await sim.waitForTask(promptPart);
  await followed(sim, task);
  sim.release(task);
  return task;
}
