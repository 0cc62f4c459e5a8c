// The Worker in `wrangler dev` beside the stand-in: a reset or a cut-off body reaches the Worker as it would in
// production, and the whole process can be killed and started again on the same storage. Slower to start than
// service.ts; for transport faults and restarts only.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage } from '../../../scripts/local-storage.ts';
import { DevProcess, freePort } from '../../../scripts/worker-process.ts';
import { startSim } from '../../../sim/index.ts';
import { type Bindings, Service, type ServiceOptions, secretsOf } from './service.ts';
import { settingsFor } from './settings.ts';

export { DevProcess };

export async function startDirect(options: ServiceOptions = {}): Promise<DirectService> {
  const sim = await startSim({ speed: 60, ...options.sim });
  const { vars, secrets } = settingsFor(sim, options);
  const storage = await mkdtemp(join(tmpdir(), 'hailuo-worker-'));
  const dev = new DevProcess(await freePort(), storage, { ...vars, ...secrets });
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
  /** The folder that KV and R2 are kept in. */
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
    // The way of `wrangler dev` to fire a cron trigger.
    const sweep = async (asOf: Date) => {
      const answer = await fetch(`${dev.origin}/cdn-cgi/handler/scheduled?time=${asOf.getTime()}`);
      if (!answer.ok) throw new Error(`the trigger answered ${answer.status}`);
    };
    const objects = { objectIds: unreachable, evict: unreachable };
    super(sim, dev.origin, bindings, { logs: () => dev.logs, ...objects, sweep, stop }, secrets);
    this.dev = dev;
    this.storage = storage;
  }
}
