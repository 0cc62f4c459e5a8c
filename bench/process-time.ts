// CPU time and memory of a process so far, as Linux counts them.
import { readFileSync, writeFileSync } from 'node:fs';
import { memoryBelow } from '../scripts/shared/process-memory.ts';

/** Linux counts in this unit on every machine. */
const TICKS_PER_SECOND = 100;

/** Milliseconds in user and in kernel mode, of all threads. */
export function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return ((user + system) * 1000) / TICKS_PER_SECOND;
}

/** Bytes in memory: now, and the peak since the last reset. */
export function memoryOf(pid: number): { resident: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) => Number(status.match(new RegExp(`^${name}:\\s*(\\d+)`, 'm'))?.[1]) * 1024;
  return { resident: bytes('VmRSS'), peak: bytes('VmHWM') };
}

/** Resets the peak. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** The workerd that `start` has started. */
export async function startedWorkerd<T>(start: () => Promise<T>): Promise<{ started: T; pid: number }> {
  const pids = () => memoryBelow(process.pid, 'workerd').map(({ pid }) => pid);
  const before = new Set(pids());
  const started = await start();
  const pid = pids().find((pid) => !before.has(pid));
  if (pid === undefined) throw new Error('there is no new workerd');
  return { started, pid };
}
