// The Worker in workerd with nothing in front of it: neither wrangler's proxy nor its test harness, both of which take
// time and memory of their own. For what is measured.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { memoryBelow } from '../../../scripts/process-memory.ts';
import { startSim } from '../../../sim/index.ts';
import { type Bindings, Service, type ServiceOptions, secretsOf } from './service.ts';
import { root, settingsFor } from './settings.ts';

const aMinute = (limit: number) => ({ namespace_id: `${limit}`, simple: { limit, period: 60 as const } });

export async function startBare(options: ServiceOptions = {}): Promise<BareService> {
  const sim = await startSim({ speed: 60, ...options.sim });
  const { vars, secrets } = settingsFor(sim, options);
  const logs: string[] = [];
  const dist = join(root, 'dist');
  const wasm = readdirSync(dist).find((name) => name.endsWith('.wasm')) ?? '';
  const contents = (name: string) => readFileSync(join(dist, name));
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      modules: [
        { type: 'ESModule', path: 'index.js', contents: contents('index.js').toString() },
        { type: 'CompiledWasm', path: wasm, contents: contents(wasm) },
      ],
      compatibilityDate: '2026-11-01',
      bindings: { ...vars, ...secrets },
      kvNamespaces: ['TASKS'],
      r2Buckets: ['VIDEOS'],
      ratelimits: {
        READ_LIMITER: aMinute(100),
        SUBMIT_LIMITER: aMinute(10),
        ONE_LIMITER: aMinute(1),
      },
      durableObjects: {
        VIDEO_TASK: { className: 'VideoTask', useSQLite: true },
        DISPATCHER: { className: 'Dispatcher', useSQLite: true },
      },
      handleStructuredLogs: ({ message }) => logs.push(message),
    }),
  );
  const { origin } = await runtime.ready;
  return new BareService(sim, origin, await runtime.getBindings<Bindings>(), logs, secretsOf(options), () =>
    runtime.dispose(),
  );
}

export class BareService extends Service {
  constructor(
    sim: ConstructorParameters<typeof Service>[0],
    origin: string,
    bindings: Bindings,
    logs: string[],
    secrets: string[],
    stop: () => Promise<void>,
  ) {
    const unreachable = () => Promise.reject(new Error('not to be had from outside the process'));
    const objects = { objectIds: unreachable, evict: unreachable, sweep: unreachable };
    super(sim, origin, bindings, { logs: () => logs, ...objects, stop }, secrets);
  }

  /** Bytes of workerd now in memory. */
  resident(): number {
    return memoryBelow(process.pid, 'workerd').reduce((sum, { resident }) => sum + resident, 0);
  }
}
