// One video with all that is known of it, in a dialog: what Wiro says, the messages about it, and the video itself.
import { byId, h, setText } from '../page/dom.js';
import { formatWords, size } from '../page/words.js';
import { videoButtons } from './actions.js';
import { busy, foreign, pair, part } from './part.js';
import { number, objects, text, UNKNOWN } from './values.js';
import { clientOf, promptOf } from './videos.js';
import { count, problemWords, reasonWords, statusWords, timeWords, usd } from './words.js';

/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./session.js').OperatorError} OperatorError */

/** What is known of a removed video. @type {Map<string, string>} */
const OF_REMOVED = new Map([
  ['reason', 'Reason'],
  ['removed_at', 'Removed'],
  ['client', 'Client'],
  ['model', 'Model'],
  ['status', 'Status'],
  ['created_at', 'Submitted'],
  ['cost_usd', 'Cost'],
  ['request_id', 'Request'],
]);

/** @param {Session} session @param {() => void} onChange */
export function startInspection(session, onChange) {
  const dialog = byId('inspection');
  const player = byId('player');
  let id = '';
  /** @type {any} */
  let shown;
  const load = part(
    'inspection',
    session.signal,
    async () => {
      const asked = id;
      try {
        return { asked, inspection: await session.json(`/operator/videos/${asked}`) };
      } catch (error) {
        const { status, problem } = /** @type {OperatorError} */ (error);
        if (status !== 404 && status !== 410) throw error;
        return { asked, gone: problem, words: problemWords(error) };
      }
    },
    ({ asked, inspection, gone, words }) => {
      if (asked !== id) return;
      if (gone) showGone(gone, words ?? '');
      else show(inspection);
    },
  );

  /** @param {any} inspection */
  function show(inspection) {
    const video = Object(inspection.video);
    shown = video;
    setText(byId('inspection-title'), statusWords(video.status));
    byId('inspection-prompt').replaceChildren(foreign(promptOf(video)));
    setText(byId('inspection-reason'), video.status === 'failed' ? reasonWords(video.error) : '');
    byId('inspection-facts').replaceChildren(...factsOf(inspection, video));
    const deliveries = objects(inspection.deliveries);
    byId('deliveries').replaceChildren(...deliveries.map(delivery));
    byId('deliveries-empty').hidden = deliveries.length > 0;
    const next = number(inspection.next_delivery_at);
    setText(byId('next-delivery'), next === undefined ? '' : `The next try is at ${timeWords(next)}.`);
    byId('play').hidden = video.status !== 'completed' || !player.hidden;
    const place = byId('inspection-problem');
    const buttons = videoButtons(session, { ...video, id }, place, (name) => {
      onChange();
      if (name === 'delete') dialog.close();
      else load();
    });
    byId('inspection-actions').replaceChildren(...buttons);
  }

  /** @param {Record<string, unknown>} problem @param {string} words */
  function showGone(problem, words) {
    empty();
    setText(byId('inspection-title'), 'Not there');
    setText(byId('inspection-reason'), words);
    const known = Object.entries(Object(problem.removed)).filter(([, value]) => typeof value !== 'object');
    byId('inspection-facts').replaceChildren(
      pair('Id', h('code', {}, id)),
      ...known.map(([name, value]) => {
        const words = name.endsWith('_at') ? timeWords(value) : name === 'cost_usd' ? usd(value) : `${value}`;
        return pair(OF_REMOVED.get(name) ?? name, foreign(words));
      }),
    );
  }

  function empty() {
    shown = undefined;
    for (const name of ['prompt', 'facts', 'actions']) byId(`inspection-${name}`).replaceChildren();
    byId('deliveries').replaceChildren();
    byId('deliveries-empty').hidden = true;
    byId('play').hidden = true;
    for (const name of ['inspection-problem', 'inspection-reason', 'next-delivery', 'play-state'])
      setText(byId(name), '');
    stop();
  }

  function stop() {
    URL.revokeObjectURL(player.src);
    player.removeAttribute('src');
    player.load();
    player.hidden = true;
  }

  byId('play').addEventListener('click', () =>
    busy(byId('play'), byId('inspection-problem'), session.signal, async () => {
      const asked = id;
      setText(byId('play-state'), 'Loading the video …');
      try {
        const file = await session.blob(`/operator/videos/${asked}/content`);
        if (asked !== id || !dialog.open || !shown) return;
        player.src = URL.createObjectURL(file);
        player.hidden = false;
        byId('play').hidden = true;
        player.focus();
      } finally {
        if (asked === id) setText(byId('play-state'), '');
      }
    }),
  );
  byId('inspection-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    id = '';
    empty();
  });
  session.signal.addEventListener('abort', stop);

  return {
    /** @param {string} wanted */
    open(wanted) {
      id = wanted;
      empty();
      setText(byId('inspection-title'), 'Loading …');
      if (!dialog.open) dialog.showModal();
      load();
    },
    /** Loads it again if it is open. */
    async load() {
      if (dialog.open) await load();
    },
  };
}

/** @param {any} inspection @param {any} video */
function factsOf(inspection, video) {
  const { task_id, attempts, last_error, next_check_at } = Object(inspection.upstream);
  const input = Object(video.input);
  const output = Object(video.output);
  const code = (/** @type {unknown} */ value) =>
    value === null ? 'none' : text(value) ? h('code', {}, foreign(`${value}`)) : UNKNOWN;
  const time = (/** @type {unknown} */ value) => (value === null ? '–' : timeWords(value));
  return [
    pair('Id', code(video.id)),
    pair('Client', foreign(clientOf({ client: inspection.client }))),
    pair('Request', code(inspection.request_id)),
    pair('Model', foreign(text(video.model) ?? UNKNOWN)),
    pair(
      'Format',
      foreign(formatWords(text(input.resolution), number(input.duration)).join(' · ') || UNKNOWN),
    ),
    pair('Stage', foreign(text(video.stage) ?? UNKNOWN)),
    pair('Cost', video.cost_usd === null ? '–' : usd(video.cost_usd)),
    pair('Submitted', time(video.created_at)),
    pair('Started', time(video.started_at)),
    pair('Ended', time(video.completed_at)),
    pair('Expires', time(video.expires_at)),
    ...(number(output.size) === undefined ? [] : [pair('File', size(output.size))]),
    pair('Wiro’s task', code(task_id)),
    pair('Attempts at Wiro', count(attempts)),
    pair('Wiro’s last error', last_error === null ? 'none' : foreign(errorText(last_error))),
    pair('Next check', time(next_check_at)),
  ];
}

/** An error as text, whether it was sent as text or as an object. @param {unknown} error */
function errorText(error) {
  const { message, reason, error: inner } = Object(error);
  return text(error) ?? text(message) ?? text(reason) ?? text(inner) ?? UNKNOWN;
}

/** @param {any} attempt */
function delivery({ at, attempt, status, error, webhook_id }) {
  const outcome = number(status) === undefined ? 'no answer' : `answered ${status}`;
  const isTaken = number(status) !== undefined && status >= 200 && status < 300;
  const item = h(
    'li',
    {},
    `${timeWords(at)}: ${outcome}`,
    ...(number(attempt) === undefined ? [] : [`, try ${count(attempt)}`]),
    ...(text(error) ? [', ', foreign(error)] : []),
    ...(text(webhook_id) ? [' ', h('code', {}, foreign(webhook_id))] : []),
  );
  item.dataset.status = isTaken ? 'good' : 'bad';
  return item;
}
