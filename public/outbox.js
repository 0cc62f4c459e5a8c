// What was sent and not answered yet. Each request is kept with its key until its answer was seen, so that a double
// click, a reload or a lost connection sends the same one again instead of another. It belongs to the token that it was first
// sent with, or to nobody; it waits for that one, and is not sent with any other.
import { newKey, submit, VideoError } from './client.js';
import { challenge } from './human.js';
import { Shelf } from './memory.js';
import { owner, ownerOf } from './token.js';

/** @typedef {import('./client.js').VideoRequest} VideoRequest */
/**
 * `owner`: the hash of the token, '' for none; `isLost`: an answer was.
 * @typedef {{ key: string, owner: string, request: VideoRequest, at: number, isLost?: boolean }} Attempt
 */
/** @typedef {{ signal: AbortSignal, onRetry: () => void, token: string | undefined }} Options */

/** After a reload, what is older than this is not sent without being asked for again. */
const FRESH_MS = 10 * 60_000;

/** Refusals that come before it is looked whether the key is known: a lost try may have been taken all the same. */
const BEFORE_THE_KEY = ['unauthorized', 'origin_not_allowed', 'challenge_failed', 'rate_limited'];

/** @type {Shelf<Attempt>} */
const shelf = new Shelf('outbox', isAttempt);

/**
 * What is to be sent for a request: what was sent for the same one, if that one's answer was never seen.
 * @param {VideoRequest} request @returns {Promise<Attempt>}
 */
export async function attemptFor(request) {
  const mine = owner();
  for (const attempt of await shelf.all()) {
    if (attempt.owner === mine && (await isSame(attempt.request, request))) return attempt;
  }
  return { key: newKey(), owner: mine, request, at: Date.now() };
}

/** @param {Attempt} attempt @param {Options} options */
export async function deliver(attempt, { token, signal, onRetry }) {
  if (attempt.owner !== ownerOf(token))
    throw new Error('a request is sent with the token that it belongs to');
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
    else if (!mayBeTaken(attempt, error)) await shelf.delete(attempt.key);
    throw error;
  }
}

/** Whether an earlier try may have been taken, whatever this refusal says. @param {Attempt} attempt @param {VideoError} error */
function mayBeTaken({ isLost, owner }, { code }) {
  // A server that wants a token has not taken anything without one.
  if (code === 'unauthorized' && owner === '') return false;
  return Boolean(isLost) && BEFORE_THE_KEY.includes(code);
}

/** What a reload interrupted, of the current token alone: to be sent on, and what is too old for that. */
export async function interrupted() {
  const mine = owner();
  const attempts = (await shelf.all()).filter((attempt) => attempt.owner === mine);
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
