// The Cloudflare account: what it has, whether it can take the Worker, and which right a token lacks. Asks Cloudflare's
// API with wrangler's login.

import type { Instance } from './instance.ts';
import { runWrangler, wranglerError } from './wrangler.ts';

const API = 'https://api.cloudflare.com/client/v4';

/** Cloudflare's codes for "you may not", "there is none" and "R2 is off". */
const FORBIDDEN = [10000, 9109, 10023];
const NOT_FOUND = [10007, 10090];
const R2_DISABLED = 10042;

export interface Account {
  id: string;
  name: string;
}

/** An answer of Cloudflare's that is an error. */
export class CloudflareError extends Error {
  readonly codes: number[];

  constructor(message: string, codes: number[]) {
    super(message);
    this.codes = codes;
  }

  has(codes: number[]): boolean {
    return this.codes.some((code) => codes.includes(code));
  }
}

export class CloudflareApi {
  readonly #headers: Record<string, string>;
  readonly #base: string;

  constructor(headers: Record<string, string>, base = API) {
    this.#headers = headers;
    this.#base = base;
  }

  /** With wrangler's login, or the token in CLOUDFLARE_API_TOKEN; at the address that wrangler asks. */
  static async open(environment: NodeJS.ProcessEnv): Promise<CloudflareApi> {
    const base = environment.CLOUDFLARE_API_BASE_URL || API;
    // Wrangler takes it too, before any login.
    const given = environment.CLOUDFLARE_API_TOKEN;
    if (given) return new CloudflareApi({ authorization: `Bearer ${given}` }, base);
    const result = await runWrangler(environment, ['auth', 'token', '--json']);
    const start = result.stdout.indexOf('{');
    if (result.exitCode !== 0 || start < 0) {
      if (/not logged in/i.test(`${result.stdout}${result.stderr}`)) {
        throw new Error(
          'Not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.',
        );
      }
      throw new Error(`wrangler auth token failed: ${wranglerError(result)}`);
    }
    const login = JSON.parse(result.stdout.slice(start)) as { token?: string; key?: string; email?: string };
    if (login.token) return new CloudflareApi({ authorization: `Bearer ${login.token}` }, base);
    return new CloudflareApi({ 'x-auth-key': login.key ?? '', 'x-auth-email': login.email ?? '' }, base);
  }

  /** `right`: what a token needs for this, as the dashboard calls it. */
  async call<T>(method: string, path: string, right: string, body?: unknown): Promise<T> {
    let response: Response;
    try {
      response = await fetch(`${this.#base}${path}`, {
        method,
        headers: { ...this.#headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      const { cause } = error as Error;
      const reason = cause instanceof Error ? cause.message : `${error}`;
      throw new Error(`Cloudflare's API cannot be reached: ${reason}`);
    }
    const answer = (await response.json().catch(() => ({}))) as Envelope<T>;
    if (response.ok && answer.success) return answer.result;
    const errors = answer.errors ?? [];
    const codes = errors.map(({ code }) => code);
    const told =
      errors.map(({ code, message }) => `${message} [code: ${code}]`).join('; ') || 'without a reason';
    const message = `${method} ${path} was refused with ${response.status}: ${told}`;
    if (
      response.status === 401 ||
      response.status === 403 ||
      codes.some((code) => FORBIDDEN.includes(code))
    ) {
      throw new CloudflareError(
        `${message}\nThe login or API token lacks a right, or is wrong: it needs "${right}".`,
        codes,
      );
    }
    throw new CloudflareError(message, codes);
  }
}

interface Envelope<T> {
  success?: boolean;
  errors?: { code: number; message: string }[];
  result: T;
}

/** The account to use; an error if it must be chosen. */
export async function chooseAccount(
  api: CloudflareApi,
  configured: string | undefined,
  command: string,
): Promise<Account> {
  if (configured) return { id: configured, name: configured };
  const accounts = await api.call<Account[]>('GET', '/accounts', 'Account Settings: Read');
  const [first, ...others] = accounts;
  if (first === undefined) {
    throw new Error('This login has no account. Set CLOUDFLARE_ACCOUNT_ID, or account_id in settings.toml.');
  }
  if (others.length === 0) return first;
  const choices = accounts.map(({ id, name }) => `  CLOUDFLARE_ACCOUNT_ID=${id} ${command}    # ${name}`);
  const how = 'This login has several accounts. Choose one, here or as account_id in settings.toml:';
  throw new Error([how, ...choices].join('\n'));
}

/** The names of the Worker's secrets; undefined if there is no such Worker yet. */
export async function secretNames(api: CloudflareApi, account: Account, worker: string) {
  try {
    const path = `/accounts/${account.id}/workers/scripts/${worker}/secrets`;
    const secrets = await api.call<{ name: string }[]>('GET', path, 'Workers Scripts: Edit');
    return secrets.map(({ name }) => name);
  } catch (error) {
    if (error instanceof CloudflareError && error.has(NOT_FOUND)) return undefined;
    throw error;
  }
}

/** R2 must be enabled once per account, by hand. */
export async function requireR2(api: CloudflareApi, account: Account): Promise<void> {
  try {
    await api.call('GET', `/accounts/${account.id}/r2/buckets`, 'Workers R2 Storage: Edit');
  } catch (error) {
    if (error instanceof CloudflareError && error.has([R2_DISABLED])) {
      throw new Error(
        `R2 is not enabled for this account. Enable it once at https://dash.cloudflare.com/${account.id}/r2`,
      );
    }
    throw error;
  }
}

/** The account's name below workers.dev, which a Worker without a domain needs. */
export async function requireSubdomain(
  api: CloudflareApi,
  account: Account,
  { settingsFile }: Instance,
): Promise<string> {
  try {
    const path = `/accounts/${account.id}/workers/subdomain`;
    return (await api.call<{ subdomain: string }>('GET', path, 'Workers Scripts: Edit')).subdomain;
  } catch (error) {
    if (error instanceof CloudflareError && error.has(NOT_FOUND)) {
      throw new Error(
        [
          'This account has no workers.dev subdomain yet, so the Worker would have no address. Choose one once at',
          `https://dash.cloudflare.com/${account.id}/workers/onboarding, or use a domain of your own: in ${settingsFile}`,
          '  workers_dev = false',
          '  routes = [{ pattern = "video.example.com", custom_domain = true }]',
        ].join('\n'),
      );
    }
    throw error;
  }
}

export interface Namespace {
  id: string;
  title: string;
}

export async function namespaces(api: CloudflareApi, account: Account): Promise<Namespace[]> {
  const perPage = 100;
  const all: Namespace[] = [];
  for (let page = 1; ; page += 1) {
    const path = `/accounts/${account.id}/storage/kv/namespaces?per_page=${perPage}&page=${page}`;
    const found = await api.call<Namespace[]>('GET', path, 'Workers KV Storage: Edit');
    all.push(...found);
    if (found.length < perPage) return all;
  }
}

/**
 * A namespace that a first deployment must be told of: one that an earlier attempt, or an earlier Worker of this name,
 * left behind. Wrangler would make another of the same name and fail; in every other case it finds or makes its own.
 */
export function leftover(
  found: Namespace[],
  title: string,
  known: { workerExists: boolean; configuredId: string | undefined },
): Namespace | undefined {
  if (known.workerExists || known.configuredId) return undefined;
  return found.find((namespace) => namespace.title === title);
}

/** Of the cron trigger after a deployment that failed. */
export type Cron = 'set' | 'no Worker' | { failed: string };

/**
 * Sets the cron trigger of a Worker whose deployment failed after its code was uploaded: wrangler sets it last, and
 * without it nothing sweeps.
 */
export async function ensureCron(
  api: CloudflareApi,
  account: Account,
  worker: string,
  crons: string[],
): Promise<Cron> {
  const path = `/accounts/${account.id}/workers/scripts/${worker}/schedules`;
  const right = 'Workers Scripts: Edit';
  try {
    const { schedules } = await api.call<{ schedules: { cron: string }[] }>('GET', path, right);
    const set = schedules.map(({ cron }) => cron);
    if (crons.some((cron) => !set.includes(cron))) {
      await api.call(
        ...(['PUT', path, right] as const),
        crons.map((cron) => ({ cron })),
      );
    }
    return 'set';
  } catch (error) {
    if (error instanceof CloudflareError && error.has(NOT_FOUND)) return 'no Worker';
    return { failed: error instanceof Error ? error.message : `${error}` };
  }
}
