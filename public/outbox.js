// What was sent and not answered yet. Each request is kept with its key until its answer was seen, so that a double
// click, a reload or a lost connection sends the same one again instead of another.
import { newKey, submit, VideoError } from './client.js';
import { challenge } from './human.js';
import { Shelf } from './memory.js';

/** @typedef {import('./client.js').VideoRequest} VideoRequest */
/** @typedef {{ key: string, request: VideoRequest, at: number, isLost?: boolean }} Attempt  lost: an answer was */

/** After a reload, what is older than this is not sent without being asked for again. */
const FRESH_MS = 10 * 60_000;

/** Refusals that come before it is looked whether the key is known: a lost try may have been taken all the same. */
const BEFORE_THE_KEY = ['unauthorized', 'origin_not_allowed', 'challenge_failed', 'rate_limited'];

/** @type {Shelf<Attempt>} */
const shelf = new Shelf('outbox');

/**
 * Sends a request, with the key of the same request if that one's answer was never seen.
 * @param {VideoRequest} request @param {{ token: string | undefined, signal: AbortSignal, onRetry: () => void }} options
 */
export async function send(request, options) {
  const attempts = await shelf.all();
  const earlier = (
    await Promise.all(attempts.map(async (one) => ((await isSame(one.request, request)) ? [one] : [])))
  ).flat();
  return deliver(earlier[0] ?? { key: newKey(), request, at: Date.now() }, options);
}

/** @param {Attempt} attempt @param {{ token: string | undefined, signal: AbortSignal, onRetry: () => void }} options */
export async function deliver(attempt, { token, signal, onRetry }) {
  await shelf.put(attempt.key, attempt);
  const lose = () => {
    attempt.isLost = true;
    return shelf.put(attempt.key, attempt);
  };
  const patienceMs = Number.POSITIVE_INFINITY;
  try {
    const video = await submit(attempt.request, {
      key: attempt.key,
      patienceMs,
      onRetry: () => {
        lose();
        onRetry();
      },
      challenge: () => challenge(signal),
      signal,
      ...(token ? { token } : {}),
    });
    await shelf.delete(attempt.key);
    return video;
  } catch (error) {
    if (!(error instanceof VideoError) || error.isUnclear) await lose();
    else if (!attempt.isLost || !BEFORE_THE_KEY.includes(error.code)) await shelf.delete(attempt.key);
    throw error;
  }
}

/** What a reload interrupted: to be sent on, and what is too old for that. */
export async function interrupted() {
  const attempts = await shelf.all();
  const isFresh = (/** @type {Attempt} */ { at }) => Date.now() - at < FRESH_MS;
  return { fresh: attempts.filter(isFresh), old: attempts.filter((attempt) => !isFresh(attempt)) };
}

/** @param {VideoRequest} one @param {VideoRequest} other */
async function isSame(one, other) {
  const { inputImageFirst: image, ...rest } = one;
  const { inputImageFirst: otherImage, ...otherRest } = other;
  if (JSON.stringify(rest) !== JSON.stringify(otherRest) || image?.size !== otherImage?.size) return false;
  if (!image || !otherImage) return true;
  const [bytes, otherBytes] = await Promise.all(
    [image, otherImage].map(async (blob) => new Uint8Array(await blob.arrayBuffer())),
  );
  return bytes?.every((byte, at) => byte === otherBytes?.[at]) ?? false;
}
