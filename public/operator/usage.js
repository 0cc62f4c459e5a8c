// What the service costs: today against the budget, thirty days as a chart, and by client or model.
import { byId, h, setText } from '../page/dom.js';
import { chart } from './chart.js';
import { busy, foreign, pair, part } from './part.js';
import { amount, counts, objects, text, UNKNOWN } from './values.js';
import { count, durationWords, usd } from './words.js';

/** @typedef {import('./session.js').Session} Session */

const DAYS = 30;
const DAY_MS = 86_400_000;

/** @param {number} ms */
const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);

/** The last thirty days, oldest first; days are those of UTC. */
function lastDays() {
  const now = Date.now();
  return Array.from({ length: DAYS }, (_, index) => dayOf(now - (DAYS - 1 - index) * DAY_MS));
}

/** @param {string} groups @param {string} [format] */
function usagePath(groups, format) {
  const days = lastDays();
  const query = new URLSearchParams({ from: `${days[0]}`, to: `${days.at(-1)}`, group_by: groups });
  if (format) query.set('format', format);
  return `/operator/usage?${query}`;
}

/** @param {Session} session @returns {() => Promise<void>} loads it again */
export function startUsage(session) {
  const { signal } = session;
  const byDay = part(
    'usage',
    signal,
    () => session.json(usagePath('day')),
    (usage) => {
      showToday(Object(usage.today));
      const byName = new Map(objects(usage.data).map((row) => [row.day, row]));
      const days = lastDays();
      showChart(days.map((day) => [day, byName.get(day)]));
      const today = byName.get(days.at(-1) ?? '');
      byId('failures').replaceChildren(...failures(today?.failures, Object(usage.totals).failures));
      byId('usage-totals').replaceChildren(...totals(Object(usage.totals)));
    },
  );
  const form = byId('usage-groups');
  const group = () => `${new FormData(form).get('group') ?? 'client'}`;
  const byGroup = part(
    'usage-group',
    signal,
    async () => {
      const name = group();
      return { name, usage: await session.json(usagePath(name)) };
    },
    ({ name, usage }) => showGroups(name, objects(usage.data)),
  );
  form.addEventListener('change', byGroup);
  const download = byId('usage-csv');
  download.addEventListener('click', () =>
    busy(download, byId('usage-problem'), signal, async () => {
      const file = await session.blob(usagePath('day,client,model', 'csv'));
      const link = URL.createObjectURL(file);
      h('a', { href: link, download: `usage-${dayOf(Date.now())}.csv` }).click();
      // The browser has read it by then.
      setTimeout(() => URL.revokeObjectURL(link), 60_000);
    }),
  );
  return async () => {
    await Promise.all([byDay(), byGroup()]);
  };
}

/** @param {any} today */
function showToday({ spent_usd, reserved_usd, limit_usd }) {
  setText(byId('spent'), usd(spent_usd));
  setText(byId('reserved'), usd(reserved_usd));
  setText(byId('limit'), limit_usd === null ? 'no limit' : usd(limit_usd));
  showShare(byId('budget'), spent_usd, reserved_usd, limit_usd);
}

/**
 * Shows how much of a limit is used. Without a limit, or if an amount is unknown, the meter is hidden.
 * @param {HTMLMeterElement} meter @param {unknown} spent @param {unknown} reserved @param {unknown} limit
 */
export function showShare(meter, spent, reserved, limit) {
  const [used, held, most] = [spent, reserved, limit].map((value) => Number(amount(value) ?? Number.NaN));
  meter.hidden = !(Number(most) > 0 && Number.isFinite(used));
  if (meter.hidden) return;
  meter.max = Number(most);
  meter.high = Number(most) * 0.8;
  meter.optimum = 0;
  meter.value = Number(used) + (held || 0);
}

/** @param {[string, any][]} days */
function showChart(days) {
  const { element, largest } = chart(days);
  byId('chart').replaceChildren(element);
  setText(byId('chart-most'), largest);
  setText(byId('chart-from'), days[0]?.[0] ?? '');
  setText(byId('chart-to'), days.at(-1)?.[0] ?? '');
  const used = days.filter(([, row]) => row).toReversed();
  byId('day-rows').replaceChildren(...used.map(([day, row]) => tableRow(h('span', {}, day), row)));
}

/** @param {string} group @param {any[]} data */
function showGroups(group, data) {
  setText(byId('group-name'), group === 'model' ? 'Model' : 'Client');
  const sorted = data.toSorted(
    (one, other) => Number(amount(other.spent_usd) ?? 0) - Number(amount(one.spent_usd) ?? 0),
  );
  const nameOf = (/** @type {any} */ row) =>
    row[group] === null
      ? h('span', { className: 'hint' }, 'no client')
      : foreign(text(row[group]) ?? UNKNOWN);
  byId('group-rows').replaceChildren(...sorted.map((row) => tableRow(nameOf(row), row)));
  byId('group-empty').hidden = sorted.length > 0;
}

/** @param {Node} name @param {any} row */
function tableRow(name, row) {
  const { submitted, completed, failed, cancelled } = Object(row.videos);
  const figures = [
    ...[submitted, completed, failed, cancelled].map(count),
    count(row.seconds),
    usd(row.spent_usd),
    usd(row.reserved_usd),
  ];
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, name),
    ...figures.map((figure) => h('td', { className: 'figure' }, figure)),
  );
}

/** @param {any} all */
function totals({ videos, seconds, spent_usd }) {
  const { submitted, completed, failed, cancelled } = Object(videos);
  return [
    pair('Spent', usd(spent_usd)),
    pair('Submitted', count(submitted)),
    pair('Completed', count(completed)),
    pair('Failed', count(failed)),
    pair('Cancelled', count(cancelled)),
    pair('Made', typeof seconds === 'number' ? `${durationWords(seconds)} of video` : UNKNOWN),
  ];
}

/** The failures by code, of today and of all days. @param {unknown} today @param {unknown} all */
function failures(today, all) {
  const ofToday = new Map(counts(today));
  const rows = counts(all);
  if (rows.length === 0) return [h('p', { className: 'hint' }, 'None in thirty days.')];
  const items = rows.map(([code, many]) =>
    h(
      'li',
      {},
      h('code', {}, foreign(code)),
      ` ${count(ofToday.get(code) ?? 0)} today, ${count(many)} in thirty days`,
    ),
  );
  return [h('ul', { className: 'plain' }, ...items)];
}
