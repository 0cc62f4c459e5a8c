// The client token, for servers that want one. It stays in this browser.
import { list, VideoError } from './client.js';
import { byId, remark, setText } from './dom.js';
import { recall, remember } from './memory.js';
import { problemWords } from './words.js';

const dialog = byId('token-dialog');
const input = byId('token');
/** @type {(() => void) | undefined} */
let then;

/** @returns {string | undefined} */
export const token = () => recall('token') ?? undefined;

/** For the calls of client.js. @param {AbortSignal} [signal] */
export function access(signal) {
  const known = token();
  return { ...(known ? { token: known } : {}), ...(signal ? { signal } : {}) };
}

/** Asks for the token; once there is one, `andThen` goes on with what needed it. @param {() => void} [andThen] */
export function wantToken(andThen) {
  then = andThen;
  open();
}

/** @param {() => void} onChange  told when another token is in force, or none */
export function startToken(onChange) {
  show();
  byId('token-open').addEventListener('click', () => wantToken());
  byId('token-cancel').addEventListener('click', () => dialog.close());
  byId('token-forget').addEventListener('click', () => {
    remember('token', null);
    dialog.close();
    changed('The token is forgotten.');
  });
  byId('token-form').addEventListener('submit', async (/** @type {Event} */ event) => {
    event.preventDefault();
    const problem = await refusal(input.value.trim());
    setText(byId('token-error'), problem);
    input.setAttribute('aria-invalid', `${problem !== ''}`);
    if (problem) return input.focus();
    remember('token', input.value.trim());
    const goOn = then;
    dialog.close();
    changed('The token is kept in this browser.');
    goOn?.();
  });

  /** @param {string} words */
  function changed(words) {
    show();
    remark(words);
    onChange();
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
  if (!/^[\x21-\x7e]+$/.test(candidate)) return 'Paste the token as you were given it, without spaces.';
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
