// The Worker in its own process with the stand-in: it can be killed and restarted on the same storage. It starts more
// slowly than service.ts; for restarts, failing storage and memory measurements.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DevProcess, freePort } from '../../../scripts/shared/worker-process.ts';
import { startSim } from '../../../sim/index.ts';
import { fireCron, openStorage } from './runtime.ts';
import { Service, type ServiceOptions, secretsOf } from './service.ts';
import { root, settingsFor } from './settings.ts';
import type { Bindings } from './storage/bindings.ts';

/** Not `wrangler dev`, which takes four times as long to start. */
const STANDALONE = join(root, 'tests/worker/support/standalone.ts');

export async function startDirect(options: ServiceOptions = {}): Promise<DirectService> {
  const sim = await startSim({ speed: 60, ...options.sim });
  const { vars, secrets } = settingsFor(sim, options);
  const storage = await mkdtemp(join(tmpdir(), 'hailuo-worker-'));
  const port = await freePort();
  const bindings = { ...vars, ...secrets };
  const bundle = options.bundle === undefined ? [] : [options.bundle];
  const worker = [STANDALONE, `${port}`, storage, JSON.stringify(bindings), ...bundle];
  const dev = new DevProcess(port, storage, {}, { command: [process.execPath, ...worker] });
  await dev.start();
  const reader = await openStorage(storage);
  const stop = async () => {
    await reader.close();
    await dev.kill('SIGTERM');
    await rm(storage, { recursive: true, force: true });
  };
  return new DirectService(sim, storage, reader.bindings, dev, secretsOf(options), stop);
}

export class DirectService extends Service {
  readonly dev: DevProcess;
  /** The folder that contains KV and R2. */
  readonly storage: string;

  constructor(
    sim: ConstructorParameters<typeof Service>[0],
    storage: string,
    bindings: Bindings,
    dev: DevProcess,
    secrets: string[],
    stop: () => Promise<void>,
  ) {
    const unreachable = () => Promise.reject(new Error('not to be had from outside the process'));
    const sweep = (asOf: Date) => fireCron(dev.origin, asOf);
    const objects = { objectIds: unreachable, evict: unreachable };
    super(sim, dev.origin, bindings, { logs: () => dev.logs, ...objects, sweep, stop }, secrets);
    this.dev = dev;
    this.storage = storage;
  }
}
