// The names of a Worker and of what belongs to it. `NAME=staging` means a second one in the same account, which shares
// nothing with the first.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { root } from '../shared/worker-process.ts';

/** Of a Worker's name, which is part of a host name, and of a bucket's. */
const MAX_NAME = 63;

const BUCKET_ENDING = '-videos';

export interface Instance {
  /** `NAME` of `make`, or undefined for the Worker of wrangler.toml. */
  name: string | undefined;
  worker: string;
  /** Undefined for the bucket of wrangler.toml. */
  bucket: string | undefined;
  /** The file with its own vars, and the one with its secrets. */
  settingsFile: string;
  secretsFile: string;
}

/** `baseWorker`: the name in wrangler.toml. */
export function instanceOf(environment: NodeJS.ProcessEnv, baseWorker: string): Instance {
  const name = environment.INSTANCE?.trim() || undefined;
  if (name !== undefined && !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)) {
    throw new Error(`NAME must be small letters, digits and hyphens, such as staging: ${name}`);
  }
  const worker = name === undefined ? baseWorker : `${baseWorker}-${name}`;
  const bucket = name === undefined ? undefined : `${worker}${BUCKET_ENDING}`;
  if ((bucket ?? worker).length > MAX_NAME) throw new Error(`NAME is too long: ${name}`);
  return {
    ...{ name, worker, bucket },
    settingsFile:
      environment.SETTINGS || join(root, name === undefined ? 'settings.toml' : `settings.${name}.toml`),
    secretsFile: environment.SECRETS || join(root, name === undefined ? '.secrets' : `.secrets.${name}`),
  };
}

/** `NAME=staging `, for commands that are shown. */
export function nameArgument({ name }: Instance): string {
  return name === undefined ? '' : ` NAME=${name}`;
}

/** The name that wrangler gives to a new namespace for a binding. */
export function namespaceTitle(worker: string, binding: string): string {
  return `${worker}-${binding.toLowerCase().replaceAll('_', '-')}`;
}

/**
 * The id of a rate limiter. Workers of one account that have the same id share its count, so each Worker needs its own:
 * six digits that follow from its name, and the last three of wrangler.toml's id.
 */
export function limiterId(worker: string, baseId: string): string {
  const hash = createHash('sha256').update(worker).digest().readUInt32BE();
  return `${100_000 + (hash % 900_000)}${baseId.slice(-3)}`;
}
