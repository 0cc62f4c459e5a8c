// A chart of what each day has cost.
import { amount, number } from './values.js';
import { count, usd } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
const DAY_WIDTH = 20;
const BAR_WIDTH = 14;
const HEIGHT = 100;

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...(Node | string)} children */
function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, `${value}`);
  element.append(...children);
  return element;
}

/** @param {any} row */
const spentOf = (row) => Math.max(0, Number(amount(row?.spent_usd) ?? 0));

/**
 * The days with their rows of the usage; days without a row are undefined. Returns the chart and its largest amount.
 * @param {[string, any][]} days
 */
export function chart(days) {
  const largest = days.reduce(
    (max, day) => (spentOf(day[1]) > spentOf(max[1]) ? day : max),
    days[0] ?? ['', null],
  );
  const max = spentOf(largest[1]);
  const bars = days.map(([day, row], index) => {
    const spent = spentOf(row);
    // An amount that is not zero is visible.
    const height = spent === 0 ? 0 : Math.max(1.5, (spent / max) * HEIGHT);
    const x = index * DAY_WIDTH + (DAY_WIDTH - BAR_WIDTH) / 2;
    return svg(
      'g',
      {},
      // The whole column shows the title.
      svg('rect', { class: 'column', x: index * DAY_WIDTH, y: 0, width: DAY_WIDTH, height: HEIGHT }),
      svg('rect', { class: 'bar', x, y: HEIGHT - height, width: BAR_WIDTH, height }),
      svg('title', {}, dayWords(day, row)),
    );
  });
  const label = `Spent on each of ${days.length} days${max > 0 ? `; most on ${largest[0]}: ${usd(largest[1].spent_usd)}` : ': nothing'}`;
  const viewBox = `0 0 ${days.length * DAY_WIDTH} ${HEIGHT}`;
  const element = svg(
    'svg',
    { viewBox, preserveAspectRatio: 'none', role: 'img', 'aria-label': label },
    ...bars,
  );
  return { element, largest: max > 0 ? usd(largest[1].spent_usd) : usd('0') };
}

/** @param {string} day @param {any} row */
function dayWords(day, row) {
  if (!row) return `${day}: nothing`;
  const { completed, failed } = Object(row.videos);
  const failures = number(failed) ? `, ${count(failed)} failed` : '';
  return `${day}: ${usd(row.spent_usd)}, ${count(completed)} completed${failures}`;
}
