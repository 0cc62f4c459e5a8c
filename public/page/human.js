// Turnstile tokens, for servers that require one with each submit. Cloudflare's widget is in a frame (challenge.html), which
// is loaded only if the server requires it.
import { VideoError } from '../client.js';
import { announce, byId, h } from './dom.js';

/** Timeout for the widget while it does not need the user. */
const WIDGET_TIMEOUT_MS = 30_000;
/** Timeout for the first message after the frame was loaded. */
const READY_TIMEOUT_MS = 2000;

/** @typedef {{ protection?: string, turnstile_site_key?: string }} Health */
/** @typedef {{ ready?: true, asks?: boolean, token?: string, problem?: string }} Message  from the frame */

/** @type {Promise<Health> | undefined} */
let asking;
/** @type {Promise<HTMLIFrameElement> | undefined} */
let loading;

/** The response of /health; requested again until it succeeds. @returns {Promise<Health>} */
export async function health() {
  asking ??= fetch('/health').then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)));
  try {
    return Object(await asking);
  } catch {
    asking = undefined;
    return {};
  }
}

/** Forgets the response of /health, because the server has changed. */
export function forgetHealth() {
  asking = undefined;
}

/** Whether a submit needs a Turnstile token. */
export async function needsChallenge() {
  return (await health()).protection === 'turnstile';
}

/** Loads the widget, if submits need it. */
export async function startChallenges() {
  const { protection, turnstile_site_key: siteKey } = await health();
  if (protection === 'turnstile' && siteKey) await frame(siteKey).catch(() => {});
}

/**
 * A new token; undefined if none is needed, or if the device is offline.
 * @param {AbortSignal} signal @returns {Promise<string | undefined>}
 */
export async function challenge(signal) {
  const { protection, turnstile_site_key: siteKey } = await health();
  if (protection !== 'turnstile' || !navigator.onLine) return undefined;
  if (!siteKey) throw new VideoError(500, { code: 'misconfigured' });
  try {
    // If loading failed, for example offline, load it again.
    const element = await frame(siteKey).catch(() => frame(siteKey));
    element.contentWindow?.postMessage('solve', location.origin);
    return (await waitForMessage(element, 'token', signal)).token;
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
  // Offline the frame contains an error page that sends no message.
  element.addEventListener('load', () => setTimeout(() => silent.abort(failed()), READY_TIMEOUT_MS));
  byId('challenge').replaceChildren(element);
  await waitForMessage(element, 'ready', silent.signal);
  return element;
}

/**
 * Waits for a message of the frame. While the widget needs the user, it is visible and there is no timeout.
 * @param {HTMLIFrameElement} element @param {'ready' | 'token'} wanted @param {AbortSignal} signal
 * @returns {Promise<Message>}
 */
async function waitForMessage(element, wanted, signal) {
  const over = new AbortController();
  const until = { signal: over.signal };
  try {
    return await new Promise((resolve, reject) => {
      if (signal.aborted) throw signal.reason;
      const fail = () => reject(failed());
      let timer = setTimeout(fail, WIDGET_TIMEOUT_MS);
      over.signal.addEventListener('abort', () => clearTimeout(timer));
      signal.addEventListener('abort', () => reject(signal.reason), until);
      const listen = (/** @type {MessageEvent<Message>} */ { origin, source, data }) => {
        if (origin !== location.origin || source !== element.contentWindow) return;
        if (data.asks !== undefined) {
          clearTimeout(timer);
          if (!data.asks) timer = setTimeout(fail, WIDGET_TIMEOUT_MS);
          element.classList.toggle('is-asking', data.asks);
          if (data.asks) announce('Please confirm that you are human, above the button.');
        }
        if (data.problem !== undefined) fail();
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
