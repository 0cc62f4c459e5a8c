// A measured service: the built Worker, or the reference in JavaScript, each in its own workerd. Miniflare starts it
// with KV, R2 and objects. Requests go directly to the Worker's socket, without Miniflare's entry worker.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KVNamespace, R2Bucket } from '@cloudflare/workers-types';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { freePort, root } from '../scripts/shared/worker-process.ts';
import { heldHeap, type Profile, profile as takeProfile } from './inspector.ts';
import { startedWorkerd } from './process-time.ts';
import type { Upstream } from './upstream.ts';

export type Kind = 'rust' | 'javascript';

export interface SubjectOptions {
  vars?: Record<string, string>;
  /** Default: a new folder, removed at the end. */
  storage?: string;
  /** So that it can be profiled. */
  hasInspector?: boolean;
}

export interface Subject {
  kind: Kind;
  /** The address of the Worker itself. */
  origin: string;
  /** Of its workerd. */
  pid: number;
  bindings: { TASKS: KVNamespace; VIDEOS: R2Bucket };
  /** Bytes of wasm memory; 0 without wasm. */
  wasmMemory(): Promise<number>;
  /** Bytes that the Worker's isolate holds, without wasm memory. */
  heap(): Promise<number>;
  /** Of the Worker's isolate during `work`, or of another Worker's in the same workerd. */
  profile(work: () => Promise<void>, worker?: string): Promise<Profile>;
  stop(): Promise<void>;
}

export interface Module {
  type: 'ESModule' | 'CompiledWasm';
  path: string;
  contents: string | Uint8Array<ArrayBuffer>;
}

const DIST = join(root, 'dist');
const REFERENCE = join(root, 'bench/reference');
const PROBE = 'Memory';
const PROBES = ['probed-worker.js', 'memory-probe.js'].map((name) => esModule(join(root, 'bench'), name));

/** The Worker's name in workerd's inspector. */
const WORKER_SERVICE = 'core:user:';

export const SIGNING_KEY = 'a-key-for-benchmarks-and-nothing-else';

export async function startSubject(
  kind: Kind,
  upstream: Pick<Upstream, 'addresses'>,
  { vars = {}, storage, hasInspector = false }: SubjectOptions = {},
): Promise<Subject> {
  const folder = storage ?? newStorage();
  const inspectorPort = hasInspector ? await freePort() : undefined;
  const options = convertV4MiniflareOptions({
    modules: kind === 'rust' ? [...PROBES, ...modulesOf(kind)] : modulesOf(kind),
    compatibilityDate: '2026-11-01',
    bindings: { ...settingsFor(upstream), ...vars },
    kvNamespaces: ['TASKS'],
    r2Buckets: ['VIDEOS'],
    durableObjects: {
      VIDEO_TASK: { className: 'VideoTask', useSQLite: true },
      DISPATCHER: { className: 'Dispatcher', useSQLite: true },
    },
    unsafeDirectSockets: [{ port: 0 }, ...(kind === 'rust' ? [{ port: 0, entrypoint: PROBE }] : [])],
    resourcePersistencePath: folder,
    // Logs are read, as in production, and discarded.
    handleStructuredLogs: () => {},
    ...(inspectorPort === undefined ? {} : { inspectorPort }),
  });
  const { started: runtime, pid } = await startedWorkerd(async () => {
    const runtime = new Miniflare(options);
    await runtime.ready;
    return runtime;
  });
  const origin = (await runtime.unsafeGetDirectURL()).origin;
  const wasmMemory = async () => {
    if (kind !== 'rust') return 0;
    return Number(await (await fetch(await runtime.unsafeGetDirectURL(undefined, PROBE))).text());
  };
  const profile: Subject['profile'] = (work, worker = WORKER_SERVICE) => {
    if (inspectorPort === undefined) throw new Error('it was started without an inspector');
    return takeProfile(inspectorPort, worker, work);
  };
  const heap = () => {
    if (inspectorPort === undefined) throw new Error('it was started without an inspector');
    return heldHeap(inspectorPort, WORKER_SERVICE);
  };
  const stop = async () => {
    await runtime.dispose();
    if (storage === undefined) await rm(folder, { recursive: true, force: true });
  };
  return { kind, origin, pid, bindings: await runtime.getBindings(), wasmMemory, heap, profile, stop };
}

const storages = new Set<string>();

/** Nothing stays in memory, however the process ends. */
function removeStorages(): void {
  for (const storage of storages) rmSync(storage, { recursive: true, force: true });
}

/** In memory, if there is a file system for that, so that no disk is measured. */
export function newStorage(): string {
  const folder = readdirSync('/dev').includes('shm') ? '/dev/shm' : tmpdir();
  const storage = mkdtempSync(join(folder, 'hailuo-worker-bench-'));
  if (storages.size === 0) process.once('exit', removeStorages);
  storages.add(storage);
  return storage;
}

/** Without limits, and with checks only after callbacks, so that nothing else happens during a measurement. */
function settingsFor({ addresses }: Pick<Upstream, 'addresses'>): Record<string, string> {
  return {
    WIRO_API_URL: addresses.apiUrl,
    WIRO_SOCKET_URL: addresses.socketUrl,
    WIRO_API_KEY: addresses.apiKey,
    WIRO_API_SECRET: addresses.apiSecret ?? '',
    OUTPUT_HOSTS: addresses.cdnHost,
    SIGNING_KEY,
    SUBMIT_PER_MINUTE: '0',
    VISITS_PER_MINUTE: '0',
    POLL_SECONDS: '3600',
    TASK_DEADLINE_SECONDS: '86400',
  };
}

/** The deployed modules, the entry point first. */
export function modulesOf(kind: Kind): Module[] {
  if (kind === 'javascript') {
    const names = readdirSync(REFERENCE, { recursive: true, encoding: 'utf8' });
    const others = names.filter((name) => name.endsWith('.js') && name !== 'worker.js');
    return ['worker.js', ...others].map((name) => esModule(REFERENCE, name));
  }
  const binary = readdirSync(DIST).find((name) => name.endsWith('.wasm')) ?? '';
  const contents = new Uint8Array(readFileSync(join(DIST, binary)));
  return [esModule(DIST, 'index.js'), { type: 'CompiledWasm', path: binary, contents }];
}

export function esModule(folder: string, path: string): Module {
  return { type: 'ESModule', path, contents: readFileSync(join(folder, path), 'utf8') };
}
