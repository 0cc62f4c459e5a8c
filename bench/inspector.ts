// A CPU profile of the Worker in a workerd, from its inspector.
import { once } from 'node:events';

/** What V8 tells, as .cpuprofile files hold it. */
export interface Profile {
  nodes: ProfileNode[];
  startTime: number;
  endTime: number;
  samples: number[];
  /** Microseconds between samples. */
  timeDeltas: number[];
}

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number };
}

const SAMPLING_MICROSECONDS = 200;

/** Profiles the Worker with this name during `work`. */
export async function profile(port: number, worker: string, work: () => Promise<void>): Promise<Profile> {
  const { ask, close } = await connected(port, worker);
  await ask('Profiler.enable');
  await ask('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
  await ask('Profiler.start');
  await work();
  const { profile } = (await ask('Profiler.stop')) as { profile: Profile };
  close();
  return profile;
}

/** Bytes that the Worker with this name holds after a garbage collection, with buffers but without wasm memory. */
export async function heldHeap(port: number, worker: string): Promise<number> {
  const { ask, close } = await connected(port, worker);
  await ask('HeapProfiler.enable');
  // It collects garbage first; the command that only does that is never answered.
  await ask('HeapProfiler.takeHeapSnapshot');
  const { usedSize, embedderHeapUsedSize, backingStorageSize } = (await ask(
    'Runtime.getHeapUsage',
  )) as HeapUsage;
  close();
  return usedSize + embedderHeapUsedSize + backingStorageSize;
}

interface HeapUsage {
  usedSize: number;
  embedderHeapUsedSize: number;
  backingStorageSize: number;
}

async function connected(port: number, worker: string): Promise<Inspector> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as Target[];
  const target = targets.find(({ id }) => id === worker);
  if (!target) throw new Error(`the inspector knows ${targets.map(({ id }) => id).join(', ')}, no ${worker}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await once(socket, 'open');
  return { ask: asker(socket), close: () => socket.close() };
}

interface Inspector {
  ask: (method: string, params?: object) => Promise<unknown>;
  close: () => void;
}

interface Target {
  id: string;
  webSocketDebuggerUrl: string;
}

function asker(socket: WebSocket): (method: string, params?: object) => Promise<unknown> {
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  let last = 0;
  return (method, params = {}) => {
    const id = ++last;
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => waiting.set(id, resolve));
  };
}

export interface SelfTime {
  name: string;
  ms: number;
}

/** The self time of each function, the longest first. */
export function selfTimes({ nodes, samples, timeDeltas }: Profile): SelfTime[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[at] ?? 0) / 1000);
  }
  return [...times].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
}

function nameOf({ functionName, url, lineNumber, columnNumber }: ProfileNode['callFrame']): string {
  if (functionName !== '') return functionName;
  return `anonymous ${url.split('/').at(-1)}:${lineNumber + 1}:${columnNumber + 1}`;
}
