// The built Worker in workerd as wrangler.toml binds it, with nothing in front of it: neither wrangler's proxy nor its
// test harness, both of which take time and memory of their own, follow redirects and mend bodies that were cut off.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from 'wrangler';
import type { Json } from './service.ts';
import { root } from './settings.ts';

const NAME = 'hailuo-worker';

export interface WorkerProcess {
  miniflare: Miniflare;
  /** Where it listens, without a trailing slash. */
  origin: string;
  /** Every message that the Worker has logged so far. */
  logs: string[];
  /** Takes an object that has nothing to do out of memory. */
  evict(className: string, name: string): Promise<void>;
  /** Fires the cron trigger. */
  sweep(scheduledTime: Date): Promise<void>;
}

/** `bundle` is the folder of the built Worker; the bindings take the place of those in wrangler.toml. */
export async function startWorker(
  bindings: Record<string, Json>,
  bundle = join(root, 'dist'),
): Promise<WorkerProcess> {
  const wasm = readdirSync(bundle).find((name) => name.endsWith('.wasm')) ?? '';
  const contents = (name: string) => readFileSync(join(bundle, name));
  const config = unstable_readConfig({ config: join(root, 'wrangler.toml') });
  const { modulesRules: _, ...options } = unstable_getMiniflareWorkerOptions(config).workerOptions;
  const logs: string[] = [];
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...options,
      name: NAME,
      modules: [
        { type: 'ESModule', path: 'index.js', contents: contents('index.js').toString() },
        { type: 'CompiledWasm', path: wasm, contents: contents(wasm) },
      ],
      // And nothing of a `.dev.vars`.
      bindings: { ...(config.vars as Record<string, Json>), ...bindings },
      cf: false,
      handleStructuredLogs: ({ message }: { message: string }) => logs.push(message),
    }),
  );
  const { origin } = await miniflare.ready;
  return {
    miniflare,
    origin,
    logs,
    evict: (className, name) => miniflare.unsafeEvictDurableObject(NAME, className, { name }),
    sweep: async (scheduledTime) => void (await (await miniflare.getWorker()).scheduled({ scheduledTime })),
  };
}
