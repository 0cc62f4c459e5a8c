// The client token, for servers that want one. It stays in this browser.
import { list, VideoError } from './client.js';
import { byId, remark, setText } from './dom.js';
import { recall, remember } from './memory.js';
import { sha256 } from './sha256.js';
import { problemWords } from './words.js';

/** What can be sent in a header. */
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

/** The hash of each token that was in force. @type {Map<string, string>} */
const hashes = new Map();

/** Whose is what this browser keeps now. */
export const owner = () => ownerOf(token());

/** Whose is what belongs to a token: a hash of it; '' without one. @param {string | undefined} known */
export function ownerOf(known) {
  if (!known) return '';
  const hash = hashes.get(known) ?? sha256(known);
  hashes.set(known, hash);
  return hash;
}

/** For the calls of client.js. @param {AbortSignal} [signal] */
export function access(signal) {
  const known = token();
  return { ...(known ? { token: known } : {}), ...(signal ? { signal } : {}) };
}

/**
 * Asks for the token; once there is one, `andThen` goes on with what needed it.
 * @param {() => void} [andThen] @param {boolean} [isForm]  whether that is what the form holds
 */
export function wantToken(andThen, isForm = false) {
  then = andThen;
  isForForm = isForm;
  open();
}

/**
 * @param {(isContinued: boolean) => void} onChange  told when another token is in force, or none; and whether the form goes on
 *   with it
 */
export function startToken(onChange) {
  show();
  let current = owner();
  // Another tab may have changed it, also while this one was put aside.
  const look = () => {
    if (owner() === current) return;
    then = undefined;
    if (dialog.open) dialog.close();
    changed(false);
  };
  addEventListener('storage', look);
  addEventListener('pageshow', look);
  byId('token-open').addEventListener('click', () => wantToken());
  byId('token-cancel').addEventListener('click', () => dialog.close());
  byId('token-forget').addEventListener('click', () => {
    remember('token', null);
    dialog.close();
    changed(false);
    remark('The token is forgotten.');
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

/** Why a token is not taken; '' when it is. @param {string} candidate */
async function refusal(candidate) {
  if (!SHAPE.test(candidate)) return 'Paste the token as you were given it, without spaces.';
  try {
    await list({ token: candidate, limit: 1 });
    return '';
  } catch (error) {
    if (!(error instanceof VideoError)) throw error;
    if (error.status === 401 || error.status === 403)
      return 'The server does not take this token. Look for missing characters; some servers want none.';
    return error.isUnclear ? problemWords(error) : '';
  }
}
