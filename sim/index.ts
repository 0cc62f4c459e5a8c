// A simulator of Wiro on the loopback interface: API, WebSocket, CDN and callbacks on one port, with scripted faults;
// and of Turnstile's verifier.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Call, CallLog } from './calls.ts';
import { Clock } from './clock.ts';
import { Api } from './endpoints/api.ts';
import { Authenticator } from './endpoints/auth.ts';
import { serveControl } from './endpoints/control.ts';
import { type Exchange, malformed, sendError } from './endpoints/exchange.ts';
import type { Folder, StoredFile } from './endpoints/files.ts';
import { TaskSocket } from './endpoints/socket.ts';
import type { SimTask } from './endpoints/task.ts';
import { SITEVERIFY_PATH, type Solved, TURNSTILE_SECRET, Turnstile } from './endpoints/turnstile.ts';
import { Wiro } from './endpoints/wiro.ts';
import type { Faults } from './faults.ts';
import { DEFAULT_MODEL, ModelBook, type ModelOptions } from './models.ts';
import { Settings, type SimOptions } from './options.ts';

export { box, GENERATED, words } from './boxes.ts';
export type { Call } from './calls.ts';
export { sign } from './endpoints/auth.ts';
export type { CallbackAttempt } from './endpoints/callback.ts';
export type { Folder, StoredFile } from './endpoints/files.ts';
export { REFUSALS } from './endpoints/refusals.ts';
export type { SimTask } from './endpoints/task.ts';
export { type Solved, TURNSTILE_SECRET } from './endpoints/turnstile.ts';
export { FAMILY } from './family.ts';
export type * from './faults.ts';
export { digest, generatedDigest, sampleContent } from './media/media.ts';
export type { Generation, ModelOptions } from './models.ts';
export type { ParametersAs, SimOptions, SocketEdition } from './options.ts';
export type { Image, Picture, Pictures } from './order.ts';
export type { Output } from './output.ts';
export type { ParameterItem } from './parameters.ts';

const DEFAULT_API_KEY = 'sim-key-4f1d7c0a9be2463d';
const DEFAULT_API_SECRET = 'sim-secret-c83e5b1f60a94d27';

/** Longer than clients keep an idle connection: who closes first must not be a race that looks like a fault. */
const KEEP_ALIVE_MS = 120_000;

export async function startSim(options: SimOptions = {}): Promise<Sim> {
  const sim = new Sim(options);
  await sim.listen(options.port ?? 0);
  return sim;
}

/** Its settings may be changed while it runs. */
export class Sim extends Settings {
  readonly apiKey: string;
  readonly apiSecret: string | null;
  readonly #calls = new CallLog();
  readonly #clock: Clock;
  readonly #models: ModelBook;
  readonly #wiro: Wiro;
  readonly #api: Api;
  readonly #socket: TaskSocket;
  readonly #turnstile: Turnstile;
  readonly #server: Server;
  readonly #onCall: SimOptions['onCall'];

  /** Use `startSim`. */
  constructor(options: SimOptions) {
    super(options);
    this.apiKey = options.apiKey ?? DEFAULT_API_KEY;
    this.apiSecret = options.apiSecret === undefined ? DEFAULT_API_SECRET : options.apiSecret;
    this.#onCall = options.onCall;
    this.#clock = new Clock(options.speed ?? 1);
    this.#wiro = new Wiro(this, this.#clock);
    this.#models = new ModelBook(modelsOf(options));
    const auth = new Authenticator(this.apiKey, this.apiSecret);
    this.#api = new Api(this, this.#models, this.#wiro, auth, this.#calls);
    this.#socket = new TaskSocket(this, this.#wiro, this.#calls);
    this.#turnstile = new Turnstile(this.#wiro.faults, this.#calls);
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#server.on('upgrade', (request, stream, head) => this.#socket.upgrade(request, stream, head));
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    this.#wiro.origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return this.#wiro.origin;
  }

  get apiUrl(): string {
    return `${this.url}/v1`;
  }

  get socketUrl(): string {
    return this.apiUrl.replace('http:', 'ws:');
  }

  /** Where Turnstile's tokens are verified. */
  get verifyUrl(): string {
    return `${this.url}${SITEVERIFY_PATH}`;
  }

  /** A visitor passes a challenge of Turnstile's: the token that the widget gives. */
  solve(solved: Solved): string {
    return this.#turnstile.solve(solved);
  }

  /** `127.0.0.1:PORT` */
  get cdnHost(): string {
    return new URL(this.url).host;
  }

  get speed(): number {
    return this.#clock.speed;
  }

  /** 0 freezes time. */
  set speed(speed: number) {
    this.#clock.speed = speed;
  }

  /** Adds a model, or changes one while it runs: Wiro renames parameters. */
  setModel(slug: string, options: ModelOptions): void {
    this.#models.set(slug, options);
  }

  /** Every request it ever got to API, CDN, socket and verifier, the refused ones too, in the order they came. */
  get calls(): Call[] {
    return this.#calls.all;
  }

  /** Every task, in the order they were made. */
  get tasks(): SimTask[] {
    return this.#wiro.tasks;
  }

  /** Every folder that was made and not deleted since. */
  get folders(): Folder[] {
    return this.#wiro.files.folders;
  }

  /** The id of the folder of whatever is uploaded into none. */
  get rootFolderId(): string {
    return this.#wiro.files.rootId;
  }

  /** Every uploaded file. */
  get files(): StoredFile[] {
    return this.#wiro.files.files;
  }

  deleteFolder(id: string): void {
    this.#wiro.files.deleteFolder(id);
  }

  /** By a path's beginning: `/Run/`, `/Task/Detail` (without `/v1`), `/cdn/`, `/socket` for connects, `/turnstile/`. */
  callsTo(path: string): Call[] {
    return this.#calls.to(path);
  }

  /** Faults for every task and Run whose prompt contains this, those that exist already too ('' = all). */
  script(promptPart: string, faults: Faults): void {
    this.#wiro.faults.script(promptPart, faults);
  }

  clearScripts(): void {
    this.#wiro.faults.clear();
  }

  release(task: SimTask): void {
    task.release();
  }

  /** Sockets that follow the task right now. */
  watchersOf(task: SimTask): number {
    return task.watchers;
  }

  waitForTask(promptPart: string): Promise<SimTask> {
    return this.#wiro.find((task) => task.prompt.includes(promptPart));
  }

  /** The count-th call there (of those that are meant), as soon as it was read; it may not be answered yet. */
  waitForCall(path: string, count = 1, isMeant = (_call: Call) => true): Promise<Call> {
    return this.#calls.waitFor(path, count, isMeant);
  }

  /** Every string that must never reach the public. */
  secrets(): string[] {
    const ofTasks = this.tasks.flatMap(({ id, token, uuid, inputKey, publishedFiles }) => [
      ...[id, token, uuid, inputKey],
      ...publishedFiles.flatMap(({ url, folder, accessKey }) => [url, folder, accessKey]),
    ]);
    const ofFiles = this.files.flatMap(({ id, parentId, folderId, accessKey }) => [
      ...[id, parentId, folderId, accessKey],
    ]);
    const ofFolders = this.folders.flatMap(({ id, name, parentId }) => [id, name, parentId]);
    const ofTurnstile = [TURNSTILE_SECRET, ...this.#turnstile.tokens];
    const ours = [this.apiKey, ...(this.apiSecret ? [this.apiSecret] : []), ...ofTurnstile];
    return [...ours, ...ofTasks, ...ofFiles, ...ofFolders];
  }

  /** The calls that no correct client would have made; each says why in `refused`. */
  rejections(): Call[] {
    return this.calls.filter((call) => call.refused !== undefined);
  }

  async close(): Promise<void> {
    this.#wiro.close();
    this.#socket.close();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    if (path.startsWith('/control/')) {
      const call: Call = { at: 0, method: '', path, headers: {}, status: 0 };
      return serveControl(this, { request, response, call });
    }
    const call = this.#calls.open(request);
    const exchange: Exchange = { request, response, call };
    response.once('close', () => this.#onCall?.(call));
    if (path.startsWith('/v1/')) return this.#api.serve(exchange);
    if (path === SITEVERIFY_PATH) return this.#turnstile.serve(exchange);
    if (path.startsWith('/cdn/')) this.#wiro.cdn.serve(exchange);
    else sendError(exchange, malformed('There is nothing at this path', 404));
    this.#calls.taken(call);
  }
}

function modelsOf({ model, models }: SimOptions): Record<string, ModelOptions> {
  const slugs = model === undefined ? (models ? [] : [DEFAULT_MODEL]) : [model];
  return { ...models, ...Object.fromEntries(slugs.map((slug) => [slug, { generation: 'seed' as const }])) };
}
