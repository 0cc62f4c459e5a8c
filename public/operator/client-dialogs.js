// The dialogs for a client: its limits, a new token, its removal, and the token that is shown once.
import { byId, remark, setText } from '../page/dom.js';
import { isToken } from './session.js';
import { amount, number } from './values.js';
import { problemWords } from './words.js';

/**
 * Sends what a form says. It may return what to do after the form's dialog was closed.
 * @template T @typedef {(values: T) => Promise<(() => void) | void>} Send
 */

/**
 * Opens a dialog with a form. It stays open until `send` has succeeded, with the error if it did not.
 * @param {string} name  of the elements `<name>-dialog`, `-form`, `-title`, `-error` and `-send`
 * @param {string} title @param {Send<FormData>} send
 */
function ask(name, title, send) {
  const [dialog, form, error, submit] = ['dialog', 'form', 'error', 'send'].map((part) =>
    byId(`${name}-${part}`),
  );
  setText(byId(`${name}-title`), title);
  setText(error, '');
  submit.removeAttribute('aria-disabled');
  form.reset();
  // After it was closed, the outcome of its request is not shown any more.
  let isCurrent = true;
  dialog.onclose = () => {
    isCurrent = false;
    form.reset();
  };
  form.onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (submit.getAttribute('aria-disabled') === 'true') return;
    submit.setAttribute('aria-disabled', 'true');
    setText(error, '');
    try {
      const andThen = await send(new FormData(form));
      if (isCurrent) dialog.close();
      andThen?.();
    } catch (cause) {
      if (isCurrent) setText(error, problemWords(cause));
    } finally {
      if (isCurrent) submit.removeAttribute('aria-disabled');
    }
  };
  byId(`${name}-cancel`).onclick = () => dialog.close();
  dialog.showModal();
}

/**
 * Asks for the limits of a client, or for those of a new one and its name.
 * @param {any} client  null for a new one @param {Send<Record<string, unknown>>} send
 */
export function askLimits(client, send) {
  ask('limits', client ? `Limits of ${client.name}` : 'New client', (fields) => {
    const field = (/** @type {string} */ name) => `${fields.get(name) ?? ''}`.trim();
    const most = field('max_active');
    // An empty field removes a limit; what is no number is left to the server to refuse. A webhook secret is only
    // replaced.
    return send({
      ...(client ? {} : { name: field('name') }),
      daily_usd: field('daily_usd') || null,
      max_active: /^\d+$/.test(most) ? Number(most) : most || null,
      ...(field('webhook_secret') ? { webhook_secret: field('webhook_secret') } : {}),
    });
  });
  byId('limits-name-field').hidden = client !== null;
  byId('limits-name').required = client === null;
  byId('limits-daily').value = amount(client?.daily_usd) ?? '';
  byId('limits-active').value = number(client?.max_active) ?? '';
  const hint = client?.has_webhook_secret
    ? 'One is set; leave this empty to keep it.'
    : 'Optional: whsec_ and base64.';
  setText(byId('limits-secret-hint'), hint);
}

/** @param {any} client @param {Send<object>} send */
export function askRotation({ name }, send) {
  ask('rotation', `New token for ${name}`, (fields) => {
    const seconds = `${fields.get('keep') ?? ''}`;
    return send({ keep_old_seconds: Number(seconds) });
  });
}

/** @param {any} client @param {Send<boolean>} send  gets whether its videos are deleted too */
export function askRemoval({ name, source }, send) {
  const isConfigured = source === 'settings';
  const title = isConfigured ? `Delete everything of ${name}?` : `Remove ${name}?`;
  ask('removal', title, (fields) => send(isConfigured || fields.get('videos') === 'true'));
  byId('removal-choice').hidden = isConfigured;
  const hint = isConfigured
    ? 'Its videos and pictures are deleted, at Wiro too. Its token stays in CLIENT_TOKENS.'
    : 'Its tokens stop working within a minute.';
  setText(byId('removal-hint'), hint);
}

/** Shows a token. It is removed from the page when the dialog is closed. @param {string} name @param {unknown} token */
export function showToken(name, token) {
  const dialog = byId('token-dialog');
  const field = byId('token');
  setText(byId('token-title'), `The token of ${name}`);
  field.value = isToken(token) ? token : '';
  setText(byId('token-problem'), isToken(token) ? '' : 'The server did not say the token. Make a new one.');
  dialog.onclose = () => (field.value = '');
  byId('token-close').onclick = () => dialog.close();
  byId('token-copy').onclick = async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      remark('The token is copied.');
    } catch {
      // Without https, or not allowed: it is selected.
      remark('Copy the selected token.');
    }
  };
  dialog.showModal();
  field.focus();
}
