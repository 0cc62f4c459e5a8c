// A stand-in for Cloudflare's API: one account with its Workers, KV namespaces and R2 buckets, as far as the wrangler of
// package.json uses it for a deployment. It remembers what a deployment changes, and fails where a test says so.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export const ACCOUNT = { id: 'a1b2c3d4e5f60718293a4b5c6d7e8f90', name: 'Video people' };
export const API_TOKEN = 'cloudflare-api-token-of-the-tests';
const SUBDOMAIN = 'video-people';

/** The codes of Cloudflare's errors that wrangler knows. */
export const CODES = { forbidden: 10000, notFound: 10007, noBucket: 10006, r2Disabled: 10042 };

interface Binding {
  name: string;
  type: string;
  text?: string;
  json?: unknown;
  namespace_id?: string;
  bucket_name?: string;
}

export interface DeployedWorker {
  bindings: Binding[];
  /** By name. */
  secrets: Record<string, string>;
  modules: { name: string; type: string; bytes: Buffer }[];
  observability: unknown;
  migrationTag: string | undefined;
  crons: string[];
  domains: string[];
  onWorkersDev: boolean;
  /** How often its code or a secret was changed. */
  changes: number;
}

export interface Fault {
  status: number;
  code: number;
  message: string;
}

class ApiError extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** A Worker that was deployed before, with these secrets; without modules its code is that in `dist`. */
export function deployedWorker(secrets: Record<string, string> = {}): DeployedWorker {
  return {
    ...{ bindings: [], secrets, modules: [], observability: undefined, migrationTag: undefined },
    ...{ crons: [], domains: [], onWorkersDev: false, changes: 0 },
  };
}

const missing = (message: string, code = CODES.notFound) => new ApiError({ status: 404, code, message });

export class Cloudflare {
  readonly calls: string[] = [];
  readonly workers = new Map<string, DeployedWorker>();
  readonly namespaces: { id: string; title: string }[] = [];
  readonly buckets: string[] = [];
  accounts = [ACCOUNT];
  hasSubdomain = true;
  #faults: { call: RegExp; fault: Fault }[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #hashes: string[] = [];

  static async start(): Promise<Cloudflare> {
    const cloudflare = new Cloudflare();
    await new Promise<void>((resolve) => cloudflare.#server.listen(0, '127.0.0.1', resolve));
    return cloudflare;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** What leads wrangler here, and nowhere else. */
  get environment(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    return {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}/client/v4`,
      CLOUDFLARE_API_TOKEN: API_TOKEN,
      CLOUDFLARE_ACCOUNT_ID: '',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_SEND_ERROR_REPORTS: 'false',
    };
  }

  /** Every call that matches, such as /^PUT .*\/schedules/, is answered with this error. */
  fail(call: RegExp, fault: Partial<Fault> = {}): void {
    const forbidden = { status: 403, code: CODES.forbidden, message: 'Authentication error' };
    this.#faults.push({ call, fault: { ...forbidden, ...fault } });
  }

  recover(): void {
    this.#faults = [];
  }

  /** The calls that changed something. */
  get writes(): string[] {
    return this.calls.filter((call) => !call.startsWith('GET '));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://cloudflare');
    const path = pathname.replace('/client/v4', '').replace(`/accounts/${ACCOUNT.id}`, '');
    const call = `${request.method} ${path}`;
    this.calls.push(call);
    const body = await buffer(request);
    let status = 200;
    const answer: Record<string, unknown> = { success: true, errors: [], messages: [], result: null };
    try {
      if (request.headers.authorization !== `Bearer ${API_TOKEN}` && !path.startsWith('/workers/assets')) {
        throw new ApiError({ status: 401, code: CODES.forbidden, message: 'Authentication error' });
      }
      const failing = this.#faults.find(({ call: failed }) => failed.test(call));
      if (failing) throw new ApiError(failing.fault);
      const result = await this.#answer(call, body, request.headers['content-type'] ?? '');
      const [page, size] = [
        Number(searchParams.get('page') ?? 1),
        Number(searchParams.get('per_page') ?? 100),
      ];
      const isList = Array.isArray(result);
      answer.result = isList ? result.slice((page - 1) * size, page * size) : result;
      const count = isList ? result.length : 0;
      const pages = Math.ceil(count / size);
      answer.result_info = { page, per_page: size, count, total_count: count, total_pages: pages };
    } catch (error) {
      const fault = error instanceof ApiError ? error.fault : { status: 500, code: 1, message: `${error}` };
      status = fault.status;
      Object.assign(answer, { success: false, errors: [{ code: fault.code, message: fault.message }] });
    }
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  }

  async #answer(call: string, body: Buffer, type: string): Promise<unknown> {
    const json = () => JSON.parse(body.toString());
    switch (call) {
      case 'GET /user/tokens/verify':
        return { id: 't1', status: 'active' };
      case 'GET /user':
        return { id: 'u1', email: 'somebody@example.com' };
      case 'GET /accounts':
        return this.accounts;
      case 'GET /memberships':
        return this.accounts.map((account) => ({ id: `m-${account.id}`, account }));
      case 'GET /workers/subdomain':
        if (!this.hasSubdomain) throw missing('You do not have a workers.dev subdomain.');
        return { subdomain: SUBDOMAIN };
      case 'GET /storage/kv/namespaces':
        return this.namespaces;
      case 'POST /storage/kv/namespaces':
        return this.#createNamespace(json().title);
      case 'GET /r2/buckets':
        return { buckets: this.buckets.map((name) => ({ name, creation_date: '2026-11-30T00:00:00Z' })) };
      case 'POST /r2/buckets':
        this.buckets.push(json().name);
        return { name: json().name };
      case 'POST /workers/assets/upload':
        return { jwt: 'assets-jwt' };
    }
    const [, bucket] = /^GET \/r2\/buckets\/([^/]+)$/.exec(call) ?? [];
    if (bucket !== undefined) {
      if (!this.buckets.includes(bucket))
        throw missing('The specified bucket does not exist.', CODES.noBucket);
      return { name: bucket };
    }
    const [, method, kind, name = '', rest = ''] =
      /^(\w+) \/workers\/(scripts|services|workers)\/([^/]+)(.*)$/.exec(call) ?? [];
    if (kind === undefined) throw missing(`the stand-in does not know ${call}`, 7000);
    if (`${method} ${rest}` === 'POST /assets-upload-session') {
      this.#hashes = Object.values(json().manifest as Record<string, { hash: string }>).map(
        ({ hash }) => hash,
      );
      return { jwt: 'session-jwt', buckets: [this.#hashes] };
    }
    if (`${method} ${rest}` === 'PUT ') return this.#upload(name, body, type);
    const worker = this.workers.get(name);
    if (!worker) throw missing('This Worker does not exist on your account.');
    return this.#ofWorker(worker, `${method} ${kind}${rest}`, body, type);
  }

  async #ofWorker(worker: DeployedWorker, call: string, body: Buffer, type: string): Promise<unknown> {
    const json = () => JSON.parse(body.toString());
    const subdomain = { enabled: worker.onWorkersDev, previews_enabled: false };
    const deployed = { id: 'd1', versions: [{ version_id: randomUUID(), percentage: 100 }] };
    switch (call) {
      case 'GET services':
        return {
          default_environment: {
            environment: 'production',
            script: {
              tag: 'tag',
              tags: null,
              migration_tag: worker.migrationTag,
              last_deployed_from: 'wrangler',
            },
          },
        };
      case 'GET workers':
        return { name: 'w', subdomain };
      case 'GET scripts/settings':
        return { bindings: worker.bindings };
      case 'GET scripts/secrets':
        return Object.keys(worker.secrets).map((name) => ({ name, type: 'secret_text' }));
      case 'PUT scripts/secrets':
        this.#setSecrets(worker, { [json().name]: json().text });
        return { name: json().name, type: 'secret_text' };
      case 'PATCH scripts/secrets-bulk':
      case 'PATCH scripts/settings':
      case 'PATCH scripts/script-settings':
        return this.#patch(worker, body, type);
      case 'GET scripts/deployments':
        return { deployments: [deployed] };
      case 'POST scripts/versions':
        return { ...(await this.#replace(worker, body, type)), id: deployed.versions[0]?.version_id };
      case 'POST scripts/deployments':
        return deployed;
      case 'GET scripts/subdomain':
        return subdomain;
      case 'POST scripts/subdomain':
        worker.onWorkersDev = json().enabled;
        return { enabled: worker.onWorkersDev, previews_enabled: false };
      case 'GET scripts/schedules':
        return { schedules: worker.crons.map((cron) => ({ cron })) };
      case 'PUT scripts/schedules':
        worker.crons = json().map(({ cron }: { cron: string }) => cron);
        return { schedules: json() };
      case 'POST scripts/domains/changeset':
        return { added: json(), removed: [], updated: [], conflicting: [] };
      case 'PUT scripts/domains/records':
        worker.domains = json().origins.map(({ hostname }: { hostname: string }) => hostname);
        return json().origins;
      default: {
        const [, secret] = /^DELETE scripts\/secrets\/(\w+)$/.exec(call) ?? [];
        if (secret === undefined) throw missing(`the stand-in does not know ${call}`, 7000);
        if (!(secret in worker.secrets)) throw missing('no such secret');
        delete worker.secrets[secret];
        worker.changes += 1;
        return null;
      }
    }
  }

  #createNamespace(title: string) {
    if (this.namespaces.some((known) => known.title === title)) {
      throw new ApiError({
        status: 400,
        code: 10014,
        message: `a namespace with this title exists: ${title}`,
      });
    }
    const namespace = { id: randomUUID().replaceAll('-', ''), title };
    this.namespaces.push(namespace);
    return namespace;
  }

  async #upload(name: string, body: Buffer, type: string): Promise<unknown> {
    const worker = this.workers.get(name) ?? deployedWorker();
    const answer = await this.#replace(worker, body, type);
    this.workers.set(name, worker);
    return answer;
  }

  /** Replaces code and bindings; secrets stay. */
  async #replace(worker: DeployedWorker, body: Buffer, type: string) {
    const form = await formOf(body, type);
    const metadata = JSON.parse(String(form.get('metadata')));
    const given: Binding[] = metadata.bindings;
    const texts = given.filter((binding) => binding.type === 'secret_text');
    const others = given.filter((binding) => binding.type !== 'secret_text');
    const before = (name: string) => worker.bindings.find((binding) => binding.name === name);
    worker.bindings = others.map((binding) =>
      binding.type === 'inherit' ? (before(binding.name) ?? binding) : binding,
    );
    this.#setSecrets(worker, Object.fromEntries(texts.map(({ name, text = '' }) => [name, text])));
    const files = [...form].filter((entry): entry is [string, File] => entry[1] instanceof File);
    const modules = files.map(async ([name, file]) => ({
      ...{ name, type: file.type },
      bytes: Buffer.from(await file.arrayBuffer()),
    }));
    worker.modules = await Promise.all(modules);
    worker.observability = metadata.observability;
    if (metadata.migrations) worker.migrationTag = metadata.migrations.new_tag;
    return { id: 'w', etag: 'e', deployment_id: randomUUID(), resources: { script: { etag: 'e' } } };
  }

  async #patch(worker: DeployedWorker, body: Buffer, type: string): Promise<unknown> {
    const text = type.startsWith('multipart/')
      ? String((await formOf(body, type)).get('settings'))
      : body.toString();
    const { secrets } = JSON.parse(text) as { secrets?: Record<string, { text: string } | null> };
    for (const [name, secret] of Object.entries(secrets ?? {})) {
      if (secret === null) delete worker.secrets[name];
      else worker.secrets[name] = secret.text;
    }
    if (secrets) worker.changes += 1;
    return {};
  }

  #setSecrets(worker: DeployedWorker, secrets: Record<string, string>): void {
    Object.assign(worker.secrets, secrets);
    worker.changes += 1;
  }
}

function formOf(body: Buffer, type: string): Promise<FormData> {
  return new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
}
