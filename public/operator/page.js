// The operator's page: it asks for the token and shows nothing without it.
import { announce, byId, setText } from '../page/dom.js';
import { isId } from './actions.js';
import { startClients } from './clients.js';
import { startInspection } from './inspection.js';
import { isToken, keepToken, keptToken, OperatorError, Session } from './session.js';
import { startPause, startStatus } from './status.js';
import { startUsage } from './usage.js';
import { startFailed, startQueue, startSearch } from './videos.js';
import { problemWords } from './words.js';

const REFRESH_MS = 60_000;

const input = byId('operator-token');
const error = byId('sign-in-error');

/** @param {string} token */
function open(token) {
  const session = new Session(token, () => leave('The server does not accept the token any more.'));
  byId('sign-in').hidden = true;
  byId('tools').hidden = false;
  byId('main').append(byId('room').content.cloneNode(true));

  const inspection = startInspection(session, refresh);
  const shared = { session, onOpen: inspection.open, onChange: refresh };
  const loadClients = startClients(session, startPause(session), refresh);
  const loads = [
    startStatus(session),
    startUsage(session),
    startQueue(shared).load,
    startFailed(shared).load,
    startSearch(shared),
    inspection.load,
  ];

  async function refresh() {
    // The server counts wrong tokens: one that it does not accept any more is sent once.
    await loadClients();
    if (session.signal.aborted) return;
    await Promise.all(loads.map((load) => load()));
    if (session.signal.aborted) return;
    setText(byId('read-at'), `As of ${new Date().toLocaleTimeString()}`);
  }

  /** @param {string} [reason] */
  function leave(reason = '') {
    if (session.signal.aborted) return;
    session.close();
    keepToken();
    for (const part of byId('main').querySelectorAll('.part')) part.remove();
    byId('sign-in').hidden = false;
    byId('tools').hidden = true;
    setText(error, reason);
    input.focus();
  }

  const options = { signal: session.signal };
  byId('refresh').addEventListener(
    'click',
    async () => {
      await refresh();
      announce('Everything is read again.');
    },
    options,
  );
  byId('sign-out').addEventListener('click', () => leave(), options);
  const timer = setInterval(() => document.visibilityState === 'visible' && refresh(), REFRESH_MS);
  session.signal.addEventListener('abort', () => clearInterval(timer));
  refresh();
  const named = location.hash.slice(1);
  if (isId(named)) inspection.open(named);
}

/** Why a token is not accepted; '' if it is. @param {string} token */
async function refusal(token) {
  if (!isToken(token)) return 'Paste the token as it is set, without spaces.';
  try {
    await new Session(token).json('/operator/clients');
    return '';
  } catch (cause) {
    if (!(cause instanceof OperatorError)) throw cause;
    if (cause.status === 401) keepToken();
    if (cause.status === 404) return 'This server has no OPERATOR_TOKEN, so there is nothing to see.';
    return problemWords(cause);
  }
}

byId('sign-in-form').addEventListener('submit', async (/** @type {Event} */ event) => {
  event.preventDefault();
  const submit = byId('sign-in-send');
  if (submit.getAttribute('aria-disabled') === 'true') return;
  submit.setAttribute('aria-disabled', 'true');
  const token = input.value.trim();
  const problem = await refusal(token);
  submit.removeAttribute('aria-disabled');
  setText(error, problem);
  input.setAttribute('aria-invalid', `${problem !== ''}`);
  if (problem) return input.focus();
  input.value = '';
  keepToken(token);
  open(token);
  byId('status-title').focus();
});

const kept = keptToken();
const problem = kept === undefined ? '' : await refusal(kept);
if (kept !== undefined && problem === '') {
  open(kept);
} else {
  byId('sign-in').hidden = false;
  setText(error, problem);
}
