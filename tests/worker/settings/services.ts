// Services with different settings in one workerd: a Worker more costs a fifth of a process more. Each has its own
// storage and its own stand-in; only the log is one.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll } from 'vitest';
import { startSim } from '../../../sim/index.ts';
import { builtWorker } from '../support/runtime.ts';
import { Service, type ServiceOptions, secretsOf } from '../support/service.ts';
import { root, settingsFor } from '../support/settings.ts';
import { openBindings, storageWorker } from '../support/storage/bindings.ts';
import { bundleOf } from '../support/wrapped.ts';

/**
 * Starts the services of a group of tests. The result is called by the test that begins to use one of them, and closes
 * it: its log begins then, so no other test may run meanwhile. `wrapper` is a file in ../wrappers.
 */
export function useServices(all: ServiceOptions[], wrapper?: string): (index: number) => Service {
  let services: (() => Service)[] = [];
  let stop: () => Promise<void> = async () => {};
  beforeAll(async () => {
    ({ services, stop } = await startServices(all, wrapper));
  });
  afterAll(() => stop());
  return (index) => {
    const begin = services[index];
    if (!begin) throw new Error(`there is no service ${index}`);
    return begin();
  };
}

async function startServices(all: ServiceOptions[], wrapper: string | undefined) {
  const bundle = wrapper === undefined ? join(root, 'dist') : await bundleOf(wrapper);
  const sims = await Promise.all(all.map(({ sim }) => startSim({ speed: 600, ...sim })));
  const logs: string[] = [];
  const workers = all.map((options, index) => {
    const { vars, secrets } = settingsFor(sims[index]!, options);
    return withOwnStorage(builtWorker(`worker-${index}`, { ...vars, ...secrets }, bundle), index);
  });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [...workers, ...workers.map((worker, index) => storageWorker(worker, `storage-${index}`))],
      cf: false,
      port: 0,
      handleStructuredLogs: ({ message }: { message: string }) => void logs.push(message),
    }),
  );
  await miniflare.ready;
  const unused = () => Promise.reject(new Error('not for services that share a process'));
  const services = await Promise.all(
    workers.map(async ({ name }, index) => {
      const { origin } = await miniflare.unsafeGetDirectURL(name);
      const bindings = await openBindings(miniflare, `storage-${index}`);
      return () => {
        const earlier = logs.length;
        return new Service(
          sims[index]!,
          origin,
          bindings,
          {
            logs: () => logs.slice(earlier),
            objectIds: () => miniflare.listDurableObjectIds('VIDEO_TASK', name),
            evict: unused,
            sweep: unused,
            stop: async () => {},
          },
          secretsOf(all[index]!),
        );
      };
    }),
  );
  const stop = async () => {
    await miniflare.dispose();
    if (wrapper !== undefined) await rm(bundle, { recursive: true });
  };
  return { services, stop };
}

function withOwnStorage(worker: ReturnType<typeof builtWorker>, index: number) {
  const own = (stores: Record<string, { id: string }>) =>
    Object.fromEntries(Object.entries(stores).map(([name, { id }]) => [name, { id: `${id}-${index}` }]));
  return {
    ...worker,
    kvNamespaces: own(worker.kvNamespaces),
    r2Buckets: own(worker.r2Buckets),
    unsafeDirectSockets: [{ port: 0 }],
  };
}
