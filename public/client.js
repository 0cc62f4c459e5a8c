// A client of this Worker, for browsers and Node, without dependencies. Copy it into your app:
//
//   import { submit, watch } from './client.js';
//   const video = await submit({ prompt: 'A paper boat drifts down a rainy street' });
//   for await (const event of watch(video)) {
//     if (event.type === 'video') console.log(event.video.stage, event.video.progress, event.video.urls.content);
//   }

/** @typedef {'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled'} Status */

/**
 * @typedef {object} Video
 * @property {string} id
 * @property {string} model
 * @property {Status} status
 * @property {string} stage
 * @property {number | null} queue_position  from 1, while it waits in line
 * @property {number} progress  0 to 100, never falls
 * @property {'upstream' | 'estimate' | 'none'} progress_source
 * @property {number} created_at  unix seconds, like the other times
 * @property {number | null} started_at
 * @property {number | null} completed_at
 * @property {number | null} expires_at
 * @property {{ prompt: string, promptOptimizer: boolean, resolution: '768P' | '1080P', duration: 6 | 10,
 *   inputImageFirst: { content_type: string, size: number } | null, inputImageFirstUrl: string | null }} input
 * @property {{ content_type: string, size: number, sha256: string, etag: string } | null} output
 * @property {string | null} cost_usd
 * @property {{ code: string, message: string } | null} error
 * @property {string[]} [warnings]  codes, such as `first_frame_ignored`
 * @property {{ self: string, events: string, content: string | null, cancel: string }} urls
 */

/**
 * @typedef {object} VideoRequest
 * @property {string} prompt  1 to 2,000 characters
 * @property {boolean} [promptOptimizer]  default true
 * @property {'768P' | '1080P'} [resolution]  default 768P
 * @property {6 | 10} [duration]  default 6; 10 with 768P only
 * @property {Blob} [inputImageFirst]  JPEG, PNG or WebP, 20 MiB at most; or else
 * @property {string} [inputImageFirstUrl]  an https link
 */

/**
 * @typedef {object} Options
 * @property {string} [base]  where the Worker is, such as `https://videos.example.com`; default: where the page came from
 * @property {string} [token]  a client token, when the Worker wants one
 * @property {AbortSignal} [signal]
 */

/** @typedef {string | (() => Promise<string | undefined>)} Challenge */

/**
 * `live`: events come as they happen; `polling`: they are asked for; the others say that nothing comes for now.
 * @typedef {'live' | 'polling' | 'reconnecting' | 'offline'} Connection
 */

/**
 * @typedef {{ type: 'video', video: Video } | { type: 'log', stream: 'stdout' | 'stderr', text: string }
 *   | { type: 'connection', state: Connection }} WatchEvent
 */

const FIRST_EVENT_MS = 10_000;
/** Two keep-alives of the Worker and some more. */
const SILENCE_MS = 40_000;
const MAX_PAUSE_MS = 15_000;
/** The shape of every id; whether there is such a video, the Worker knows. */
const ID = /^vid_[a-z2-7]{40}$/;
const STATUSES = ['queued', 'in_progress', 'completed', 'failed', 'cancelled'];

/**
 * What the Worker answered (`code`, `errors` and so on as in its problem+json), or `unreachable`. A success whose body is not
 * what was asked for is 502 `upstream_error`: something else answered in the Worker's place.
 */
export class VideoError extends Error {
  /**
   * @param {number} status  0 when nothing was answered
   * @param {{ code?: string | undefined, detail?: string | undefined, request_id?: string | undefined,
   *   errors?: { field: string, message: string }[] }} problem
   * @param {number} [retryAfter]  seconds
   */
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? `The server answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? 'upstream_error';
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id;
    this.retryAfter = retryAfter;
  }

  /** Nobody knows whether the request arrived. */
  get isUnclear() {
    return this.status === 0 || (this.status >= 500 && !REFUSALS.includes(this.code));
  }
}

/** The 5xx after which it is known that nothing was started. */
const REFUSALS = ['misconfigured', 'upstream_unavailable'];

/** A key for one video, however often it is sent. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/**
 * Asks for a video. A lost connection is tried again with the same key, which never makes a second video.
 * @param {VideoRequest} request
 * @param {Options & { key?: string, patienceMs?: number, onRetry?: () => void, challenge?: Challenge }} [options]
 *   `patienceMs`: how long to try again what got no answer, default a minute; `challenge`: the token of a Turnstile
 *   challenge, when the Worker wants one, or what solves one for each try
 * @returns {Promise<Video>}
 */
export async function submit(
  request,
  { key = newKey(), patienceMs = 60_000, onRetry, challenge, ...options } = {},
) {
  const until = Date.now() + patienceMs;
  for (let failures = 0; ; failures++) {
    try {
      const { body, headers } = messageOf(request, key);
      const solved = typeof challenge === 'function' ? await challenge() : challenge;
      const init = {
        method: 'POST',
        body,
        headers: { ...headers, ...(solved && { 'turnstile-token': solved }) },
      };
      return await videoOf(call('/v1/videos', init, options));
    } catch (error) {
      if (!isUnreachable(error) || Date.now() > until) throw error;
      onRetry?.();
      await pause(failures, options.signal);
    }
  }
}

/**
 * How a video stands, from now until it has ended: the last event is its final Video. Cut connections are resumed where
 * they were; where streams do not get through, the Worker is asked instead.
 * @param {{ id: string }} video
 * @param {Options} [options]
 * @returns {AsyncGenerator<WatchEvent>}
 */
export async function* watch({ id }, options = {}) {
  let lastEventId = '';
  /** @type {Connection | undefined} */
  let connection;
  const at = (/** @type {Connection} */ state) => {
    connection = state;
    return /** @type {const} */ ({ type: 'connection', state });
  };
  for (let failures = 0; ; failures++) {
    try {
      for await (const { event, id: eventId, data } of events(id, lastEventId, options)) {
        failures = 0;
        if (connection !== 'live') yield at('live');
        lastEventId = eventId;
        const { stream, text } = Object(data);
        if (event === 'log' && (stream === 'stdout' || stream === 'stderr') && typeof text === 'string')
          yield { type: 'log', stream, text };
        if (event !== 'video') continue;
        const video = checkedVideo(data, id);
        yield { type: 'video', video };
        if (isFinal(video)) return;
      }
    } catch (error) {
      if (!isPassing(error, options.signal)) throw error;
    }
    try {
      const video = await get(id, options);
      if (failures > 0 && connection !== 'polling') yield at('polling');
      yield { type: 'video', video };
      if (isFinal(video)) return;
    } catch (error) {
      if (!isPassing(error, options.signal)) throw error;
      const state = isOffline() ? 'offline' : 'reconnecting';
      if (connection !== state) yield at(state);
    }
    await pause(failures, options.signal);
  }
}

/** @param {string} id @param {Options} [options] @returns {Promise<Video>} */
export async function get(id, options = {}) {
  return videoOf(call(pathOf(id), {}, options), id);
}

/** Stops a video that is being made. @param {string} id @param {Options} [options] @returns {Promise<Video>} */
export async function cancel(id, options = {}) {
  return videoOf(call(`${pathOf(id)}/cancel`, { method: 'POST' }, options), id);
}

/** Removes a video, its first frame and its record, for good. @param {string} id @param {Options} [options] */
export async function remove(id, options = {}) {
  await call(pathOf(id), { method: 'DELETE' }, options);
}

/**
 * The caller's own videos, newest first; needs a token. `after` is the `last_id` of the page before.
 * @param {Options & { limit?: number, after?: string | null }} [options]
 * @returns {Promise<{ data: Video[], last_id: string | null, has_more: boolean }>}
 */
export async function list({ limit = 20, after, ...options } = {}) {
  const query = new URLSearchParams({ limit: `${limit}`, ...(after ? { after } : {}) });
  const page = Object(await bodyOf(call(`/v1/videos?${query}`, {}, options)));
  if (!Array.isArray(page.data) || !page.data.every(isVideo)) throw wrongAnswer();
  return page;
}

/** Whether a value can be the id of a video. @param {unknown} value @returns {value is string} */
export function isId(value) {
  return typeof value === 'string' && ID.test(value);
}

/** Whether a value has the fields of a Video, so that it may be kept and shown. @param {any} value @returns {value is Video} */
export function isVideo(value) {
  const { id, status, stage, queue_position, progress, input, urls, error, warnings } = Object(value);
  const areTexts = (/** @type {unknown[]} */ fields) => fields.every((field) => typeof field === 'string');
  const areNumbers = (/** @type {unknown[]} */ fields) => fields.every(Number.isFinite);
  return (
    isId(id) &&
    STATUSES.includes(status) &&
    urls instanceof Object &&
    areTexts([stage, input?.prompt, input?.resolution, urls.content ?? '', value.cost_usd ?? '']) &&
    areTexts([input.inputImageFirstUrl ?? '', ...(error ? [error.code, error.message] : [])]) &&
    areNumbers([progress, value.created_at, input.duration, queue_position ?? 0]) &&
    areNumbers([value.started_at ?? 0, value.completed_at ?? 0, value.expires_at ?? 0]) &&
    (warnings === undefined || (Array.isArray(warnings) && areTexts(warnings)))
  );
}

/** @param {Video} video */
export function isFinal({ status }) {
  return status !== 'queued' && status !== 'in_progress';
}

/** @param {VideoRequest} request @param {string} key */
function messageOf(request, key) {
  const headers = { 'idempotency-key': key };
  if (!request.inputImageFirst) {
    return { body: JSON.stringify(request), headers: { ...headers, 'content-type': 'application/json' } };
  }
  const form = new FormData();
  for (const [name, value] of Object.entries(request))
    form.set(name, value instanceof Blob ? value : `${value}`);
  return { body: form, headers };
}

/** Where a video is. What cannot be an id is no part of an address. @param {string} id */
function pathOf(id) {
  if (!isId(id)) throw new VideoError(404, { code: 'not_found', detail: 'There is no video with this id.' });
  return `/v1/videos/${encodeURIComponent(id)}`;
}

/** @param {Promise<Response>} response @returns {Promise<unknown>} */
async function bodyOf(response) {
  const text = await (await response).text();
  try {
    return JSON.parse(text);
  } catch {
    throw wrongAnswer();
  }
}

/** @param {Promise<Response>} response @param {string} [id] */
async function videoOf(response, id) {
  return checkedVideo(await bodyOf(response), id);
}

/** @param {unknown} value @param {string} [id]  of the video that was asked for @returns {Video} */
function checkedVideo(value, id) {
  if (!isVideo(value) || (id !== undefined && value.id !== id)) throw wrongAnswer();
  return value;
}

function wrongAnswer() {
  return new VideoError(502, { code: 'upstream_error', detail: 'The answer is not one of this API.' });
}

/** A problem of which everything may be missing or of another type. @param {unknown} value */
function problemOf(value) {
  const { code, detail, request_id, errors } = Object(value);
  const text = (/** @type {unknown} */ field) => (typeof field === 'string' ? field : undefined);
  const list = Array.isArray(errors) ? errors.filter((one) => text(one?.field) && text(one.message)) : [];
  return { code: text(code), detail: text(detail), request_id: text(request_id), errors: list };
}

/** @param {string | undefined} base */
function originOf(base) {
  if (!base) return '';
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || /[?#]/.test(base))
    throw new TypeError('`base` must be an address such as https://videos.example.com');
  return base.replace(/\/+$/, '');
}

/** @param {string} path @param {RequestInit} init @param {Options} options */
async function call(path, init, { base, token, signal }) {
  const url = originOf(base) + path;
  const headers = new Headers(init.headers);
  if (token) headers.set('authorization', `Bearer ${token}`);
  const response = await fetch(url, { ...init, headers, ...(signal ? { signal } : {}) }).catch((error) => {
    if (signal?.aborted) throw error;
    throw new VideoError(0, { code: 'unreachable', detail: 'The server cannot be reached.' });
  });
  if (response.ok) return response;
  const problem = problemOf(await response.json().catch(() => undefined));
  throw new VideoError(response.status, problem, Number(response.headers.get('retry-after')) || undefined);
}

/**
 * Server-sent events by `fetch`, because EventSource can send no token. Ends when the stream does, is silent for too
 * long or the device goes offline.
 * @param {string} id @param {string} lastEventId @param {Options} options
 */
async function* events(id, lastEventId, options) {
  const attempt = new AbortController();
  const give = () => attempt.abort();
  globalThis.addEventListener?.('offline', give);
  let silence = setTimeout(give, FIRST_EVENT_MS);
  const signals = options.signal ? [attempt.signal, options.signal] : [attempt.signal];
  try {
    const headers = { accept: 'text/event-stream', ...(lastEventId ? { 'last-event-id': lastEventId } : {}) };
    const signal = AbortSignal.any(signals);
    const response = await call(
      `${pathOf(id)}/events`,
      { headers, cache: 'no-store' },
      { ...options, signal },
    );
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(give, SILENCE_MS);
      const blocks = (text + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = eventOf(block);
        if (event) yield event;
      }
    }
  } finally {
    clearTimeout(silence);
    globalThis.removeEventListener?.('offline', give);
    attempt.abort();
  }
}

/** @param {string} block */
function eventOf(block) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name && value !== undefined) fields[name] = name in fields ? `${fields[name]}\n${value}` : value;
  }
  if (fields.data === undefined) return undefined;
  // An id goes back in a header: anything but the Worker's own numbers is none.
  const id = /^\d+$/.test(fields.id ?? '') ? `${fields.id}` : '';
  return { event: fields.event ?? 'message', id, data: JSON.parse(fields.data) };
}

/** @param {unknown} error */
function isUnreachable(error) {
  // A gateway's answer, not the Worker's own.
  return error instanceof VideoError && (error.status === 0 || [502, 504].includes(error.status));
}

/** Whether it is worth while to go on watching. @param {unknown} error @param {AbortSignal | undefined} signal */
function isPassing(error, signal) {
  if (signal?.aborted) return false;
  return !(error instanceof VideoError) || error.status === 0 || error.status === 429 || error.status >= 500;
}

function isOffline() {
  return globalThis.navigator?.onLine === false;
}

/**
 * Waits longer after every failure, but not once there is a reason to hope: back online, or looked at again.
 * @param {number} failures @param {AbortSignal | undefined} signal
 */
async function pause(failures, signal) {
  const longest = Math.min(MAX_PAUSE_MS, 500 * 2 ** failures);
  const over = new AbortController();
  const until = { signal: over.signal };
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, longest * (0.5 + Math.random() / 2));
    until.signal.addEventListener('abort', () => clearTimeout(timer));
    signal?.addEventListener('abort', resolve, until);
    globalThis.addEventListener?.('online', resolve, until);
    globalThis.document?.addEventListener('visibilitychange', resolve, until);
  });
  over.abort();
  signal?.throwIfAborted();
}
