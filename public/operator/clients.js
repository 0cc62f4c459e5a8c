// The clients: what each has used, its limits, and buttons to change it. A token is shown once.
import { askBack, byId, h, remark, setText } from '../page/dom.js';
import { forAll, outcomeWords } from './actions.js';
import { askLimits, askRemoval, askRotation, showToken } from './client-dialogs.js';
import { busy, foreign, part, rows } from './part.js';
import { OperatorError } from './session.js';
import { showShare } from './usage.js';
import { number, objects, size, text } from './values.js';
import { agoWords, count, plural, usd } from './words.js';

/** @typedef {import('./session.js').Session} Session */

/** The path of a client. A name that would lead elsewhere is refused. @param {string} name */
function pathOf(name) {
  if (name === '.' || name === '..')
    throw new OperatorError(400, { detail: 'This name cannot be part of a path.' });
  return `/operator/clients/${encodeURIComponent(name)}`;
}

/**
 * @param {Session} session @param {(isPaused: unknown) => void} showPaused  whether submits are paused
 * @param {() => void} onChange  reads everything again, after a client was removed
 * @returns {() => Promise<void>} loads them again
 */
export function startClients(session, showPaused, onChange) {
  const show = rows(
    byId('client-rows'),
    ({ name }) => text(name),
    (client) => clientRow(client, actions),
  );
  const load = part(
    'clients',
    session.signal,
    () => session.json('/operator/clients'),
    (list) => {
      showPaused(list.paused);
      const clients = objects(list.data);
      show(clients);
      byId('clients-empty').hidden = clients.length > 0;
      suggest(clients);
    },
  );
  const actions = {
    /** @param {any} client @param {object} change */
    async change({ name }, change) {
      await session.json(pathOf(name), 'PATCH', change);
      await load();
    },
    /** @param {any} client @param {object} options */
    async rotate({ name }, options) {
      const { token } = await session.json(`${pathOf(name)}/rotate`, 'POST', options);
      return () => shown(name, token);
    },
    /** @param {any} client @param {boolean} hasVideos */
    async remove({ name }, hasVideos) {
      if (!hasVideos) {
        await session.json(pathOf(name), 'DELETE');
        return () => report(`The client ${name} is removed. Its videos are kept until they expire.`);
      }
      let isRemoved = true;
      let uploads = 0;
      const erase = async () => {
        const answer = await session.json(`${pathOf(name)}?videos=true`, 'DELETE');
        isRemoved = answer.deleted !== false;
        uploads = size(answer.uploads_at_wiro);
        const { deleted, done = deleted, failed } = Object(answer.videos);
        return { done, failed, has_more: answer.has_more };
      };
      const outcome = await forAll(erase, () => {});
      return () => report(erasureWords(name, isRemoved, outcomeWords(outcome, 'deleted'), uploads));
    },
    session,
  };
  const report = (/** @type {string} */ words) => {
    setText(byId('clients-report'), words);
    byId('clients-title').focus();
    onChange();
  };
  const shown = (/** @type {string} */ name, /** @type {unknown} */ token) => {
    showToken(name, token);
    load();
  };
  byId('client-add').addEventListener('click', () =>
    askLimits(null, async ({ name, ...limits }) => {
      const { token } = await session.json('/operator/clients', 'POST', { name, ...limits });
      return () => shown(`${name}`, token);
    }),
  );
  return load;
}

/** The names that the filter of videos suggests. @param {any[]} clients */
function suggest(clients) {
  const names = clients.flatMap(({ name }) => text(name) ?? []);
  byId('client-names').replaceChildren(...names.map((value) => h('option', { value })));
}

/** @typedef {{ session: Session, change: (client: any, change: object) => Promise<void>,
 *   rotate: (client: any, options: object) => Promise<() => void>,
 *   remove: (client: any, hasVideos: boolean) => Promise<() => void> }} Actions */

/** @param {any} first @param {Actions} actions @returns {import('./part.js').Row} */
function clientRow(first, { session, change, rotate, remove }) {
  let client = first;
  const name = h('h3', {}, foreign(first.name));
  const facts = h('p', { className: 'hint' });
  const spent = h('p', { className: 'figure' });
  const share = h('meter', { 'aria-label': `Share of the daily limit of ${first.name} that is used` });
  const problem = h('p', { className: 'error', role: 'alert' });
  const button = (/** @type {string} */ label) =>
    h('button', { type: 'button', className: 'button small' }, label);
  const limits = button('Limits');
  limits.onclick = () => askLimits(client, (values) => change(client, values));
  const token = button('New token');
  token.onclick = () => askRotation(client, (options) => rotate(client, options));
  const pause = button('Pause');
  const pauseQuestion = 'Refuse the submits of this client?';
  const setPaused = (/** @type {HTMLElement} */ by, /** @type {boolean} */ paused) =>
    busy(by, problem, session.signal, async () => {
      await change(client, { paused });
      remark(paused ? 'The client is paused.' : 'The client may submit again.');
      (paused ? resume : pause).focus();
    });
  askBack(pause, pauseQuestion, 'Pause', () => setPaused(pause, true), 'Not now');
  const resume = button('Resume');
  resume.onclick = () => setPaused(resume, false);
  const removal = button('Remove');
  removal.onclick = () => askRemoval(client, (hasVideos) => remove(client, hasVideos));
  const buttons = h('div', { className: 'actions' }, limits, token, pause, resume, removal);
  const element = h('li', { className: 'row' }, name, facts, spent, share, buttons, problem);
  element.dataset.client = first.name;
  const update = (/** @type {any} */ next) => {
    client = next;
    setText(facts, factsOf(next).join(' · '));
    const limit = next.daily_usd === null ? 'no daily limit' : `of ${usd(next.daily_usd)} a day`;
    setText(spent, `${usd(next.spent_today_usd)} spent today, ${usd(next.reserved_usd)} reserved, ${limit}`);
    showShare(share, next.spent_today_usd, next.reserved_usd, next.daily_usd);
    pause.hidden = next.paused !== false;
    resume.hidden = next.paused !== true;
    // What is in the settings is changed there.
    limits.hidden = next.source === 'settings';
    token.hidden = next.source === 'settings';
    setText(removal, next.source === 'settings' ? 'Delete all' : 'Remove');
    element.dataset.status = next.paused === true ? 'paused' : 'active';
  };
  return { element, update };
}

/** @param {any} client */
function factsOf({ source, paused, tokens, created_at, active, max_active, has_webhook_secret }) {
  const most = number(max_active) === undefined ? '' : ` of at most ${count(max_active)}`;
  return [
    ...(paused === true ? ['paused'] : []),
    source === 'settings' ? 'from CLIENT_TOKENS' : `made ${agoWords(created_at)}`,
    `${count(active)}${most} at once`,
    ...(tokens === 2 ? ['two tokens are valid'] : []),
    ...(has_webhook_secret === true ? ['signed webhooks'] : []),
  ];
}

/** @param {string} name @param {boolean} isRemoved @param {string} videos @param {number} uploads */
function erasureWords(name, isRemoved, videos, uploads) {
  const client = isRemoved
    ? `The client ${name} is removed.`
    : `The client ${name} is still in CLIENT_TOKENS.`;
  const files = uploads > 0 ? ` ${plural(uploads, 'upload')} could not be deleted at Wiro.` : '';
  return `${client} ${videos}${files}`;
}
