// The operator's token and the requests with it. The token is kept for this tab only, and never in a URL.

/** The characters that are allowed in a header. */
const SHAPE = /^[\x21-\x7e]+$/;
const KEY = 'operator-token';

/** The codes of responses without a readable body. @type {Record<number, string>} */
const CODES = { 401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 429: 'rate_limited' };

/** An error response, or `unreachable` without one. */
export class OperatorError extends Error {
  /** @param {number} status  0 without a response @param {unknown} [problem]  a problem document @param {number} [retryAfter]  seconds */
  constructor(status, problem, retryAfter) {
    const { code, detail, request_id, errors } = Object(problem);
    const text = (/** @type {unknown} */ value) => (typeof value === 'string' ? value : undefined);
    super(text(detail) ?? '');
    this.status = status;
    /** All that the response says. @type {Record<string, unknown>} */
    this.problem = Object(problem);
    this.code = text(code) ?? CODES[status] ?? (status === 0 ? 'unreachable' : 'upstream_error');
    this.requestId = text(request_id);
    this.retryAfter = retryAfter;
    /** What is wrong with fields of a form. @type {{ field: string, message: string }[]} */
    this.errors = Array.isArray(errors)
      ? errors.filter((one) => text(one?.field) !== undefined && text(one.message) !== undefined)
      : [];
  }
}

/** Whether a text can be sent as a token. @param {unknown} value @returns {value is string} */
export function isToken(value) {
  return typeof value === 'string' && SHAPE.test(value);
}

/** The token that this tab has kept. */
export function keptToken() {
  try {
    const token = sessionStorage.getItem(KEY);
    return isToken(token) ? token : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the token until the tab is closed; undefined removes it. @param {string} [token] */
export function keepToken(token) {
  try {
    if (token === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // Without storage the token is kept as long as the page is open.
  }
}

/** The requests of one signed-in operator. */
export class Session {
  #token;
  #end = new AbortController();
  #onRefused;

  /** @param {string} token @param {() => void} [onRefused]  called when the server does not accept the token any more */
  constructor(token, onRefused) {
    this.#token = token;
    this.#onRefused = onRefused;
  }

  /** Aborts when the operator signs out. */
  get signal() {
    return this.#end.signal;
  }

  close() {
    this.#end.abort();
  }

  /**
   * Sends a request and returns the JSON of its response.
   * @param {string} path @param {string} [method] @param {object} [body] @returns {Promise<any>}
   */
  async json(path, method, body) {
    const { response, text } = await this.#text(path, method, body);
    if (!response.ok) throw errorOf(response, parsed(text));
    const value = parsed(text);
    if (typeof value !== 'object' || value === null) throw new OperatorError(502);
    return value;
  }

  /** The JSON of a response, whatever its status: an unhealthy server may answer with an error status. @param {string} path @returns {Promise<any>} */
  async report(path) {
    const { response, text } = await this.#text(path);
    const value = parsed(text);
    if (typeof Object(value).status !== 'string') throw errorOf(response, value);
    return value;
  }

  /** @param {string} path @returns {Promise<Blob>} */
  async blob(path) {
    const response = await this.#fetch(path);
    if (!response.ok) throw errorOf(response, parsed(await this.#read(response.text())));
    return this.#read(response.blob());
  }

  /** @param {string} path @param {string} [method] @param {object} [body] */
  async #text(path, method, body) {
    const response = await this.#fetch(path, method, body);
    return { response, text: await this.#read(response.text()) };
  }

  /** @param {string} path @param {string} [method] @param {object} [body] @returns {Promise<Response>} */
  async #fetch(path, method = 'GET', body) {
    const headers = new Headers({ authorization: `Bearer ${this.#token}` });
    if (body) headers.set('content-type', 'application/json');
    /** @type {RequestInit} */
    const init = { method, headers, cache: 'no-store', redirect: 'error', signal: this.signal };
    const response = await this.#read(fetch(path, body ? { ...init, body: JSON.stringify(body) } : init));
    if (response.status === 401) this.#onRefused?.();
    return response;
  }

  /** Awaits the network. @template T @param {Promise<T>} pending @returns {Promise<T>} */
  async #read(pending) {
    try {
      return await pending;
    } catch (error) {
      if (this.signal.aborted) throw error;
      throw new OperatorError(0);
    }
  }
}

/** @param {Response} response @param {unknown} problem */
function errorOf(response, problem) {
  return new OperatorError(
    response.status,
    problem,
    Number(response.headers.get('retry-after')) || undefined,
  );
}

/** @param {string} text @returns {unknown} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
