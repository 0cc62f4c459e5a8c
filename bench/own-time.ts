// The processor time of an isolate alone, from its profile. V8 takes a sample only while the thread runs this isolate:
// other Workers on the same thread, like the simulators of KV and R2, and the runtime's own event loop leave gaps. So the
// samples are counted; the time between two of them says nothing where others ran in between.
import { type Profile, type ProfileNode, SAMPLING_MICROSECONDS } from './inspector.ts';
import { median } from './report/statistics.ts';

export const PARTS = ['wasm', 'script', 'runtime', 'collection'] as const;

/**
 * `script` is JavaScript of the Worker's own, with the runtime's functions that V8 does not list separately; `runtime` is
 * all of the runtime's that it does list.
 */
export type Part = (typeof PARTS)[number];

export type OwnTime = Record<Part | 'total', number>;

export interface SelfTime {
  name: string;
  ms: number;
}

/** Milliseconds. */
export function ownTime(profile: Profile): OwnTime {
  const own: OwnTime = { wasm: 0, script: 0, runtime: 0, collection: 0, total: 0 };
  for (const [{ callFrame }, ms] of timesOf(profile)) {
    own[partOf(callFrame)] += ms;
    own.total += ms;
  }
  return own;
}

/** The self time of each function, the longest first. */
export function selfTimes(profile: Profile): SelfTime[] {
  const times = new Map<string, number>();
  for (const [{ callFrame }, ms] of timesOf(profile)) {
    const name = nameOf(callFrame);
    times.set(name, (times.get(name) ?? 0) + ms);
  }
  return [...times].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
}

/** Entries that are not time of the Worker. */
const IDLE = ['(idle)', '(root)'];

/** Milliseconds that each node ran itself. */
function timesOf(profile: Profile): [ProfileNode, number][] {
  const counts = new Map<number, number>();
  for (const id of profile.samples) counts.set(id, (counts.get(id) ?? 0) + 1);
  const periodMs = samplingPeriod(profile) / 1000;
  return profile.nodes
    .filter(({ callFrame }) => !IDLE.includes(callFrame.functionName))
    .map((node) => [node, (counts.get(node.id) ?? 0) * periodMs]);
}

/** An interval above this is a gap, not a late sample. */
const MAX_PERIODS = 4;

/** Microseconds from one sample to the next while the isolate runs, which is more than V8 was asked for. */
function samplingPeriod({ timeDeltas }: Profile): number {
  const inside = timeDeltas.filter((delta) => delta > 0 && delta < MAX_PERIODS * SAMPLING_MICROSECONDS);
  return inside.length > 0 ? median(inside) : SAMPLING_MICROSECONDS;
}

function partOf({ functionName, url }: ProfileNode['callFrame']): Part {
  if (functionName === '(garbage collector)') return 'collection';
  if (url.startsWith('wasm:')) return 'wasm';
  const isRuntime = url === '' || /^(cloudflare|node|workerd)(-internal)?:/.test(url);
  return isRuntime ? 'runtime' : 'script';
}

function nameOf({ functionName, url, lineNumber, columnNumber }: ProfileNode['callFrame']): string {
  if (functionName !== '') return functionName;
  if (url === '') return 'anonymous, of the runtime';
  return `anonymous ${url.split('/').at(-1)}:${lineNumber + 1}:${columnNumber + 1}`;
}
