// A deployer's own settings: `settings.toml`, which has the form of wrangler.toml, and `.secrets`, which has that of
// `.dev.vars`. Git ignores both. What stands in them takes the place of what wrangler.toml says.
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseEnv } from 'node:util';
import { experimental_readRawConfig } from 'wrangler';
import { type KnownSettings, suggestion } from './known-settings.ts';

/** What may stand in settings.toml besides `[vars]`: where the Worker is reached, and what else it may be bound to. */
const KEYS = [
  ...['account_id', 'routes', 'route', 'workers_dev', 'preview_urls', 'placement', 'limits', 'vars'],
  ...['secrets_store_secrets', 'analytics_engine_datasets', 'media'],
];

export type Vars = Record<string, unknown>;

export interface OwnSettings {
  /** The file's text without `vars`. */
  keys: Record<string, unknown>;
  vars: Vars;
  /** What is wrong with it, one sentence each. */
  problems: string[];
}

/** No file: no own settings. */
export function readSettings(file: string, known: KnownSettings): OwnSettings {
  if (!existsSync(file)) return { keys: {}, vars: {}, problems: [] };
  const name = basename(file);
  let raw: Record<string, unknown>;
  try {
    raw = experimental_readRawConfig({ config: file }).rawConfig as Record<string, unknown>;
  } catch (error) {
    return { keys: {}, vars: {}, problems: [`${name}: ${tomlProblem(error)}`] };
  }
  const { vars = {}, ...keys } = raw;
  const isTable = typeof vars === 'object' && vars !== null && !Array.isArray(vars);
  const problems = [
    ...Object.keys(keys).flatMap((key) => keyProblem(key, known) ?? []),
    ...(isTable ? varProblems(vars as Vars, known) : ['vars must be a table: [vars]']),
  ];
  const told = problems.map((problem) => `${name}: ${problem}`);
  return { keys, vars: isTable ? (vars as Vars) : {}, problems: told };
}

function keyProblem(key: string, { vars, secrets }: KnownSettings): string | undefined {
  if (KEYS.includes(key)) return undefined;
  if (vars.includes(key)) return `${key} must stand below the line [vars]`;
  return `${key} is not one of ${KEYS.join(', ')}${suggestion(key, [...vars, ...secrets, ...KEYS])}`;
}

/** Names that the Worker does not read, and secrets, which everybody with access to the account could read. */
export function varProblems(vars: Vars, { vars: known, secrets }: KnownSettings): string[] {
  return Object.keys(vars).flatMap((name) => {
    if (known.includes(name)) return [];
    if (secrets.includes(name)) {
      return `${name} is a secret: the dashboard shows vars to everybody with access to the account; move it to .secrets`;
    }
    return `${name} is no setting of the Worker${suggestion(name, [...known, ...secrets])}`;
  });
}

export interface OwnSecrets {
  /** By name; an empty text counts as not set. */
  secrets: Record<string, string>;
  problems: string[];
}

/** No file: no own secrets. */
export function readSecrets(file: string, known: KnownSettings): OwnSecrets {
  const all = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  const secrets: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, text = ''] of Object.entries(all)) {
    const value = text.trim();
    if (known.secrets.includes(name)) {
      if (value !== '') secrets[name] = value;
    } else if (known.vars.includes(name)) {
      problems.push(`${basename(file)}: ${name} is no secret: move it to [vars] of settings.toml`);
    } else {
      const near = suggestion(name, [...known.secrets, ...known.vars]);
      problems.push(`${basename(file)}: ${name} is no secret of the Worker${near}`);
    }
  }
  return { secrets, problems };
}

/** Sets secrets in the file, or removes those that are null. The other lines stay. The file is never half written. */
export function writeSecrets(file: string, changes: Record<string, string | null>): void {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  const names = Object.keys(changes).join('|');
  const kept = lines.filter((line) => !new RegExp(`^\\s*(export\\s+)?(${names})\\s*=`).test(line));
  const added = Object.entries(changes).flatMap(([name, value]) => {
    return value === null ? [] : `${name}=${/^[\w+/=.:-]*$/.test(value) ? value : `'${value}'`}`;
  });
  const draft = `${file}.new`;
  writeFileSync(draft, `${[...kept, ...added].join('\n')}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}

/** Without the file's text, which may hold secrets. */
function tomlProblem(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be read';
  const { line } = (error as { location?: { line?: number } }).location ?? {};
  const [message = ''] = error.message.split('\n');
  return line === undefined ? message : `line ${line}: ${message}`;
}
