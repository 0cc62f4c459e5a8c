// The API's router. Each call is read, recorded, authenticated and checked, then answered or failed as scripted.
import { createHash } from 'node:crypto';
import type { Call, CallFile, CallLog } from '../calls.ts';
import type { AnswerFault, AnswerQueue } from '../faults.ts';
import type { ModelBook } from '../models.ts';
import type { Settings } from '../options.ts';
import type { Order } from '../order.ts';
import { cancel, checkList, deleteFiles, detail, findTask, findTaskByToken, kill, list } from '../tasks.ts';
import type { Authenticator } from './auth.ts';
import {
  ApiError,
  type Exchange,
  isAfterProcessing,
  malformed,
  refusalOf,
  sendError,
  sendFault,
  sendJson,
} from './exchange.ts';
import { type FilePart, type Form, parseForm, readBody } from './form.ts';
import { REFUSALS } from './refusals.ts';
import { checkRun } from './run.ts';
import type { SimTask } from './task.ts';
import { toolDetail } from './tool.ts';
import type { Wiro } from './wiro.ts';

/** As a gateway answers who does not tell the length of a body. */
const LENGTH_REQUIRED: AnswerFault = { kind: 'status', status: 411 };

/** A checked call before it is performed. */
interface Prepared {
  queue: AnswerQueue;
  /** The prompt that selects its faults; '' for calls without a task. */
  prompt: string;
  task?: SimTask;
  perform: () => object | Promise<object>;
}

interface Endpoint {
  accepts: Form['kind'][];
  /** @throws ApiError for a request that is refused. */
  prepare: (form: Form, call: Call) => Prepared;
}

export class Api {
  readonly #settings: Settings;
  readonly #models: ModelBook;
  readonly #wiro: Wiro;
  readonly #auth: Authenticator;
  readonly #calls: CallLog;
  readonly #endpoints: Map<string, Endpoint>;

  constructor(settings: Settings, models: ModelBook, wiro: Wiro, auth: Authenticator, calls: CallLog) {
    this.#settings = settings;
    this.#models = models;
    this.#wiro = wiro;
    this.#auth = auth;
    this.#calls = calls;
    const { files } = wiro;
    this.#endpoints = new Map([
      ['/v1/Task/Detail', this.#onTask('detail', detail)],
      ['/v1/Task/Cancel', this.#onTask('cancel', cancel)],
      ['/v1/Task/Kill', this.#onTask('kill', kill)],
      ['/v1/Task/InputOutputDelete', this.#onTask('delete', deleteFiles, findTaskByToken)],
      ['/v1/Task/List', { accepts: ['json'], prepare: (form) => this.#list(form) }],
      ['/v1/File/FolderCreate', onAccount('json', 'folder', (form) => files.createFolder(form))],
      ['/v1/File/Upload', onAccount('multipart', 'upload', (form) => files.upload(form))],
      ['/v1/Tool/Detail', onAccount('json', 'tool', (form) => toolDetail(models, form))],
    ]);
  }

  async serve(exchange: Exchange): Promise<void> {
    const { request, response, call } = exchange;
    const refusesLength = this.#settings.refusesChunked && 'transfer-encoding' in request.headers;
    const fault = refusesLength ? LENGTH_REQUIRED : this.#wiro.faults.next('gateway', '');
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
      else response.destroy(); // the caller disconnected before its request was read
    }
  }

  async #prepare({ request, call }: Exchange): Promise<Prepared> {
    // Guess: how Wiro answers another method, a broken body or another content type.
    if (request.method !== 'POST') throw malformed('Every call of the API is a POST', 405);
    const body = await readBody(request);
    const form = await parseForm(call.headers['content-type'] ?? '', body).catch((error: Error) => error);
    if (!(form instanceof Error)) recordForm(call, form);
    const refusal = this.#auth.refusal(request.headers);
    if (refusal) throw refusal;
    if (form instanceof Error) throw form;
    const path = request.url ?? '';
    const endpoint = this.#endpoints.get(path) ?? this.#runOf(path);
    if (!endpoint) throw refusalOf(REFUSALS.urlNotParsed, 'There is no such endpoint');
    if (!endpoint.accepts.includes(form.kind)) throw malformed('This endpoint takes another Content-Type');
    const prepared = endpoint.prepare(form, call);
    if (prepared.task) call.task = prepared.task;
    return prepared;
  }

  async #perform(exchange: Exchange, { queue, prompt, perform }: Prepared): Promise<void> {
    const fault = this.#wiro.faults.next(queue, prompt);
    if (fault && !isAfterProcessing(fault)) return sendFault(exchange, fault);
    const answer = await perform();
    if (fault) sendFault(exchange, fault, answer);
    else sendJson(exchange, 200, answer);
  }

  #runOf(path: string): Endpoint | undefined {
    const [, slug] = path.match(/^\/v1\/Run\/([^/]+\/[^/]+)$/) ?? [];
    if (slug === undefined) return undefined;
    const prepare = (form: Form, call: Call) => this.#run(slug.replaceAll('%20', ' '), form, call);
    return { accepts: ['multipart', 'json'], prepare };
  }

  #run(slug: string, form: Form, call: Call): Prepared {
    const model = this.#models.find(slug);
    if (!model) throw refusalOf(REFUSALS.modelNotFound);
    const order = checkRun(form, model, this.#settings.ignoresUnknownFields);
    return { queue: 'run', prompt: order.prompt, perform: () => this.#createTask(order, call) };
  }

  async #createTask(order: Order, call: Call): Promise<object> {
    if (this.#wiro.activeTasks >= this.#settings.maxActive) throw refusalOf(REFUSALS.concurrency);
    const task = this.#wiro.createTask(order);
    call.task = task;
    await this.#wiro.callBackEarly(task);
    return { errors: [], taskid: task.id, socketaccesstoken: task.token, result: true };
  }

  #onTask(
    queue: AnswerQueue,
    action: (wiro: Wiro, task: SimTask) => object,
    find: (wiro: Wiro, form: Form) => SimTask = findTask,
  ): Endpoint {
    const prepare = (form: Form): Prepared => {
      const task = find(this.#wiro, form);
      return { queue, prompt: task.prompt, task, perform: () => action(this.#wiro, task) };
    };
    return { accepts: ['json'], prepare };
  }

  #list(form: Form): Prepared {
    const page = checkList(form);
    const perform = () => list(this.#wiro, page, this.#settings.listCallbackUrl);
    return { queue: 'list', prompt: '', perform };
  }
}

function onAccount(kind: Form['kind'], queue: AnswerQueue, action: (form: Form) => object): Endpoint {
  return { accepts: [kind], prepare: (form) => ({ queue, prompt: '', perform: () => action(form) }) };
}

function recordForm(call: Call, { fields, fieldOrder, json, files }: Form): void {
  const records = files.map(fileRecord);
  Object.assign(call, { fields, fieldOrder, ...(json && { json }) });
  if (records.length > 0) Object.assign(call, { files: records, file: records[0] });
}

function fileRecord({ field, filename, contentType, bytes }: FilePart): CallFile {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { field, filename, contentType, size: bytes.length, sha256 };
}
