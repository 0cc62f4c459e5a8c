// The configuration that a deployment is made from: wrangler.toml, with a deployer's own settings in place of the
// project's, and with the names of the instance. It deploys the bundle in `dist`, which was built and checked before.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { experimental_readRawConfig } from 'wrangler';
import { root } from '../shared/worker-process.ts';
import { type Instance, limiterId } from './instance.ts';
import type { OwnSettings } from './own-settings.ts';

/** What is read and written of wrangler's configuration. */
export interface WorkerConfig {
  name: string;
  account_id?: string;
  workers_dev?: boolean;
  route?: string | Route;
  routes?: (string | Route)[];
  vars: Record<string, unknown>;
  kv_namespaces: { binding: string; id?: string }[];
  r2_buckets: { binding: string; bucket_name: string }[];
  ratelimits: { name: string; namespace_id: string }[];
  triggers: { crons: string[] };
  secrets_store_secrets?: { binding: string }[];
  [key: string]: unknown;
}

interface Route {
  pattern: string;
  custom_domain?: boolean;
}

export const PROJECT_CONFIG = join(root, 'wrangler.toml');

/** Of the project, or of another file of that form. */
export function projectConfig(file = PROJECT_CONFIG): WorkerConfig {
  return experimental_readRawConfig({ config: file }).rawConfig as unknown as WorkerConfig;
}

export function configFor(
  project: WorkerConfig,
  instance: Instance,
  { keys, vars }: OwnSettings,
): WorkerConfig {
  // The bundle is built and small already.
  const { build: _, minify: _minify, keep_names: _names, main: _main, ...rest } = project;
  const isSecond = instance.bucket !== undefined;
  const { worker, bucket } = instance;
  return {
    ...rest,
    ...keys,
    ...{ name: worker, no_bundle: true, vars: { ...project.vars, ...vars } },
    kv_namespaces: project.kv_namespaces.map((namespace) => {
      return isSecond ? { binding: namespace.binding } : namespace;
    }),
    r2_buckets: project.r2_buckets.map((one) =>
      bucket === undefined ? one : { ...one, bucket_name: bucket },
    ),
    ratelimits: project.ratelimits.map((limiter) => {
      return isSecond ? { ...limiter, namespace_id: limiterId(worker, limiter.namespace_id) } : limiter;
    }),
  } as WorkerConfig;
}

/** Writes the configuration, and returns the file's path. */
export function writeConfig(config: WorkerConfig): string {
  const file = join(root, '.wrangler/deployment', `${config.name}.json`);
  const fromThere = (path: string) => relative(dirname(file), join(root, path));
  const assets = { ...(config.assets as object), directory: fromThere('public') };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ ...config, main: fromThere('dist/index.js'), assets }, null, 2));
  return file;
}

/** Where the deployed Worker is reached, if that can be told: where it says so itself, else at a domain, else below workers.dev. */
export function addressOf(config: WorkerConfig, subdomain: string | undefined): string | undefined {
  const said = config.vars.PUBLIC_URL;
  if (typeof said === 'string' && said.trim() !== '') return said.trim().replace(/\/$/, '');
  const routes = [...(config.routes ?? []), ...(config.route === undefined ? [] : [config.route])];
  const patterns = routes.map((route) => (typeof route === 'string' ? route : route.pattern));
  const [host] = patterns
    .map((pattern) => pattern.replace(/^https?:\/\//, '').split('/')[0] ?? '')
    .filter(isHost);
  if (host !== undefined) return `https://${host}`;
  return usesWorkersDev(config) && subdomain ? `https://${config.name}.${subdomain}.workers.dev` : undefined;
}

/** As wrangler decides it. */
export function usesWorkersDev({ workers_dev, routes, route }: WorkerConfig): boolean {
  return workers_dev ?? ((routes ?? []).length === 0 && route === undefined);
}

const isHost = (host: string) => host !== '' && !host.includes('*');
