// The settings of a probe: the environment, then .dev.vars, then the defaults in wrangler.toml.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { root } from '../shared/worker-process.ts';

export interface ProbeSettings {
  apiUrl: string;
  socketUrl: string;
  key: string;
  /** '' for a project without a secret. */
  secret: string;
  models: string[];
  pricesUsd: string;
  /** Whether to make a video, which costs money. */
  run: boolean;
  maxUsd: number | undefined;
  /** Where Wiro sends the callback; undefined for a server of the probe, if Wiro can reach it. */
  callbackUrl: string | undefined;
  /** The file with the answers. */
  file: string;
}

type Values = Record<string, string | undefined>;

/** `devVars`: the text of .dev.vars. */
export function readSettings(
  environment: Values = process.env,
  devVars: string = readIfThere('.dev.vars'),
): ProbeSettings {
  const local = parseEnv(devVars);
  const defaults = Object.fromEntries(
    [...readIfThere('wrangler.toml').matchAll(/^([A-Z][A-Z0-9_]*) = "(.*)"$/gm)].map(([, name, value]) => [
      name,
      value,
    ]),
  );
  const value = (name: string) => (environment[name] ?? local[name] ?? defaults[name] ?? '').trim();
  const key = value('WIRO_API_KEY');
  if (!key) throw new Error('set WIRO_API_KEY in .dev.vars or in the environment');
  const maxUsd = value('MAX_USD') === '' ? undefined : Number(value('MAX_USD'));
  if (maxUsd !== undefined && !(maxUsd > 0)) throw new Error('MAX_USD must be an amount of US dollars');
  return {
    apiUrl: value('WIRO_API_URL'),
    socketUrl: value('WIRO_SOCKET_URL'),
    key,
    secret: value('WIRO_API_SECRET'),
    models: value('MODELS').split(',').map(pathOf),
    pricesUsd: value('PRICES_USD'),
    run: value('RUN') === '1',
    maxUsd,
    callbackUrl: value('CALLBACK_URL') || undefined,
    file: join(root, `probe-${new Date().toISOString().slice(0, 10)}.json`),
  };
}

/** `owner/project` of an entry of MODELS: a built-in name, that itself, or `name=owner/project`. */
function pathOf(entry: string): string {
  const text = entry.split('=').at(-1)?.trim() ?? '';
  if (text.includes('/')) return text;
  return text.startsWith('hailuo-') ? `minimax/${text.replace('.', '-')}` : `MiniMax/${text}`;
}

function readIfThere(name: string): string {
  const path = join(root, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
