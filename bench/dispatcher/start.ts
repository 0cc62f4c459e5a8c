// Starts the built Worker with the wrapper in worker.js, in a workerd of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { Agent, fetch } from 'undici';
import { root } from '../../scripts/shared/worker-process.ts';
import { processorTime, startedWorkerd } from '../process-time.ts';
import { esModule, modulesOf, newStorage, SIGNING_KEY } from '../subject.ts';
import { PRICES_USD } from './videos.ts';

/** A running Worker. */
export interface Driven {
  /** Runs what is at this path of control.ts. */
  run<T>(path: string, order?: unknown): Promise<T>;
  /** Milliseconds of all threads of its workerd. */
  processorMs(): number;
  stop(): Promise<void>;
}

/** Settings that every measurement has: an operator, prices, and a budget that is never reached unless `vars` say so. */
const VARS = {
  WIRO_API_URL: 'https://wiro.invalid/v1',
  WIRO_API_KEY: 'a-key',
  SIGNING_KEY,
  OPERATOR_TOKEN: 'an-operator-token-for-benchmarks-only',
  CLIENT_TOKENS: JSON.stringify({ 'client-000': 'a-token-for-benchmarks-and-nothing-else' }),
  DAILY_BUDGET_USD: '99999999',
  PRICES_USD,
};

/** No answer is too late: a step may take minutes. */
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

export async function startDriven(vars: Record<string, string>): Promise<Driven> {
  const [, ...binaries] = modulesOf('rust');
  const bundle = await bundled();
  const storage = newStorage();
  const options = convertV4MiniflareOptions({
    modules: [bundle, ...binaries],
    compatibilityDate: '2026-11-01',
    bindings: { ...VARS, ...vars },
    kvNamespaces: ['TASKS'],
    r2Buckets: ['VIDEOS'],
    durableObjects: {
      VIDEO_TASK: { className: 'VideoTask', useSQLite: true },
      DISPATCHER: { className: 'Dispatcher', useSQLite: true },
      IDLE: { className: 'Idle', useSQLite: true },
    },
    unsafeDirectSockets: [{ port: 0 }],
    resourcePersistencePath: storage,
    handleStructuredLogs: ({ level, message }: { level: string; message: string }) => {
      if (level === 'error' || /"level":"error"/.test(message)) console.error(message);
    },
  });
  const { started: runtime, pid } = await startedWorkerd(async () => {
    const runtime = new Miniflare(options);
    await runtime.ready;
    return runtime;
  });
  const origin = (await runtime.unsafeGetDirectURL()).origin;
  return {
    async run<T>(path: string, order: unknown = null) {
      const init = { method: 'POST', body: JSON.stringify(order), dispatcher: agent };
      const response = await fetch(`${origin}${path}`, init);
      if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
      return (await response.json()) as T;
    },
    processorMs: () => processorTime(pid),
    async stop() {
      await runtime.dispose();
      await rm(storage, { recursive: true, force: true });
    },
  };
}

async function bundled() {
  const folder = await mkdtemp(join(tmpdir(), 'hailuo-worker-bench-'));
  try {
    await build({
      entryPoints: [join(root, 'bench/dispatcher/worker.js')],
      outfile: join(folder, 'index.js'),
      bundle: true,
      format: 'esm',
      target: 'es2024',
      external: ['*.wasm', 'cloudflare:*'],
    });
    return esModule(folder, 'index.js');
  } finally {
    await rm(folder, { recursive: true });
  }
}
