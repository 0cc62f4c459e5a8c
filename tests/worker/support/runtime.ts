// The built Worker in workerd with the bindings of wrangler.toml, without wrangler's proxy and test harness, which cost
// time and memory, follow redirects and repair interrupted bodies.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import type { MediaStandIn } from './media/stand-in.ts';
import type { Json } from './service.ts';
import { root } from './settings.ts';
import { type Bindings, openBindings, storageWorker } from './storage/bindings.ts';
import { workerOptions } from './worker-options.ts';

const NAME = 'hailuo-worker';

export interface WorkerProcess {
  miniflare: Miniflare;
  /** Where it listens, without a trailing slash. */
  origin: string;
  /** Every message that the Worker has logged so far. */
  logs: string[];
  /** Evicts an idle object from memory. */
  evict(className: string, name: string): Promise<void>;
  /** Fires the cron trigger. */
  sweep(scheduledTime: Date): Promise<void>;
}

export interface WorkerOptions {
  /** The folder of the built Worker, in place of `dist`. */
  bundle?: string | undefined;
  /** By default a free port. */
  port?: number;
  /** The folder for all stored data; without one, data lasts as long as the process. */
  storage?: string;
  /** Bound as MEDIA; without it there is no such binding. */
  media?: MediaStandIn;
  /** Called with each message that the Worker logs. */
  onLog?: (message: string) => void;
}

/** `bindings` take the place of those in wrangler.toml. */
export async function startWorker(
  bindings: Record<string, Json>,
  { bundle = join(root, 'dist'), port = 0, storage, media, onLog }: WorkerOptions = {},
): Promise<WorkerProcess> {
  const logs: string[] = [];
  const worker = builtWorker(NAME, bindings, bundle);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        { ...worker, ...(media && { serviceBindings: media.binding }) },
        storageWorker(worker),
        ...(media ? [media.worker] : []),
      ],
      cf: false,
      port,
      ...(storage === undefined ? {} : { resourcePersistencePath: persistencePath(storage) }),
      unsafeTriggerHandlers: true,
      handleStructuredLogs: ({ message }: { message: string }) => {
        logs.push(message);
        onLog?.(message);
      },
    }),
  );
  const { origin } = await miniflare.ready;
  return {
    miniflare,
    origin,
    logs,
    evict: (className, name) => miniflare.unsafeEvictDurableObject(NAME, className, { name }),
    sweep: (scheduledTime) => fireCron(origin, scheduledTime),
  };
}

/** The built Worker as Miniflare's options. */
export function builtWorker(name: string, bindings: Record<string, Json>, bundle: string) {
  const wasm = readdirSync(bundle).find((file) => file.endsWith('.wasm')) ?? '';
  const contents = (file: string) => readFileSync(join(bundle, file));
  const options = workerOptions();
  return {
    ...options,
    name,
    modules: [
      { type: 'ESModule' as const, path: 'index.js', contents: contents('index.js').toString() },
      { type: 'CompiledWasm' as const, path: wasm, contents: contents(wasm) },
    ],
    bindings: { ...options.bindings, ...bindings },
  };
}

/** By Miniflare's URL for it. */
export async function fireCron(origin: string, scheduledTime: Date): Promise<void> {
  const response = await fetch(`${origin}/cdn-cgi/local/scheduled?time=${scheduledTime.getTime()}`);
  if (!response.ok) throw new Error(`the trigger answered ${response.status}`);
}

/** KV and R2 of the Worker, read by another process while it runs. */
export async function openStorage(
  storage: string,
): Promise<{ bindings: Bindings; close: () => Promise<void> }> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [storageWorker(workerOptions())],
      cf: false,
      resourcePersistencePath: persistencePath(storage),
    }),
  );
  await miniflare.ready;
  return { bindings: await openBindings(miniflare), close: () => miniflare.dispose() };
}

/** As `wrangler dev` lays it out. */
function persistencePath(storage: string): string {
  return join(storage, 'v3');
}
