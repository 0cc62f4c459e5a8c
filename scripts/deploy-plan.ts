// The decisions of a deployment, from the state of the account, without I/O.

/** Without these every response is `misconfigured`. */
const REQUIRED_SECRETS = ['WIRO_API_KEY', 'SIGNING_KEY'];
const OPTIONAL_SECRETS = ['WIRO_API_SECRET'];

const HOW_TO_SET: Record<string, string> = {
  WIRO_API_KEY: 'npx wrangler secret put WIRO_API_KEY',
  WIRO_API_SECRET: 'npx wrangler secret put WIRO_API_SECRET',
  SIGNING_KEY: 'openssl rand -hex 32 | npx wrangler secret put SIGNING_KEY',
};

/** `wrangler whoami --json` */
export interface Identity {
  loggedIn: boolean;
  accounts?: { id: string; name: string }[];
}

/** Of `wrangler kv namespace list`. */
export interface Namespace {
  id: string;
  title: string;
}

/** The JSON in wrangler's output, which may have text before it. */
export function jsonIn(output: string): unknown {
  const start = output.search(/^[[{]/m);
  if (start < 0) throw new Error(`no JSON in: ${output.slice(0, 200)}`);
  return JSON.parse(output.slice(start));
}

/** The reason why this identity cannot deploy, or undefined. `accountId` is the chosen account. */
export function identityProblem(identity: Identity, accountId: string | undefined): string | undefined {
  if (!identity.loggedIn) {
    return 'Not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.';
  }
  const accounts = identity.accounts ?? [];
  if (accountId || accounts.length < 2) return undefined;
  const choices = accounts.map(({ id, name }) => `  CLOUDFLARE_ACCOUNT_ID=${id} make deploy    # ${name}`);
  return ['This login has several accounts. Choose one:', ...choices].join('\n');
}

/** The secrets of a Worker; undefined if there is no such Worker yet. */
export function secretsOf(result: { exitCode: number | null; stdout: string; stderr: string }) {
  if (result.exitCode === 0) {
    return (jsonIn(result.stdout) as { name: string }[]).map(({ name }) => name);
  }
  if (/Worker ".*not found/.test(`${result.stdout}${result.stderr}`)) return undefined;
  throw new Error(`wrangler secret list failed: ${wranglerError(result)}`);
}

/** The name that wrangler gives to a new namespace for a binding. */
export function namespaceTitle(worker: string, binding: string): string {
  return `${worker}-${binding.toLowerCase().replaceAll('_', '-')}`;
}

/**
 * A namespace that a first deployment must be told of: one that an earlier attempt, or an earlier Worker of this name,
 * left behind. Wrangler would make another of the same name and fail; in every other case it finds or makes its own.
 */
export function leftover(
  namespaces: Namespace[],
  title: string,
  known: { workerExists: boolean; configuredId: string | undefined },
): Namespace | undefined {
  if (known.workerExists || known.configuredId) return undefined;
  return namespaces.find((namespace) => namespace.title === title);
}

/** wrangler.toml with the id of a namespace. */
export function withNamespaceId(toml: string, binding: string, id: string): string {
  const line = `binding = "${binding}"\n`;
  if (!toml.includes(line)) throw new Error(`wrangler.toml has no line ${line}`);
  return toml.replace(line, `${line}id = "${id}"\n`);
}

/** R2 must be enabled once per account, by hand; otherwise `wrangler r2 bucket list` fails with this message. */
export function storageProblem(result: { exitCode: number | null; stdout: string; stderr: string }) {
  if (result.exitCode === 0) return undefined;
  const error = wranglerError(result);
  return /10042|enable R2/i.test(error)
    ? 'R2 is not enabled for this account. Enable it once at https://dash.cloudflare.com/?to=/:account/r2'
    : `wrangler r2 bucket list failed: ${error}`;
}

export function missingSecrets(set: string[]): string[] {
  return REQUIRED_SECRETS.filter((name) => !set.includes(name));
}

/** The messages about missing secrets. */
export function secretAdvice(set: string[]): string[] {
  const missing = missingSecrets(set);
  const unset = OPTIONAL_SECRETS.filter((name) => !set.includes(name));
  const commands = (names: string[]) => names.map((name) => `  ${HOW_TO_SET[name]}`);
  const lines: string[] = [];
  if (missing.length > 0) lines.push('Until these secrets are set, requests are refused as `misconfigured`:');
  lines.push(...commands(missing));
  if (unset.length > 0) lines.push('Only if the Wiro project signs its requests:', ...commands(unset));
  return lines;
}

/** The line of wrangler's output with the error. */
export function wranglerError({ stdout, stderr }: { stdout: string; stderr: string }): string {
  const lines = `${stderr}\n${stdout}`.split('\n').map((line) => line.trim());
  const error = lines.find((line) => line.includes('[ERROR]')) ?? lines.find((line) => line !== '');
  const detail = lines.filter((line) => /\[code: \d+\]/.test(line) && line !== error);
  return [error ?? 'without a word', ...detail].join(' ');
}
