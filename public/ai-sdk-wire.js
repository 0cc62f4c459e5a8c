// What ai-sdk.js sends: requests with the headers of a call, retries, and errors that the AI SDK recognizes. For ai-sdk.js
// alone: import that.

import { isVideo, VideoError } from './client.js';
import { pause, problemOf } from './client-wire.js';

/** @typedef {import('./client.js').Video} Video */
/** @typedef {Record<string, string | undefined>} HeaderFields */
/** @typedef {{ video: Video, headers: Record<string, string> }} Answer */
/** @typedef {{ method?: string, body?: BodyInit | null, headers?: Record<string, string> }} Message */
/**
 * The headers of a call of the SDK, and what aborts it.
 * @typedef {{ headers?: HeaderFields | undefined, signal?: AbortSignal | undefined }} Call
 */

/** How long a request without an answer is retried. */
const PATIENCE_MS = 300_000;

/** What the AI SDK recognizes its own errors by. */
const AI_SDK_ERROR = 'vercel.ai.error';

/**
 * A VideoError that the AI SDK recognizes as its APICallError. The SDK retries when `isRetryable`. `data` is the problem of
 * the answer, or the error of the `video` that failed.
 */
export class HailuoError extends VideoError {
  /**
   * @param {number} status  0 when nothing was answered
   * @param {{ code?: string | undefined, detail?: string | undefined, request_id?: string | undefined,
   *   errors?: { field: string, message: string }[] }} problem
   * @param {{ url: string, isRetryable?: boolean, requestBodyValues?: unknown, responseHeaders?: Record<string, string>,
   *   responseBody?: string, data?: unknown, video?: Video, cause?: unknown }} details
   */
  constructor(status, problem, { url, isRetryable = false, video, cause, ...details }) {
    const retryAfter = Number(details.responseHeaders?.['retry-after']) || undefined;
    super(status, problem, { retryAfter, cause });
    this.url = url;
    this.isRetryable = isRetryable;
    this.video = video;
    this.statusCode = status || undefined;
    this.requestBodyValues = details.requestBodyValues;
    this.responseHeaders = details.responseHeaders;
    this.responseBody = details.responseBody;
    this.data = details.data;
    markAsAiSdkError(this, 'AI_APICallError');
  }
}

/** Gives an error the name and the marks of a class of the AI SDK. @param {Error} error @param {string} name */
export function markAsAiSdkError(error, name) {
  error.name = name;
  for (const mark of [AI_SDK_ERROR, `${AI_SDK_ERROR}.${name}`])
    Object.defineProperty(error, Symbol.for(mark), { value: true });
}

/** A Worker, and what every request to it says. */
export class Connection {
  #token;
  #headers;
  #fetch;

  /**
   * @param {string} server  without a slash behind it
   * @param {{ token?: string | undefined, headers?: HeaderFields | undefined, fetch?: typeof fetch | undefined }} settings
   */
  constructor(server, settings) {
    this.server = server;
    this.#token = settings.token;
    this.#headers = settings.headers;
    this.#fetch = settings.fetch;
  }

  /**
   * One request whose answer is a Video.
   * @param {string} path @param {Message} message @param {Call} call
   * @param {number} [timeoutMs]  after it the answer counts as lost
   * @returns {Promise<Answer>}
   */
  async video(path, message, call, timeoutMs = 60_000) {
    const url = this.server + path;
    const timeout = AbortSignal.timeout(timeoutMs);
    const [response, text] = await this.#answer(url, message, call, (response) => response.text(), timeout);
    const video = parsed(text);
    if (!response.ok || !isVideo(video)) throw refusal(url, response, text);
    return { video, headers: Object.fromEntries(response.headers) };
  }

  /** @param {string} url @param {Call} call @returns {Promise<Uint8Array>} */
  async file(url, call) {
    const [response, body] = await this.#answer(url, {}, call, (response) => response.arrayBuffer());
    if (!response.ok) throw refusal(url, response, new TextDecoder().decode(body));
    return new Uint8Array(body);
  }

  /**
   * An answer with its body. A body that breaks off counts as no answer.
   * @template T @param {string} url @param {Message} message @param {Call} call
   * @param {(response: Response) => Promise<T>} read @param {AbortSignal} [timeout] @returns {Promise<[Response, T]>}
   */
  async #answer(url, { method = 'GET', body = null, headers = {} }, { headers: own, signal }, read, timeout) {
    // Token and headers go to the Worker only.
    const all = new URL(url).origin === new URL(this.server).origin ? this.#headersWith(own) : new Headers();
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    const signals = [signal, timeout].filter((one) => one !== undefined);
    try {
      const send = this.#fetch ?? fetch;
      const response = await send(url, { method, body, headers: all, signal: AbortSignal.any(signals) });
      return [response, await read(response)];
    } catch (cause) {
      signal?.throwIfAborted();
      throw unreachable(url, cause);
    }
  }

  /** @param {HeaderFields | undefined} own  of the call: they replace the provider's */
  #headersWith(own) {
    const all = new Headers(this.#token ? { authorization: `Bearer ${this.#token}` } : {});
    for (const [name, value] of [...Object.entries(this.#headers ?? {}), ...Object.entries(own ?? {})])
      if (value !== undefined) all.set(name, value);
    // Each message sets these itself where it needs them.
    for (const name of ['content-type', 'idempotency-key']) all.delete(name);
    return all;
  }
}

/**
 * Retries an attempt while its error may pass.
 * @template T @param {() => Promise<T>} attempt
 * @param {{ signal?: AbortSignal | undefined, patienceMs?: number, mayTryAgain?: (error: VideoError) => boolean }} [options]
 */
export async function patiently(attempt, options = {}) {
  const { signal, patienceMs = PATIENCE_MS, mayTryAgain = isPassing } = options;
  const until = Date.now() + patienceMs;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof VideoError) || !mayTryAgain(error)) throw error;
      if (Date.now() + (error.retryAfter ?? 0) * 1000 > until) throw error;
      await pause(failures, signal, error.retryAfter);
    }
  }
}

/** @param {VideoError} error */
function isPassing({ status }) {
  return status === 0 || status === 429 || status >= 500;
}

/** Nothing was answered, or something between here and the Worker answered. @param {VideoError} error */
export function isLost({ status, code }) {
  return status === 0 || (status >= 500 && code === 'upstream_error');
}

/**
 * Rejects at an abort; the promise itself goes on.
 * @template T @param {Promise<T>} coming @param {AbortSignal | undefined} signal
 */
export async function abortable(coming, signal) {
  if (!signal) return coming;
  const over = new AbortController();
  const aborted = new Promise((_, reject) => {
    const options = { once: true, signal: over.signal };
    signal.addEventListener('abort', () => reject(signal.reason), options);
  });
  try {
    return await Promise.race([coming, /** @type {Promise<never>} */ (aborted)]);
  } finally {
    over.abort();
  }
}

/** Waits until a promise has settled, but not longer than `ms`. @param {Promise<unknown>} coming @param {number} ms */
export async function settledWithin(coming, ms) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([coming.catch(() => {}), late]);
  clearTimeout(timer);
}

/** Whether the host is an IP address or a local name: the AI SDK downloads from no private one. @param {string} url */
export function isLocal(url) {
  return /^\[|^[\d.]+$|(^|\.)(localhost|local|internal)\.?$/.test(new URL(url).hostname);
}

/** @param {string} url @param {Response} response @param {string} responseBody */
function refusal(url, response, responseBody) {
  const responseHeaders = Object.fromEntries(response.headers);
  const { ok, status } = response;
  if (ok) {
    const detail = 'The answer is not one of this API.';
    return new HailuoError(502, { detail }, { url, isRetryable: true, responseHeaders, responseBody });
  }
  const mayPass = status === 408 || status === 429 || status >= 500;
  const isRetryable = mayPass && responseHeaders['x-should-retry'] !== 'false';
  const data = parsed(responseBody);
  const details = { url, isRetryable, responseHeaders, responseBody, data };
  return new HailuoError(status, problemOf(data), details);
}

/** @param {string} url @param {any} cause */
function unreachable(url, cause) {
  const reason = cause?.cause?.message || cause?.cause?.code || cause?.message;
  const detail = `The server cannot be reached${reason ? ` (${reason})` : ''}.`;
  return new HailuoError(0, { code: 'unreachable', detail }, { url, isRetryable: true, cause });
}

/** @param {string} text @returns {unknown} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
