// The settings in wrangler.toml as Miniflare's options. Loading wrangler takes a second of CPU time, so the file is
// read once per run of vitest.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Json } from './service.ts';
import { root } from './settings.ts';

const FILE = join(root, '.wrangler/test-worker-options.json');

/** Called by vitest before all tests. */
export default async function setup(): Promise<void> {
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import('wrangler');
  const config = unstable_readConfig({ config: join(root, 'wrangler.toml') });
  const { modulesRules: _, ...options } = unstable_getMiniflareWorkerOptions(config).workerOptions;
  mkdirSync(dirname(FILE), { recursive: true });
  // Only the vars of the file, without `.dev.vars`.
  writeFileSync(FILE, JSON.stringify({ ...options, bindings: config.vars }));
}

export interface WorkerOptions {
  bindings: Record<string, Json>;
  kvNamespaces: Record<string, { id: string }>;
  r2Buckets: Record<string, { id: string }>;
}

export function workerOptions(): WorkerOptions {
  return JSON.parse(readFileSync(FILE, 'utf8')) as WorkerOptions;
}
