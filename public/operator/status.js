// Whether the service works: its dependencies, the sweep, the last videos, and the switch that pauses all submits.
import { announce, askBack, byId, h, setText } from '../page/dom.js';
import { busy, foreign, pair, part } from './part.js';
import { number, objects, text, UNKNOWN } from './values.js';
import { ageWords, agoWords, count, reasonWords } from './words.js';

/** @typedef {import('./session.js').Session} Session */

/** Always shown, even if a response lacks them. @type {Record<string, string>} */
const CHECKS = { kv: 'KV', r2: 'R2', dispatcher: 'Dispatcher', wiro: 'Wiro' };
/** What a circuit breaker that is not closed means. @type {Map<unknown, string>} */
const CIRCUITS = new Map([
  ['open', 'Wiro does not answer: no jobs are sent to it for a while.'],
  ['half_open', 'Wiro did not answer: jobs are sent to it one by one.'],
]);
/** The sweep runs every five minutes: three were missed. */
const MAX_SWEEP_AGE_SECONDS = 15 * 60;

/** @param {Session} session @returns {() => Promise<void>} loads it again */
export function startStatus(session) {
  return part(
    'status',
    session.signal,
    async () => withLastVideos(session, await session.report('/health?deep=1')),
    (health) => {
      const checks = Object(health.checks);
      const names = [...new Set([...Object.keys(CHECKS), ...Object.keys(checks)])];
      const problems = problemsOf(names, checks);
      const isKnown = health.checks !== undefined;
      const words = problems.length > 0 ? 'Needs attention' : isKnown ? 'Everything works' : 'State unknown';
      if (byId('status-title').textContent !== words) announce(words);
      setText(byId('status-title'), words);
      byId('status').dataset.status = problems.length > 0 ? 'bad' : 'good';
      byId('status-problems').replaceChildren(...problems.map((problem) => h('li', {}, problem)));
      byId('checks').replaceChildren(...names.map((name) => check(name, Object(checks[name]))));
      byId('status-facts').replaceChildren(...facts(health, Object(checks.dispatcher)));
    },
  );
}

/**
 * Reads the last completed and the last failed video from the lists, if a report does not have them.
 * @param {Session} session @param {any} health
 */
async function withLastVideos(session, health) {
  const { last_completed_at, last_failure } = health;
  if (last_completed_at !== undefined && last_failure !== undefined) return health;
  const last = async (/** @type {string} */ status) => {
    const list = await session.json(`/operator/videos?status=${status}&limit=1`);
    return objects(list.data)[0] ?? null;
  };
  try {
    const [completed, failed] = await Promise.all([last('completed'), last('failed')]);
    return {
      ...health,
      last_completed_at: completed === null ? null : completed.completed_at,
      last_failure: failed && { at: failed.completed_at, ...Object(failed.error) },
    };
  } catch (error) {
    if (session.signal.aborted) throw error;
    // They are shown as unknown. The lists themselves say what is wrong.
    return health;
  }
}

/** @param {string[]} names @param {any} checks @returns {(Node | string)[]} */
function problemsOf(names, checks) {
  /** @type {(Node | string)[]} */
  const problems = [];
  for (const name of names) {
    const { status, error } = Object(checks[name]);
    if (status === undefined || status === 'ok') continue;
    problems.push(h('span', {}, foreign(CHECKS[name] ?? name), ': ', foreign(text(error) ?? `${status}`)));
  }
  const { status, last_sweep_at, circuit } = Object(checks.dispatcher);
  const sweptAt = number(last_sweep_at);
  // Otherwise its error says so.
  if (status === 'ok' && sweptAt !== undefined && Date.now() / 1000 - sweptAt > MAX_SWEEP_AGE_SECONDS)
    problems.push(`The sweep has not run for ${ageWords(sweptAt)}: check the Worker’s cron trigger.`);
  const held = CIRCUITS.get(circuit);
  if (held) problems.push(held);
  return problems;
}

/** @param {string} name @param {any} result */
function check(name, { status, ms }) {
  const state = status === 'ok' ? 'works' : status === undefined ? UNKNOWN : 'does not work';
  const took = number(ms) === undefined ? '' : `, ${count(ms)} ms`;
  const item = pair(CHECKS[name] ?? name, `${state}${took}`);
  item.dataset.status = status === 'ok' ? 'good' : status === undefined ? 'unknown' : 'bad';
  return item;
}

/** @param {any} health @param {any} dispatcher */
function facts(health, dispatcher) {
  const { last_completed_at, last_failure, version } = health;
  const failure =
    last_failure === null
      ? 'none'
      : last_failure?.at === undefined
        ? UNKNOWN
        : h('span', {}, `${agoWords(last_failure.at)}: `, foreign(reasonWords(last_failure)));
  return [
    pair('Last completed video', last_completed_at === null ? 'none' : agoWords(last_completed_at)),
    pair('Last failed video', failure),
    pair('Last sweep', dispatcher.last_sweep_at === null ? 'none' : agoWords(dispatcher.last_sweep_at)),
    pair('Waiting', count(dispatcher.waiting)),
    pair('At Wiro', count(dispatcher.active)),
    pair('Version', foreign(text(version) ?? UNKNOWN)),
  ];
}

/**
 * The switch that pauses the submits of everybody.
 * @param {Session} session @returns {(isPaused: unknown) => void} shows the state
 */
export function startPause(session) {
  const pause = byId('pause');
  const resume = byId('resume');
  const show = (/** @type {unknown} */ isPaused) => {
    byId('paused').hidden = isPaused !== true;
    pause.hidden = isPaused !== false;
    resume.hidden = isPaused !== true;
  };
  const send = (/** @type {HTMLElement} */ button, /** @type {string} */ path) =>
    busy(button, byId('status-problem'), session.signal, async () => {
      const { paused } = await session.json(path, 'POST');
      show(paused);
      announce(paused ? 'Submits are paused.' : 'Submits are taken again.');
      (paused ? resume : pause).focus();
    });
  askBack(
    pause,
    'Refuse the submits of everybody?',
    'Pause',
    () => send(pause, '/operator/pause'),
    'Not now',
  );
  resume.addEventListener('click', () => send(resume, '/operator/resume'));
  return show;
}
