// The built Worker inside a wrapper module of a test, which imports `dist/index.js`, as one bundle.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Service, type ServiceOptions, startService } from './service.ts';
import { root } from './settings.ts';

/** `wrapper` is a file in ../wrappers. Closing the service removes the bundle too. */
export async function startWrapped(wrapper: string, options: ServiceOptions = {}): Promise<Service> {
  const bundle = await bundleOf(wrapper);
  const service = await startService({ ...options, bundle });
  const close = service.close.bind(service);
  service.close = () => close().finally(() => rm(bundle, { recursive: true }));
  return service;
}

/** A new folder with the bundle. */
export async function bundleOf(wrapper: string): Promise<string> {
  const bundle = await mkdtemp(join(tmpdir(), 'hailuo-worker-wrapped-'));
  await cp(join(root, 'dist'), bundle, { recursive: true });
  await build({
    entryPoints: [join(root, 'tests/worker/wrappers', wrapper)],
    outfile: join(bundle, 'index.js'),
    allowOverwrite: true,
    bundle: true,
    format: 'esm',
    external: ['*.wasm', 'cloudflare:*'],
  });
  return bundle;
}
