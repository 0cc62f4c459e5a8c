// The client token, for servers that require one. It is stored in this browser.
import { list, VideoError } from '../client.js';
import { byId, remark, setText } from './dom.js';
import { recall, remember } from './memory.js';
import { sha256 } from './sha256.js';
import { problemWords } from './words.js';

/** The characters that are allowed in a header. */
const SHAPE = /^[\x21-\x7e]+$/;

const dialog = byId('token-dialog');
const input = byId('token');
/** @type {(() => void) | undefined} */
let then;
let isForForm = false;

/** @returns {string | undefined} */
export const token = () => recall('token', isToken) ?? undefined;

/** @param {unknown} value @returns {value is string} */
function isToken(value) {
  return typeof value === 'string' && SHAPE.test(value);
}

/** The hash of each token that was used. @type {Map<string, string>} */
const hashes = new Map();

/** The current owner of stored data. */
export const owner = () => ownerOf(token());

/** The owner for a token: its hash; '' without a token. @param {string | undefined} known */
export function ownerOf(known) {
  if (!known) return '';
  const hash = hashes.get(known) ?? sha256(known);
  hashes.set(known, hash);
  return hash;
}

/** The options for calls of client.js. @param {AbortSignal} [signal] */
export function access(signal) {
  const known = token();
  return { ...(known ? { token: known } : {}), ...(signal ? { signal } : {}) };
}

/**
 * Asks the user for a token, then calls `andThen`.
 * @param {() => void} [andThen] @param {boolean} [isForm]  whether `andThen` submits the form
 */
export function requestToken(andThen, isForm = false) {
  then = andThen;
  isForForm = isForm;
  open();
}

/**
 * @param {(isContinued: boolean) => void} onChange  called when the token has changed; `isContinued`: the form keeps
 *   its inputs
 */
export function startToken(onChange) {
  show();
  let current = owner();
  // Another tab may have changed the token, also while this page was in the back-forward cache.
  const checkForChange = () => {
    if (owner() === current) return;
    then = undefined;
    if (dialog.open) dialog.close();
    changed(false);
  };
  addEventListener('storage', checkForChange);
  addEventListener('pageshow', checkForChange);
  byId('token-open').addEventListener('click', () => requestToken());
  byId('token-cancel').addEventListener('click', () => dialog.close());
  byId('token-forget').addEventListener('click', () => {
    remember('token', null);
    dialog.close();
    changed(false);
    remark('The token was removed.');
  });
  byId('token-form').addEventListener('submit', async (/** @type {Event} */ event) => {
    event.preventDefault();
    const candidate = input.value.trim();
    const problem = await refusal(candidate);
    setText(byId('token-error'), problem);
    input.setAttribute('aria-invalid', `${problem !== ''}`);
    if (problem) return input.focus();
    remember('token', candidate);
    const goOn = then;
    dialog.close();
    changed(isForForm);
    remark('The token is kept in this browser.');
    goOn?.();
  });

  /** @param {boolean} isContinued */
  function changed(isContinued) {
    current = owner();
    show();
    onChange(isContinued);
  }
}

function open() {
  input.value = token() ?? '';
  byId('token-forget').hidden = !token();
  setText(byId('token-error'), '');
  dialog.showModal();
}

function show() {
  setText(byId('token-open'), token() ? 'Token ✓' : 'Token');
}

/** The reason why a token is not accepted; '' if it is. @param {string} candidate */
async function refusal(candidate) {
  if (!SHAPE.test(candidate)) return 'Paste the token as you were given it, without spaces.';
  try {
    await list({ token: candidate, limit: 1 });
    return '';
  } catch (error) {
    if (!(error instanceof VideoError)) throw error;
    if (error.status === 401 || error.status === 403)
      return 'The server does not accept this token. Check for missing characters; some servers need no token.';
    return error.isUnclear ? problemWords(error) : '';
  }
}
