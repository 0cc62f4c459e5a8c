// Tokens of Turnstile, for servers that want one with each submit. Cloudflare's widget is in a frame (challenge.html), and
// nothing of it is loaded where the server does not want it.
import { VideoError } from './client.js';
import { announce, byId, h } from './dom.js';

/** How long the widget may take as long as it asks nothing of the visitor. */
const PATIENCE_MS = 30_000;
/** How long what was loaded may take to say so. */
const GRACE_MS = 2000;

/** @typedef {{ protection?: string, turnstile_site_key?: string }} Health */
/** @typedef {{ ready?: true, asks?: boolean, token?: string, problem?: string }} Message  from the frame */

/** @type {Promise<Health> | undefined} */
let asking;
/** @type {Promise<HTMLIFrameElement> | undefined} */
let loading;

/** What the server says of itself; asked again until it answers. @returns {Promise<Health>} */
export async function health() {
  asking ??= fetch('/health').then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)));
  try {
    return Object(await asking);
  } catch {
    asking = undefined;
    return {};
  }
}

/** The server wants something else than it said: it is asked again. */
export function doubtHealth() {
  asking = undefined;
}

/** Whether a submit needs a token. */
export async function needsChallenge() {
  return (await health()).protection === 'turnstile';
}

/** Prepares the widget where there will be need of it. */
export async function startChallenges() {
  const { protection, turnstile_site_key: siteKey } = await health();
  if (protection === 'turnstile' && siteKey) await frame(siteKey).catch(() => {});
}

/**
 * A token that was not used yet; undefined where none is wanted, or nothing can be sent anyway.
 * @param {AbortSignal} signal @returns {Promise<string | undefined>}
 */
export async function challenge(signal) {
  const { protection, turnstile_site_key: siteKey } = await health();
  if (protection !== 'turnstile' || !navigator.onLine) return undefined;
  if (!siteKey) throw new VideoError(500, { code: 'misconfigured' });
  try {
    // What was loaded while there was no connection is loaded again.
    const element = await frame(siteKey).catch(() => frame(siteKey));
    element.contentWindow?.postMessage('solve', location.origin);
    return (await heard(element, 'token', signal)).token;
  } catch (error) {
    if (!navigator.onLine && !signal.aborted) return undefined;
    throw error;
  }
}

/** @param {string} siteKey */
function frame(siteKey) {
  loading ??= load(siteKey).catch((error) => {
    loading = undefined;
    byId('challenge').replaceChildren();
    throw error;
  });
  return loading;
}

/** @param {string} siteKey @returns {Promise<HTMLIFrameElement>} */
async function load(siteKey) {
  const element = h('iframe', { title: 'Are you human?', src: `/challenge#${encodeURIComponent(siteKey)}` });
  const silent = new AbortController();
  // Offline, what is loaded is an error that says nothing.
  element.addEventListener('load', () => setTimeout(() => silent.abort(failed()), GRACE_MS));
  byId('challenge').replaceChildren(element);
  await heard(element, 'ready', silent.signal);
  return element;
}

/**
 * The message of the frame that is waited for. While the widget asks something of the visitor, it is seen, and there is
 * no hurry.
 * @param {HTMLIFrameElement} element @param {'ready' | 'token'} wanted @param {AbortSignal} signal
 * @returns {Promise<Message>}
 */
async function heard(element, wanted, signal) {
  const over = new AbortController();
  const until = { signal: over.signal };
  try {
    return await new Promise((resolve, reject) => {
      if (signal.aborted) throw signal.reason;
      const giveUp = () => reject(failed());
      let patience = setTimeout(giveUp, PATIENCE_MS);
      over.signal.addEventListener('abort', () => clearTimeout(patience));
      signal.addEventListener('abort', () => reject(signal.reason), until);
      const listen = (/** @type {MessageEvent<Message>} */ { origin, source, data }) => {
        if (origin !== location.origin || source !== element.contentWindow) return;
        if (data.asks !== undefined) {
          clearTimeout(patience);
          if (!data.asks) patience = setTimeout(giveUp, PATIENCE_MS);
          element.classList.toggle('is-asking', data.asks);
          if (data.asks) announce('Show that you are human, above the button.');
        }
        if (data.problem !== undefined) giveUp();
        if (data[wanted] !== undefined) resolve(data);
      };
      addEventListener('message', listen, until);
    });
  } finally {
    over.abort();
    element.classList.remove('is-asking');
  }
}

function failed() {
  return new VideoError(403, { code: 'challenge_failed' });
}
