// Lists of videos: the queue, the failed ones, and those that match a filter.
import { byId, h, setText } from '../page/dom.js';
import { stageWords } from '../page/words.js';
import { actionNames, isId, startBulk, videoButtons } from './actions.js';
import { busy, foreign, part, rows } from './part.js';
import { number, objects, text } from './values.js';
import { ageWords, agoWords, reasonWords, statusWords, UNKNOWN_CLIENT, usd } from './words.js';

/** @typedef {import('./session.js').Session} Session */

const PAGE = 50;
const REQUEST_ID = /^req_[0-9a-f]{24}$/;

/**
 * @typedef {object} Shared  what all lists use
 * @property {Session} session
 * @property {(id: string) => void} onOpen  shows one video
 * @property {() => void} onChange  called after a video was changed
 */

/**
 * A list in pages, in the elements `<name>-rows`, `<name>-more`, `<name>-empty` and `<name>-problem`.
 * @param {string} name @param {Shared} shared @param {() => URLSearchParams} filter
 * @param {(video: any) => string[]} facts
 */
function startList(name, shared, filter, facts) {
  const { session } = shared;
  let pages = 1;
  const show = rows(
    byId(`${name}-rows`),
    ({ id }) => (isId(id) ? id : undefined),
    (video) => videoRow(video, shared, facts),
  );
  const load = part(
    name,
    session.signal,
    () => loadPages(session, filter(), pages),
    ({ data, isComplete }) => {
      show(data);
      byId(`${name}-empty`).hidden = data.length > 0 || !isComplete;
      byId(`${name}-more`).hidden = isComplete;
    },
  );
  byId(`${name}-more`).addEventListener('click', () => {
    pages += 1;
    load();
  });
  return {
    load,
    /** Loads the first page, of another filter. */
    restart() {
      pages = 1;
      return load();
    },
  };
}

/**
 * The first pages of a list. A page of filtered videos may be empty although there are more.
 * @param {Session} session @param {URLSearchParams} filter @param {number} pages
 */
async function loadPages(session, filter, pages) {
  /** @type {any[]} */
  const data = [];
  /** @type {string | undefined} */
  let after;
  for (let page = 0; page < pages; page++) {
    const query = new URLSearchParams(filter);
    query.set('limit', `${PAGE}`);
    if (after) query.set('after', after);
    const list = await session.json(`/operator/videos?${query}`);
    data.push(...objects(list.data));
    const last = text(list.last_id);
    if (list.has_more !== true || last === undefined || last === after) return { data, isComplete: true };
    after = last;
  }
  return { data, isComplete: false };
}

/**
 * @param {any} first @param {Shared} shared @param {(video: any) => string[]} facts
 * @returns {import('./part.js').Row}
 */
function videoRow(first, { session, onOpen, onChange }, facts) {
  const title = h('button', { type: 'button', className: 'link row-title', onclick: () => onOpen(first.id) });
  const details = h('p', { className: 'hint' });
  const reason = h('p', { className: 'reason' });
  const buttons = h('div', { className: 'actions' });
  const problem = h('p', { className: 'error', role: 'alert' });
  const element = h('li', { className: 'row' }, title, details, reason, buttons, problem);
  element.dataset.id = first.id;
  let shown = '';
  const update = (/** @type {any} */ video) => {
    element.dataset.status = video.status;
    const words = promptOf(video);
    if (title.textContent !== words) title.replaceChildren(foreign(words));
    const parts = facts(video);
    if (details.textContent !== [clientOf(video), ...parts].join(' · '))
      details.replaceChildren(foreign(clientOf(video)), ...parts.map((one) => ` · ${one}`));
    setText(reason, video.status === 'failed' ? reasonWords(video.error) : '');
    const names = actionNames(video);
    if (names === shown) return;
    shown = names;
    if (buttons.contains(document.activeElement)) title.focus();
    buttons.replaceChildren(...videoButtons(session, video, problem, onChange));
  };
  return { element, update };
}

/** @param {any} video */
export function promptOf(video) {
  return text(Object(video.input).prompt) ?? text(video.prompt) ?? '(no prompt)';
}

/** @param {any} video */
export function clientOf({ client }) {
  return client === null ? 'no client' : (text(client) ?? UNKNOWN_CLIENT);
}

/** @param {any} video */
const modelOf = ({ model }) => (text(model) ? [model] : []);

/** @param {any} video */
function costOf({ cost_usd }) {
  return text(cost_usd) ? [usd(cost_usd)] : [];
}

/**
 * The videos that wait, those that have waited longest first.
 * @param {Shared} shared
 */
export function startQueue(shared) {
  const facts = (/** @type {any} */ video) => [
    ...modelOf(video),
    `for ${ageWords(video.created_at)}`,
    ...(number(video.queue_position) ? [stageWords(video)] : []),
  ];
  const filter = new URLSearchParams({ status: 'queued', order: 'asc' });
  return startList('queue', shared, () => filter, facts);
}

/** @param {Shared} shared */
export function startFailed(shared) {
  const facts = (/** @type {any} */ video) => [
    ...modelOf(video),
    agoWords(video.completed_at ?? video.created_at),
    ...costOf(video),
  ];
  return startList('failed', shared, () => new URLSearchParams({ status: 'failed' }), facts);
}

/** All videos that match the filter of a form. @param {Shared} shared */
export function startSearch(shared) {
  const form = byId('search');
  let filter = new URLSearchParams();
  const facts = (/** @type {any} */ video) => [
    statusWords(video.status),
    ...modelOf(video),
    agoWords(video.created_at),
    ...costOf(video),
  ];
  const list = startList('found', shared, () => filter, facts);
  form.addEventListener('submit', (/** @type {Event} */ event) => {
    event.preventDefault();
    const id = byId('search-id').value.trim();
    setText(byId('search-problem'), '');
    if (id === '') {
      filter = filterOf(form);
      setText(byId('found-scope'), scopeWords(filter));
      byId('found').hidden = false;
      list.restart();
    } else if (isId(id)) {
      shared.onOpen(id);
    } else if (REQUEST_ID.test(id)) {
      busy(byId('search-send'), byId('search-problem'), shared.session.signal, () =>
        openByRequest(shared, id),
      );
    } else {
      setText(
        byId('search-problem'),
        'That is neither the id of a video, vid_…, nor that of a request, req_….',
      );
    }
  });
  for (const name of ['redrive', 'release', 'cancel', 'delete']) {
    const place = byId('bulk-result');
    startBulk(shared.session, name, byId(`bulk-${name}`), place, () => filter, shared.onChange);
  }
  return async () => {
    if (!byId('found').hidden) await list.load();
  };
}

/** Opens the video that a request created. @param {Shared} shared @param {string} request */
async function openByRequest({ session, onOpen }, request) {
  const list = await session.json(`/operator/videos?request_id=${request}`);
  const [video] = objects(list.data);
  if (isId(video?.id)) return onOpen(video.id);
  const words =
    'This request created no video that still exists: filter the Worker’s log by this request_id.';
  setText(byId('search-problem'), words);
}

/** @param {HTMLFormElement} form */
function filterOf(form) {
  const fields = new FormData(form);
  const filter = new URLSearchParams();
  for (const name of ['client', 'status', 'model']) {
    const value = `${fields.get(name) ?? ''}`.trim();
    if (value !== '') filter.set(name, value);
  }
  // The API's filter for those without a client is an empty name.
  if (fields.get('nobody') === 'true') filter.set('client', '');
  const since = Date.parse(`${fields.get('since') ?? ''}T00:00:00Z`);
  if (Number.isFinite(since)) filter.set('since', `${since / 1000}`);
  return filter;
}

/** @param {URLSearchParams} filter */
function scopeWords(filter) {
  const [client, status, model, since] = ['client', 'status', 'model', 'since'].map((name) =>
    filter.get(name),
  );
  const parts = [
    ...(status ? [`with status ${status}`] : []),
    ...(client === '' ? ['without a client'] : client ? [`of client ${client}`] : []),
    ...(model ? [`by ${model}`] : []),
    ...(since ? [`since ${new Date(Number(since) * 1000).toISOString().slice(0, 10)}`] : []),
  ];
  return `All videos ${parts.join(', ')}`.trimEnd();
}
