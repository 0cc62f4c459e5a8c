// KV and R2 of the Worker, called through a second Worker in the same process. Miniflare's own bindings start a thread
// that takes more processor time than the rest of the start.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KVNamespace, R2Bucket } from '@cloudflare/workers-types';
import type { Miniflare } from 'miniflare';
import { root } from '../settings.ts';
import type { WorkerOptions } from '../worker-options.ts';

/** The bindings, as the Worker itself has them. */
export interface Bindings {
  TASKS: KVNamespace;
  VIDEOS: R2Bucket;
}

const SOURCE = readFileSync(join(root, 'tests/worker/support/storage/storage-worker.js'), 'utf8');

type Stores = Pick<WorkerOptions, 'kvNamespaces' | 'r2Buckets'>;

/** The options of the second Worker in Miniflare. */
export function storageWorker({ kvNamespaces, r2Buckets }: Stores, name = 'storage') {
  return {
    name,
    modules: [{ type: 'ESModule' as const, path: 'storage.js', contents: SOURCE }],
    compatibilityDate: '2026-11-01',
    kvNamespaces,
    r2Buckets,
    unsafeDirectSockets: [{ port: 0 }],
  };
}

/** Arguments and results are JSON; an object of R2 comes with its content. */
export async function openBindings(miniflare: Miniflare, name = 'storage'): Promise<Bindings> {
  const url = await miniflare.unsafeGetDirectURL(name);
  const methods = (binding: string, names: string[]) =>
    Object.fromEntries(
      names.map((name) => [name, (...args: unknown[]) => call(url, [binding, name, ...args])] as const),
    );
  return {
    TASKS: methods('TASKS', ['get', 'getWithMetadata', 'list']) as unknown as KVNamespace,
    VIDEOS: methods('VIDEOS', ['get', 'head', 'list', 'put']) as unknown as R2Bucket,
  };
}

async function call(url: URL, parts: unknown[]): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(parts) });
  if (!response.ok) throw new Error(`${parts.slice(0, 2).join('.')}: ${await response.text()}`);
  const described = response.headers.get('x-object');
  if (described === null) return response.json();
  const bytes = await response.arrayBuffer();
  return {
    ...(JSON.parse(decodeURIComponent(described)) as object),
    arrayBuffer: () => Promise.resolve(bytes),
    bytes: () => Promise.resolve(new Uint8Array(bytes)),
    text: () => Promise.resolve(Buffer.from(bytes).toString()),
  };
}
