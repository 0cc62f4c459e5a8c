// The maximum memory of a process and its descendants, as Linux counts it.
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessMemory {
  pid: number;
  /** Bytes now in memory. */
  resident: number;
  /** The maximum so far. */
  peak: number;
}

/** The processes of this name at and below `root`. */
export function memoryBelow(root: number, name: string): ProcessMemory[] {
  return tree(root)
    .map((pid) => ({ pid, status: read(`/proc/${pid}/status`) }))
    .filter(({ status }) => field(status, 'Name') === name)
    .map(({ pid, status }) => ({ pid, resident: bytes(status, 'VmRSS'), peak: bytes(status, 'VmHWM') }));
}

function tree(root: number): number[] {
  const threads = list(`/proc/${root}/task`);
  const children = threads.flatMap((thread) =>
    read(`/proc/${root}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
  return [root, ...children.flatMap(tree)];
}

function field(status: string, name: string): string | undefined {
  return status.match(new RegExp(`^${name}:\\s*(.*)$`, 'm'))?.[1];
}

/** Given in kB. */
function bytes(status: string, name: string): number {
  return Number.parseInt(field(status, name) ?? '', 10) * 1024;
}

/** Empty for a process that has just ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
