// A client of this Worker for browsers and Node, without dependencies. Import it from the Worker, or copy it into your app
// together with client-wire.js, and client.d.ts for TypeScript:
//
//   import { run } from './client.js';
//   const video = await run({ prompt: 'A paper boat drifts down a rainy street' }, { base: 'https://videos.example.com' });
//   console.log(video.urls.content);

import {
  eventsOf,
  hasVideoFields,
  isOriginRefused,
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
 * @property {number | null} queue_position  from 1, while it waits in line
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
 * @property {{ self: string, events: string, content: string | null, download?: string | null, cancel: string }} urls
 */

/**
 * @typedef {object} VideoRequest  what is null or undefined counts as missing
 * @property {string} prompt  1 to 2,000 characters
 * @property {string | null | undefined} [model]  a name of `GET /v1/models`, where the Worker offers several
 * @property {boolean | null | undefined} [promptOptimizer]  default true
 * @property {string | null | undefined} [resolution]  default 768P; or 1080P
 * @property {number | null | undefined} [duration]  in seconds, default 6; or 10, with 768P only
 * @property {Blob | null | undefined} [inputImageFirst]  JPEG, PNG or WebP, 20 MiB at most; or else
 * @property {string | null | undefined} [inputImageFirstUrl]  an https link
 * @property {Blob | null | undefined} [inputImageLast]  the last frame, where the model has one; or else
 * @property {string | null | undefined} [inputImageLastUrl]  an https link
 * @property {Record<string, string> | null | undefined} [metadata]  your own, returned with the Video
 */

/**
 * @typedef {object} Options
 * @property {string | undefined} [base]  where the Worker is, such as `https://videos.example.com`; default: where this file was loaded from
 * @property {string | undefined} [token]  a client token, when the Worker wants one
 * @property {AbortSignal | undefined} [signal]
 */

/**
 * The token of a Turnstile challenge, or what solves one for each try, when the Worker wants one.
 * @typedef {string | (() => Promise<string | undefined>)} Challenge
 */

/**
 * `key`: the same key is the same video; `patienceMs`: how long to try again what got no answer, default a minute.
 * @typedef {Options & { key?: string, patienceMs?: number, onRetry?: () => void, challenge?: Challenge }} SubmitOptions
 */

/**
 * `live`: events come as they happen; `polling`: they are asked for; the others say that nothing comes for now.
 * @typedef {'live' | 'polling' | 'reconnecting' | 'offline'} Connection
 */

/**
 * `id`: of an event of the stream, from which `lastEventId` goes on.
 * @typedef {{ type: 'video', video: Video, id?: string } | { type: 'connection', state: Connection }
 *   | { type: 'log', stream: 'stdout' | 'stderr', text: string, id: string }} WatchEvent
 */

/** The shape of every id; whether there is such a video, the Worker knows. */
const ID = /^vid_[a-z2-7]{40}$/;
/** The 5xx after which it is known that nothing was started. */
const REFUSALS = ['misconfigured', 'upstream_unavailable', 'paused'];

/**
 * What the Worker answered (`code`, `errors` and so on as in its problem+json), `unreachable`, or how a video failed. A success
 * whose body is not what was asked for is 502 `upstream_error`: something else answered in the Worker's place.
 */
export class VideoError extends Error {
  /** The key that `submit` sent: with the same one it never makes a second video. @type {string | undefined} */
  key;
  /** The video that `run` waited for: `watch` can go on with it. @type {Video | undefined} */
  video;

  /**
   * @param {number} status  0 when nothing was answered
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

  /** Nobody knows whether the request arrived. */
  get isUnclear() {
    return this.status === 0 || (this.status >= 500 && !REFUSALS.includes(this.code));
  }
}

/** A key for one video, however often it is sent. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Asks for a video. A lost connection is tried again with the same key, which never makes a second video.
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
      // Nothing, or an answer of something else between here and the Worker.
      const isLost = error.status === 0 || (error.status >= 500 && error.code === 'upstream_error');
      if (!isLost || Date.now() + (error.retryAfter ?? 0) * 1000 > until) throw error;
      onRetry?.();
      await pause(failures, rest.signal, error.retryAfter);
    }
  }
}

/**
 * Asks for a video and waits until it is completed. If it fails or is cancelled, throws a VideoError that has the `video`.
 * @param {VideoRequest} request
 * @param {SubmitOptions & { onEvent?: (event: WatchEvent) => void }} [options]  `onEvent` gets what `watch` would tell
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
 * How a video stands, from now until it has ended: the last event is its final Video. Cut connections are resumed where
 * they were; where streams do not get through, the Worker is asked instead.
 * @param {string | { id: string }} video
 * @param {Options & { lastEventId?: string }} [options]  `lastEventId`: of the last event that was seen already
 * @returns {AsyncGenerator<WatchEvent>}
 */
export async function* watch(video, { lastEventId = '', ...options } = {}) {
  const id = idOf(video);
  let progress = 0;
  /** @type {Connection | undefined} */
  let connection;
  const at = (/** @type {Connection} */ state) => {
    connection = state;
    return /** @type {const} */ ({ type: 'connection', state });
  };
  for (let failures = 0; ; failures++) {
    let retryAfter;
    try {
      for await (const { event, id: eventId, data } of events(id, lastEventId, options)) {
        failures = 0;
        if (connection !== 'live') yield at('live');
        lastEventId = eventId || lastEventId;
        const { stream, text } = Object(parsed(data));
        if (event === 'log' && (stream === 'stdout' || stream === 'stderr') && typeof text === 'string')
          yield { type: 'log', stream, text, id: eventId };
        if (event !== 'video') continue;
        const video = checkedVideo(parsed(data), id);
        // The stream goes on where it was cut, which may be before what was asked for meanwhile.
        if (video.progress < progress && !isFinal(video)) continue;
        progress = video.progress;
        yield { type: 'video', video, id: eventId };
        if (isFinal(video)) return;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
    try {
      const video = await get(id, options);
      if (failures > 0 && connection !== 'polling') yield at('polling');
      progress = video.progress;
      yield { type: 'video', video };
      if (isFinal(video)) return;
    } catch (error) {
      if (!isPassing(error)) throw error;
      retryAfter = error.retryAfter;
      const state = globalThis.navigator?.onLine === false ? 'offline' : 'reconnecting';
      if (connection !== state) yield at(state);
    }
    await pause(failures, options.signal, retryAfter);
  }
}

/** @param {string | { id: string }} video @param {Options} [options] @returns {Promise<Video>} */
export async function get(video, options = {}) {
  const id = idOf(video);
  return checkedVideo(await objectOf(`/v1/videos/${id}`, {}, options), id);
}

/** Stops a video that is being made. @param {string | { id: string }} video @param {Options} [options] @returns {Promise<Video>} */
export async function cancel(video, options = {}) {
  const id = idOf(video);
  return checkedVideo(await objectOf(`/v1/videos/${id}/cancel`, { method: 'POST' }, options), id);
}

/** Removes a video, its first frame and its record, for good. @param {string | { id: string }} video @param {Options} [options] */
export async function remove(video, options = {}) {
  await call(`/v1/videos/${idOf(video)}`, { method: 'DELETE' }, options);
}

/**
 * The caller's own videos, newest first; needs a token. `after` is the `last_id` of the page before.
 * @param {Options & { limit?: number, after?: string | null }} [options]
 * @returns {Promise<{ data: Video[], last_id: string | null, has_more: boolean }>}
 */
export async function list({ limit = 20, after, ...options } = {}) {
  const query = new URLSearchParams({ limit: `${limit}`, ...(after ? { after } : {}) });
  const page = await objectOf(`/v1/videos?${query}`, {}, options);
  if (!Array.isArray(page.data) || !page.data.every(isVideo)) throw wrongAnswer();
  return page;
}

/**
 * Uploads a picture once; its `url` can be the `inputImageFirstUrl` of many videos. It is public: whoever knows it sees the
 * picture, with what the camera wrote into the file, such as the place.
 * @param {Blob} file @param {Options & { challenge?: Challenge }} [options]
 * @returns {Promise<{ id: string, filename: string, bytes: number, content_type: string, url: string }>}
 */
export async function upload(file, { challenge, ...options } = {}) {
  const body = new FormData();
  body.set('file', file);
  const uploaded = await objectOf(
    '/v1/files',
    { method: 'POST', body, headers: await solved(challenge) },
    options,
  );
  if (typeof uploaded.url !== 'string') throw wrongAnswer();
  return uploaded;
}

/**
 * What the caller has spent today, and may spend, in US dollars; needs a token.
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

/** Whether a value has the fields of a Video, so that it may be kept and shown. @param {any} value @returns {value is Video} */
export function isVideo(value) {
  return isId(value?.id) && hasVideoFields(value);
}

/** @param {Video} video */
export function isFinal({ status }) {
  return status !== 'queued' && status !== 'in_progress';
}

/** What cannot be an id is no part of an address. @param {string | { id: string }} video */
function idOf(video) {
  const id = typeof video === 'string' ? video : video?.id;
  if (!isId(id)) throw new VideoError(404, { code: 'not_found', detail: 'There is no video with this id.' });
  return id;
}

/**
 * The JSON object of an answer.
 * @param {string} path @param {RequestInit} init @param {Options} options @returns {Promise<any>}
 */
async function objectOf(path, init, options) {
  const response = await call(path, init, options);
  return Object(parsed(await reached(response.text(), options.signal)));
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw wrongAnswer();
  }
}

/** @param {unknown} value @param {string} [id]  of the video that was asked for @returns {Video} */
function checkedVideo(value, id) {
  if (!isVideo(value) || (id !== undefined && value.id !== id)) throw wrongAnswer();
  return value;
}

function wrongAnswer() {
  return new VideoError(502, { code: 'upstream_error', detail: 'The answer is not one of this API.' });
}

/** @param {string} path @param {RequestInit} init @param {Options} options */
async function call(path, init, { base, token, signal }) {
  const server = serverOf(base);
  const headers = new Headers(init.headers);
  if (token) headers.set('authorization', `Bearer ${token}`);
  const request = fetch(server + path, { ...init, headers, signal: signal ?? null });
  const response = await reached(request, signal, server);
  if (response.ok) return response;
  const problem = problemOf(await response.json().catch(() => undefined));
  const retryAfter = Number(response.headers.get('retry-after')) || undefined;
  throw new VideoError(response.status, problem, { retryAfter });
}

/**
 * What the network brings; where it brings nothing, a VideoError that says why.
 * @template T @param {Promise<T>} coming @param {AbortSignal | undefined} signal @param {string} [server]
 */
async function reached(coming, signal, server) {
  try {
    return await coming;
  } catch (cause) {
    if (signal?.aborted) throw cause;
    if (!server || !(await isOriginRefused(server))) throw unreachable(cause);
    const detail = `${server} does not take requests from pages of ${location.origin} (its ALLOWED_ORIGINS).`;
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
 * Server-sent events by `fetch`, because EventSource can send no token. Ends when the stream does, is silent for too
 * long or the device goes offline.
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
      const piece = await reached(reader?.read() ?? Promise.reject(), signal);
      timer.restart();
      return piece;
    });
  } catch (error) {
    throw timer.signal.aborted && !options.signal?.aborted ? unreachable(error) : error;
  } finally {
    timer.stop();
  }
}

/** Whether it is worth while to go on watching. @param {unknown} error @returns {error is VideoError} */
function isPassing(error) {
  return error instanceof VideoError && (error.status === 0 || error.status === 429 || error.status >= 500);
}
