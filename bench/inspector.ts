// A CPU profile of one Worker in a workerd, from its inspector.
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

export interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number };
}

export const SAMPLING_MICROSECONDS = 200;

/** Profiles the Worker with this name during `work`. */
export async function profile(port: number, worker: string, work: () => Promise<void>): Promise<Profile> {
  const { ask, close } = await connected(port, worker);
  try {
    await ask('Profiler.enable');
    await ask('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
    await ask('Profiler.start');
    await work();
    const { profile } = (await ask('Profiler.stop')) as { profile: Profile };
    return profile;
  } finally {
    close();
  }
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
