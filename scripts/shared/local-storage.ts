// Reads KV and R2 of a running Worker in `wrangler dev`.
import { join } from 'node:path';
import type { KVNamespace, R2Bucket } from '@cloudflare/workers-types';
import { getPlatformProxy } from 'wrangler';
import { root } from './worker-process.ts';

export interface Bindings {
  TASKS: KVNamespace;
  VIDEOS: R2Bucket;
}

export interface LocalStorage {
  bindings: Bindings;
  close: () => Promise<void>;
}

/** `persist` is the folder that wrangler was given by `--persist-to`. */
export async function openStorage(persist: string): Promise<LocalStorage> {
  // With the objects configured, the reader would also run their alarms.
  const proxy = await getPlatformProxy<Bindings & Record<string, unknown>>({
    configPath: join(root, 'scripts/shared/storage-only.toml'),
    persist: { path: join(persist, 'v3') },
    envFiles: [],
  });
  return { bindings: proxy.env, close: () => proxy.dispose() };
}
