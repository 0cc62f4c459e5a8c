// A poster image of each video, stored in this browser: the server's thumbnail, or else captured from the video.
import { Shelf } from './memory.js';

const WIDTH = 480;
const TIMEOUT_MS = 20_000;

/** @type {Shelf<Blob>} */
const shelf = new Shelf('posters', (value) => value instanceof Blob);
/** Posters are captured one at a time, so that they do not slow down the player. */
let turn = Promise.resolve();
/** The URL of each poster that exists or is being captured. @type {Map<string, Promise<string | undefined>>} */
const links = new Map();

/**
 * The URL of the poster of a completed video; undefined if there is none.
 * @param {string} id @param {string} source @param {string | undefined} thumbnail  their URLs
 */
export async function posterOf(id, source, thumbnail) {
  const link = links.get(id) ?? linkTo(id, source, thumbnail);
  links.set(id, link);
  // The next call tries again.
  if (!(await link) && links.get(id) === link) links.delete(id);
  return link;
}

/** @param {string} id */
export async function dropPoster(id) {
  const link = links.get(id);
  links.delete(id);
  URL.revokeObjectURL((await link) ?? '');
  await shelf.delete(id);
}

/** @param {string} id @param {string} source @param {string | undefined} thumbnail */
async function linkTo(id, source, thumbnail) {
  const kept = await shelf.get(id);
  if (kept) return URL.createObjectURL(kept);
  const poster = (await loaded(thumbnail)) ?? (await captured(source));
  if (!poster) return undefined;
  await shelf.put(id, poster);
  return URL.createObjectURL(poster);
}

/** The server's image; undefined if it cannot make one. @param {string | undefined} thumbnail */
async function loaded(thumbnail) {
  if (!thumbnail) return undefined;
  try {
    const response = await fetch(thumbnail, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const isImage = response.headers.get('content-type') === 'image/jpeg';
    return response.ok && isImage ? await response.blob() : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} source */
function captured(source) {
  const mine = turn.then(() => take(source)).catch(() => undefined);
  turn = mine.then(() => {});
  return mine;
}

/** @param {string} source @returns {Promise<Blob | undefined>} */
async function take(source) {
  const video = document.createElement('video');
  video.muted = true;
  video.preload = 'auto';
  video.src = source;
  try {
    await next(video, 'loadedmetadata');
    // Not the first frame, which is often dark.
    video.currentTime = Math.min(1, video.duration / 3);
    await next(video, 'seeked');
    const canvas = document.createElement('canvas');
    canvas.width = Math.min(WIDTH, video.videoWidth);
    canvas.height = Math.round((canvas.width / video.videoWidth) * video.videoHeight);
    canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) =>
      canvas.toBlob((blob) => resolve(blob ?? undefined), 'image/webp', 0.8),
    );
  } finally {
    video.removeAttribute('src');
    video.load();
  }
}

/** @param {HTMLVideoElement} video @param {string} event */
function next(video, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('timeout')), TIMEOUT_MS);
    const settle = (/** @type {() => void} */ how) => () => {
      clearTimeout(timer);
      how();
    };
    video.addEventListener(
      event,
      settle(() => resolve(undefined)),
      { once: true },
    );
    video.addEventListener(
      'error',
      settle(() => reject(video.error)),
      { once: true },
    );
  });
}
