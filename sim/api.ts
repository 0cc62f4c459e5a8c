// The API's router: each call is read, recorded, authenticated and checked, then answered or made to fail as scripted.
import { createHash } from 'node:crypto';
import type { Authenticator } from './auth.ts';
import type { Call, CallLog } from './calls.ts';
import {
  ApiError,
  comesAfterwards,
  type Exchange,
  malformed,
  sendError,
  sendFault,
  sendJson,
} from './exchange.ts';
import type { AnswerQueue } from './faults.ts';
import { type Form, parseForm, readBody } from './form.ts';
import { toolDetail } from './price.ts';
import { checkRun, type Order } from './run.ts';
import type { SimTask } from './task.ts';
import { cancel, checkList, deleteFiles, detail, findTask, kill, list } from './tasks.ts';
import type { Wiro } from './wiro.ts';

export interface ApiSettings {
  model: string;
  /** Unfinished tasks the account may have; Run answers code 96 above it. */
  maxActive: number;
  /** Whether the rows of Task/List carry `callbackurl`. */
  listCallbackUrl: boolean;
}

/** A call that was checked and has done nothing yet. */
interface Prepared {
  queue: AnswerQueue;
  /** Whose faults it meets; '' for the calls that are about no single task. */
  prompt: string;
  task?: SimTask;
  perform: () => object | Promise<object>;
}

interface Endpoint {
  accepts: Form['kind'][];
  /** @throws ApiError for what cannot be done. */
  prepare: (form: Form, call: Call) => Prepared;
}

export class Api {
  readonly settings: ApiSettings;
  readonly #wiro: Wiro;
  readonly #auth: Authenticator;
  readonly #calls: CallLog;
  readonly #endpoints: Map<string, Endpoint>;

  constructor(settings: ApiSettings, wiro: Wiro, auth: Authenticator, calls: CallLog) {
    this.settings = settings;
    this.#wiro = wiro;
    this.#auth = auth;
    this.#calls = calls;
    const { files } = wiro;
    this.#endpoints = new Map([
      [
        `/v1/Run/${settings.model}`,
        { accepts: ['multipart', 'json'], prepare: (form, call) => this.#run(form, call) },
      ],
      ['/v1/Task/Detail', this.#onTask('detail', detail)],
      ['/v1/Task/Cancel', this.#onTask('cancel', cancel)],
      ['/v1/Task/Kill', this.#onTask('kill', kill)],
      ['/v1/Task/InputOutputDelete', this.#onTask('delete', deleteFiles)],
      ['/v1/Task/List', { accepts: ['json'], prepare: (form) => this.#list(form) }],
      ['/v1/File/FolderCreate', onAccount('json', 'folder', (form) => files.createFolder(form))],
      ['/v1/File/Upload', onAccount('multipart', 'upload', (form) => files.upload(form))],
      ['/v1/Tool/Detail', onAccount('json', 'tool', (form) => toolDetail(settings.model, form))],
    ]);
  }

  async serve(exchange: Exchange): Promise<void> {
    const { request, response, call } = exchange;
    const fault = this.#wiro.faults.next('gateway', '');
    if (fault) {
      this.#calls.taken(call);
      return sendFault(exchange, fault);
    }
    try {
      const prepared = await this.#prepare(exchange);
      this.#calls.taken(call);
      await this.#perform(exchange, prepared);
    } catch (error) {
      this.#calls.taken(call);
      if (error instanceof ApiError) sendError(exchange, error);
      else if (request.complete) throw error;
      else response.destroy(); // the caller left before its request was read
    }
  }

  async #prepare({ request, call }: Exchange): Promise<Prepared> {
    if (request.method !== 'POST') throw malformed('Every call of the API is a POST', 405);
    const body = await readBody(request);
    const form = await parseForm(call.headers['content-type'] ?? '', body).catch((error: Error) => error);
    if (!(form instanceof Error)) note(call, form);
    const refusal = this.#auth.refusal(request.headers);
    if (refusal) throw new ApiError(refusal, { code: 98, status: 401, clientFault: true });
    if (form instanceof Error) throw form;
    const endpoint = this.#endpoints.get(request.url ?? '');
    if (!endpoint) throw malformed('There is no such endpoint', 404);
    if (!endpoint.accepts.includes(form.kind)) throw malformed('This endpoint takes another Content-Type');
    const prepared = endpoint.prepare(form, call);
    if (prepared.task) call.task = prepared.task;
    return prepared;
  }

  async #perform(exchange: Exchange, { queue, prompt, perform }: Prepared): Promise<void> {
    const fault = this.#wiro.faults.next(queue, prompt);
    if (fault && !comesAfterwards(fault)) return sendFault(exchange, fault);
    const answer = await perform();
    if (fault) sendFault(exchange, fault, answer);
    else sendJson(exchange, 200, answer);
  }

  #run(form: Form, call: Call): Prepared {
    const order = checkRun(form);
    return { queue: 'run', prompt: order.prompt, perform: () => this.#createTask(order, call) };
  }

  async #createTask(order: Order, call: Call): Promise<object> {
    if (this.#wiro.activeTasks >= this.settings.maxActive) {
      throw new ApiError('Concurrent task limit reached for the balance of this account', { code: 96 });
    }
    const task = this.#wiro.createTask(order);
    call.task = task;
    await this.#wiro.callBackEarly(task);
    return { errors: [], taskid: task.id, socketaccesstoken: task.token, result: true };
  }

  #onTask(queue: AnswerQueue, action: (wiro: Wiro, task: SimTask) => object): Endpoint {
    const prepare = (form: Form): Prepared => {
      const task = findTask(this.#wiro, form);
      return { queue, prompt: task.prompt, task, perform: () => action(this.#wiro, task) };
    };
    return { accepts: ['json'], prepare };
  }

  #list(form: Form): Prepared {
    const page = checkList(form);
    const perform = () => list(this.#wiro, page, this.settings.listCallbackUrl);
    return { queue: 'list', prompt: '', perform };
  }
}

function onAccount(kind: Form['kind'], queue: AnswerQueue, action: (form: Form) => object): Endpoint {
  return { accepts: [kind], prepare: (form) => ({ queue, prompt: '', perform: () => action(form) }) };
}

function note(call: Call, { fields, fieldOrder, json, file }: Form): void {
  Object.assign(call, { fields, fieldOrder, ...(json && { json }) });
  if (!file) return;
  const { field, filename, contentType, bytes } = file;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  call.file = { field, filename, contentType, size: bytes.length, sha256 };
}
