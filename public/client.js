// A client of this Worker for browsers and Node, without dependencies. Import it from the Worker, or copy it into your app
// together with client-wire.js, and client.d.ts for TypeScript:
//
//   import { run } from './client.js';
//   const video = await run({ prompt: 'A paper boat drifts down a rainy street' }, { base: 'https://videos.example.com' });
//   console.log(video.urls.content);

import {
  eventsOf,
  given,
  hasVideoFields,
  ID,
  isOriginRefused,
  jsonOf,
  messageOf,
  pause,
  problemOf,
  serverOf,
  solved,
  startSilenceTimer,
} from './client-wire.js';

/** @typedef {'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled'} Status */

/**
 * @typedef {object} Video
 * @property {string} id
 * @property {string} model
 * @property {Status} status
 * @property {string} stage
 * @property {number | null} queue_position  counted from 1; null unless it is queued
 * @property {number} progress  0 to 100, never falls
 * @property {'upstream' | 'estimate' | 'none'} progress_source
 * @property {number} created_at  unix seconds, like the other times
 * @property {number | null} started_at
 * @property {number | null} completed_at
 * @property {number | null} expires_at
 * @property {{ prompt: string, promptOptimizer: boolean, resolution: string, duration: number,
 *   inputImageFirst: { content_type: string, size: number } | null, inputImageFirstUrl: string | null,
 *   inputImageLast?: { content_type: string, size: number }, inputImageLastUrl?: string }} input
 * @property {{ content_type: string, size: number, sha256: string, etag: string, width?: number, height?: number,
 *   duration_seconds?: number, fps?: number } | null} output
 * @property {string | null} cost_usd
 * @property {{ code: string, message: string } | null} error
 * @property {Record<string, string>} [metadata]
 * @property {string[]} [warnings]  codes, such as `first_frame_ignored`
 * @property {{ self: string, events: string, content: string | null, download?: string | null,
 *   thumbnail?: string | null, cancel: string }} urls
 */

/**
 * @typedef {object} VideoRequest  fields that are null or undefined count as missing
 * @property {string} prompt  1 to 2,000 characters
 * @property {string | null | undefined} [model]  a name of `GET /v1/models`, if the Worker offers several
 * @property {boolean | null | undefined} [promptOptimizer]  default true
 * @property {string | null | undefined} [resolution]  default 768P; or 1080P
 * @property {number | null | undefined} [duration]  in seconds, default 6; or 10, with 768P only
 * @property {Blob | null | undefined} [inputImageFirst]  JPEG, PNG or WebP, at most 20 MiB; or instead
 * @property {string | null | undefined} [inputImageFirstUrl]  an https URL
 * @property {Blob | null | undefined} [inputImageLast]  the last frame, if the model has one; or instead
 * @property {string | null | undefined} [inputImageLastUrl]  an https URL
 * @property {Record<string, string> | null | undefined} [metadata]  your own data, returned with the Video
 * @property {string | null | undefined} [callback_url]  an https URL that receives the end of the video; signed
 */

/**
 * @typedef {object} Options
 * @property {string | undefined} [base]  the URL of the Worker, such as `https://videos.example.com`; default: the origin of this file
 * @property {string | undefined} [token]  a client token, if the Worker requires one
 * @property {AbortSignal | undefined} [signal]
 */

/**
 * The token of a Turnstile challenge, or a function that solves one for each attempt, if the Worker requires it.
 * @typedef {string | (() => Promise<string | undefined>)} Challenge
 */

/**
 * `key`: the same key always gives the same video; `patienceMs`: how long lost requests are retried, default a minute.
 * @typedef {Options & { key?: string, patienceMs?: number, onRetry?: () => void, challenge?: Challenge }} SubmitOptions
 */

/**
 * `live`: events arrive as they happen; `polling`: the Worker is polled; the others mean that there is no connection.
 * @typedef {'live' | 'polling' | 'reconnecting' | 'offline'} Connection
 */

/**
 * `id`: the id of an event, from which `lastEventId` resumes.
 * @typedef {{ type: 'video', video: Video, id?: string } | { type: 'connection', state: Connection }
 *   | { type: 'log', stream: 'stdout' | 'stderr', text: string, id: string }} WatchEvent
 */

/** Codes of 5xx responses after which certainly nothing was started. */
const REFUSALS = ['misconfigured', 'upstream_unavailable', 'paused'];

/**
 * An error response of the Worker (`code`, `errors` and so on as in its problem+json), `unreachable`, or the failure of a
 * video. A success with an unexpected body is 502 `upstream_error`: it came from something other than the Worker.
 */
export class VideoError extends Error {
  /** The key that `submit` sent. Sending it again never makes a second video. @type {string | undefined} */
  key;
  /** The video that `run` waited for. `watch` can continue with it. @type {Video | undefined} */
  video;

  /**
   * @param {number} status  0 without a response
   * @param {{ code?: string | undefined, detail?: string | undefined, request_id?: string | undefined,
   *   errors?: { field: string, message: string }[] }} problem
   * @param {{ retryAfter?: number | undefined, cause?: unknown }} [more]  `retryAfter` in seconds
   */
  constructor(status, problem, { retryAfter, cause } = {}) {
    super(problem.detail ?? `The server answered ${status}.`, cause === undefined ? {} : { cause });
    this.name = 'VideoError';
    this.status = status;
    this.code = problem.code ?? 'upstream_error';
    this.errors = problem.errors ?? [];
    this.requestId = problem.request_id;
    this.retryAfter = retryAfter;
  }

  /** Whether it is unknown if the request was executed. */
  get isUnclear() {
    return this.status === 0 || (this.status >= 500 && !REFUSALS.includes(this.code));
  }
}

/** A new idempotency key. All requests with it are for one video. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Submits a video. After a lost connection the request is sent again with the same key, which never makes a second video.
 * @param {VideoRequest} request @param {SubmitOptions} [options] @returns {Promise<Video>}
 */
export async function submit(request, options = {}) {
  const { key = newKey(), patienceMs = 60_000, onRetry, challenge, ...rest } = options;
  const until = Date.now() + patienceMs;
  for (let failures = 0; ; failures++) {
    try {
      const { body, type } = messageOf(request);
      const headers = { 'idempotency-key': key, ...type, ...(await solved(challenge)) };
      return checkedVideo(await objectOf('/v1/videos', { method: 'POST', body, headers }, rest));
    } catch (error) {
      if (!(error instanceof VideoError)) throw error;
      error.key = key;
      // There was no response, or it came from something between here and the Worker.
      const isLost = error.status === 0 || (error.status >= 500 && error.code === 'upstream_error');
      if (!isLost || Date.now() + (error.retryAfter ?? 0) * 1000 > until) throw error;
      onRetry?.();
      await pause(failures, rest.signal, error.retryAfter);
    }
  }
}

/**
 * Submits a video and waits until it is completed. If it fails or is cancelled, throws a VideoError with the `video`.
 * @param {VideoRequest} request
 * @param {SubmitOptions & { onEvent?: (event: WatchEvent) => void }} [options]  `onEvent` gets the events of `watch`
 * @returns {Promise<Video>}
 */
export async function run(request, { onEvent, ...options } = {}) {
  let video = await submit(request, options);
  try {
    for await (const event of watch(video, options)) {
      if (event.type === 'video') video = event.video;
      onEvent?.(event);
    }
  } catch (error) {
    throw error instanceof VideoError ? Object.assign(error, { video }) : error;
  }
  if (video.status === 'completed') return video;
  const { code = 'cancelled', message = 'The video was cancelled.' } = video.error ?? {};
  throw Object.assign(new VideoError(200, { code, detail: message }), { video });
}
export { run as subscribe };

/**
 * The events of a video until it has ended; the last event is its final Video. Interrupted streams are resumed. If streams
 * do not work, the Worker is polled.
 * @param {string | { id: string }} video
 * @param {Options & { lastEventId?: string }} [options]  `lastEventId`: the id of the last event that was received
 * @returns {AsyncGenerator<WatchEvent>}
 */
export async function* watch(video, { lastEventId = '', ...options } = {}) {
  const id = idOf(video);
  let progress = 0;
  /** @type {Connection | undefined} */
  let connection;
  const connectionEvent = (/** @type {Connection} */ state) => {
    connection = state;
    return /** @type {const} */ ({ type: 'connection', state });
  };
  for (let failures = 0; ; failures++) {
    let retryAfter;
    try {
      for await (const { event, id: eventId, data } of events(id, lastEventId, options)) {
        failures = 0;
        if (connection !== 'live') yield connectionEvent('live');
        lastEventId = eventId || lastEventId;
        const { stream, text } = Object(parsed(data));
        if (event === 'log' && (stream === 'stdout' || stream === 'stderr') && typeof text === 'string')
          yield { type: 'log', stream, text, id: eventId };
        if (event !== 'video') continue;
        const video = checkedVideo(parsed(data), id);
        // The resumed stream may repeat events from before the latest poll.
        if (video.progress < progress && !isFinal(video)) continue;
        progress = video.progress;
        yield { type: 'video', video, id: eventId };
        if (isFinal(video)) return;
      }
    } catch (error) {
      if (!isTemporary(error)) throw error;
    }
    try {
      const video = await get(id, options);
      if (failures > 0 && connection !== 'polling') yield connectionEvent('polling');
      progress = video.progress;
      yield { type: 'video', video };
      if (isFinal(video)) return;
    } catch (error) {
      if (!isTemporary(error)) throw error;
      retryAfter = error.retryAfter;
      const state = globalThis.navigator?.onLine === false ? 'offline' : 'reconnecting';
      if (connection !== state) yield connectionEvent(state);
    }
    await pause(failures, options.signal, retryAfter);
  }
}

/** @param {string | { id: string }} video @param {Options} [options] @returns {Promise<Video>} */
export async function get(video, options = {}) {
  const id = idOf(video);
  return checkedVideo(await objectOf(`/v1/videos/${id}`, {}, options), id);
}

/** Cancels a video. @param {string | { id: string }} video @param {Options} [options] @returns {Promise<Video>} */
export async function cancel(video, options = {}) {
  const id = idOf(video);
  return checkedVideo(await objectOf(`/v1/videos/${id}/cancel`, { method: 'POST' }, options), id);
}

/** Deletes a video, its images and its record. @param {string | { id: string }} video @param {Options} [options] */
export async function remove(video, options = {}) {
  await call(`/v1/videos/${idOf(video)}`, { method: 'DELETE' }, options);
}

/**
 * The caller's own videos, newest first; needs a token. `after` is the `last_id` of the previous page; the others select
 * videos: `created_after` in unix seconds.
 * @param {Options & { limit?: number, after?: string | null, status?: Status | null, model?: string | null,
 *   created_after?: number | null }} [options]
 * @returns {Promise<{ data: Video[], last_id: string | null, has_more: boolean }>}
 */
export async function list({ limit = 20, after, status, model, created_after, ...options } = {}) {
  const query = new URLSearchParams(given({ limit, after, status, model, created_after }));
  const page = await objectOf(`/v1/videos?${query}`, {}, options);
  if (!Array.isArray(page.data) || !page.data.every(isVideo)) throw invalidResponse();
  return page;
}

/**
 * Uploads an image once; its `url` can be the `inputImageFirstUrl` of many videos. The URL is public: anyone who knows it can
 * see the image and its metadata, such as the location.
 * @param {Blob} file @param {Options & { challenge?: Challenge }} [options]
 * @returns {Promise<{ id: string, filename: string, bytes: number, content_type: string, url: string }>}
 */
export async function upload(file, { challenge, ...options } = {}) {
  const body = new FormData();
  body.set('file', file);
  const init = { method: 'POST', body, headers: await solved(challenge) };
  const uploaded = await objectOf('/v1/files', init, options);
  if (typeof uploaded.url !== 'string') throw invalidResponse();
  return uploaded;
}

/**
 * What the caller has spent today, and its limit, in US dollars; needs a token.
 * @param {Options} [options]
 * @returns {Promise<{ spent_usd: string, reserved_usd: string, limit_usd: string | null, resets_at: number }>}
 */
export async function usage(options = {}) {
  return objectOf('/v1/usage', {}, options);
}

/** Whether a value can be the id of a video. @param {unknown} value @returns {value is string} */
export function isId(value) {
  return typeof value === 'string' && ID.test(value);
}

/** Whether a value has the fields of a Video. @param {any} value @returns {value is Video} */
export function isVideo(value) {
  return isId(value?.id) && hasVideoFields(value);
}

/** @param {Video} video */
export function isFinal({ status }) {
  return status !== 'queued' && status !== 'in_progress';
}

/** The id, validated before it becomes part of a URL. @param {string | { id: string }} video */
function idOf(video) {
  const id = typeof video === 'string' ? video : video?.id;
  if (!isId(id)) throw new VideoError(404, { code: 'not_found', detail: 'There is no video with this id.' });
  return id;
}

/**
 * Sends a request and returns the JSON object of the response.
 * @param {string} path @param {RequestInit} init @param {Options} options @returns {Promise<any>}
 */
async function objectOf(path, init, options) {
  const response = await call(path, init, options);
  return Object(parsed(await fromNetwork(response.text(), options.signal)));
}

/** @param {string} text */
function parsed(text) {
  const value = jsonOf(text);
  if (value === undefined) throw invalidResponse();
  return value;
}

/** @param {unknown} value @param {string} [id]  the expected id @returns {Video} */
function checkedVideo(value, id) {
  if (!isVideo(value) || (id !== undefined && value.id !== id)) throw invalidResponse();
  return value;
}

function invalidResponse() {
  return new VideoError(502, { code: 'upstream_error', detail: 'The response does not come from this API.' });
}

/** @param {string} path @param {RequestInit} init @param {Options} options */
async function call(path, init, { base, token, signal }) {
  const server = serverOf(base);
  const headers = new Headers(init.headers);
  if (token) headers.set('authorization', `Bearer ${token}`);
  const request = fetch(server + path, { ...init, headers, signal: signal ?? null });
  const response = await fromNetwork(request, signal, server);
  if (response.ok) return response;
  const problem = problemOf(await response.json().catch(() => undefined));
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  throw new VideoError(response.status, problem, { retryAfter });
}

/**
 * Awaits the network. If it fails, throws a VideoError with the reason.
 * @template T @param {Promise<T>} pending @param {AbortSignal | undefined} signal @param {string} [server]
 */
async function fromNetwork(pending, signal, server) {
  try {
    return await pending;
  } catch (cause) {
    if (signal?.aborted) throw cause;
    if (!server || !(await isOriginRefused(server))) throw unreachable(cause);
    const detail = `${server} does not accept requests from pages of ${location.origin} (its ALLOWED_ORIGINS).`;
    throw new VideoError(403, { code: 'origin_not_allowed', detail }, { cause });
  }
}

/** @param {any} cause */
function unreachable(cause) {
  const reason = cause?.cause?.message || cause?.cause?.code || cause?.message;
  const detail = `The server cannot be reached${reason ? ` (${reason})` : ''}.`;
  return new VideoError(0, { code: 'unreachable', detail }, { cause });
}

/**
 * Reads server-sent events with `fetch`, because EventSource cannot send a token. Ends with the stream, after a long silence,
 * or when the device goes offline.
 * @param {string} id @param {string} lastEventId @param {Options} options
 */
async function* events(id, lastEventId, options) {
  const timer = startSilenceTimer();
  const signal = AbortSignal.any([timer.signal, ...(options.signal ? [options.signal] : [])]);
  try {
    const headers = { accept: 'text/event-stream', ...(lastEventId ? { 'last-event-id': lastEventId } : {}) };
    const init = { headers, cache: /** @type {const} */ ('no-store') };
    const { body } = await call(`/v1/videos/${id}/events`, init, { ...options, signal });
    const reader = body?.getReader();
    yield* eventsOf(async () => {
      const chunk = await fromNetwork(reader?.read() ?? Promise.reject(), signal);
      timer.restart();
      return chunk;
    });
  } catch (error) {
    throw timer.signal.aborted && !options.signal?.aborted ? unreachable(error) : error;
  } finally {
    timer.stop();
  }
}

/** Whether the error is temporary, so that watching continues. @param {unknown} error @returns {error is VideoError} */
function isTemporary(error) {
  return error instanceof VideoError && (error.status === 0 || error.status === 429 || error.status >= 500);
}
