// Pending requests. Each request is stored with its key until its response arrives, so that a double click, a reload or a
// lost connection repeats the same request instead of making another. A request belongs to the token that it was first sent
// with, or to no token, and is never sent with another one.
import { newKey, submit, VideoError } from '../client.js';
import { challenge } from './human.js';
import { Shelf } from './memory.js';
import { owner, ownerOf } from './token.js';

/** @typedef {import('../client.js').VideoRequest} VideoRequest */
/**
 * `owner`: the hash of the token, '' for none; `isLost`: whether a response was lost.
 * @typedef {{ key: string, owner: string, request: VideoRequest, at: number, isLost?: boolean }} Attempt
 */
/** @typedef {{ signal: AbortSignal, onRetry: () => void, token: string | undefined }} Options */

/** After a reload, older requests are not sent automatically. */
const FRESH_MS = 10 * 60_000;

/** Refusals that happen before the server looks up the key: an earlier, lost attempt may have been accepted. */
const BEFORE_KEY_LOOKUP = ['unauthorized', 'origin_not_allowed', 'challenge_failed', 'rate_limited'];

/** @type {Shelf<Attempt>} */
const stored = new Shelf('outbox', isAttempt);

/**
 * The pending attempt for an equal request, or a new one.
 * @param {VideoRequest} request @returns {Promise<Attempt>}
 */
export async function attemptFor(request) {
  const mine = owner();
  for (const attempt of await stored.all()) {
    if (attempt.owner === mine && (await isSame(attempt.request, request))) return attempt;
  }
  return { key: newKey(), owner: mine, request, at: Date.now() };
}

/** @param {Attempt} attempt @param {Options} options */
export async function deliver(attempt, { token, signal, onRetry }) {
  if (attempt.owner !== ownerOf(token)) throw new Error('a request must be sent with its own token');
  await stored.put(attempt.key, attempt);
  const markLost = () => {
    attempt.isLost = true;
    return stored.put(attempt.key, attempt);
  };
  const patienceMs = Number.POSITIVE_INFINITY;
  try {
    const video = await submit(attempt.request, {
      key: attempt.key,
      patienceMs,
      onRetry: () => {
        markLost();
        onRetry();
      },
      challenge: () => challenge(signal),
      signal,
      ...(token ? { token } : {}),
    });
    await stored.delete(attempt.key);
    return video;
  } catch (error) {
    if (!(error instanceof VideoError) || error.isUnclear) await markLost();
    else if (!mayBeAccepted(attempt, error)) await stored.delete(attempt.key);
    throw error;
  }
}

/** Whether an earlier attempt may have been accepted in spite of this refusal. @param {Attempt} attempt @param {VideoError} error */
function mayBeAccepted({ isLost, owner }, { code }) {
  // A server that requires a token has not accepted a request without one.
  if (code === 'unauthorized' && owner === '') return false;
  return Boolean(isLost) && BEFORE_KEY_LOOKUP.includes(code);
}

/** The interrupted requests of the current token: fresh ones to send again, and old ones. */
export async function interrupted() {
  const mine = owner();
  const attempts = (await stored.all()).filter((attempt) => attempt.owner === mine);
  const isFresh = (/** @type {Attempt} */ { at }) => Date.now() - at < FRESH_MS;
  return { fresh: attempts.filter(isFresh), old: attempts.filter((attempt) => !isFresh(attempt)) };
}

/** @param {VideoRequest} one @param {VideoRequest} other */
async function isSame(one, other) {
  const { inputImageFirst: first, inputImageLast: last, ...rest } = one;
  const { inputImageFirst: otherFirst, inputImageLast: otherLast, ...otherRest } = other;
  if (JSON.stringify(rest) !== JSON.stringify(otherRest)) return false;
  return (await isSameBlob(first, otherFirst)) && (await isSameBlob(last, otherLast));
}

/** @param {Blob | null | undefined} image @param {Blob | null | undefined} otherImage */
async function isSameBlob(image, otherImage) {
  if (image?.size !== otherImage?.size) return false;
  if (!image || !otherImage) return true;
  const [bytes, otherBytes] = await Promise.all(
    [image, otherImage].map(async (blob) => new Uint8Array(await blob.arrayBuffer())),
  );
  return bytes?.every((byte, at) => byte === otherBytes?.[at]) ?? false;
}

/** @param {any} value @param {string} at  the key in the table */
function isAttempt(value, at) {
  const { key, owner, request, at: time } = Object(value);
  const { prompt, inputImageFirst, inputImageFirstUrl, inputImageLast, inputImageLastUrl } = Object(request);
  return (
    key === at &&
    /^[\x21-\x7e]{1,255}$/.test(key) &&
    typeof owner === 'string' &&
    Number.isFinite(time) &&
    typeof prompt === 'string' &&
    [inputImageFirst, inputImageLast].every((image) => image === undefined || image instanceof Blob) &&
    [inputImageFirstUrl, inputImageLastUrl].every((link) => link === undefined || typeof link === 'string')
  );
}
