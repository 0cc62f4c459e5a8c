// A simulated day of a million videos: the built dispatcher with its real storage, a simulated clock, and a model of the
// videos' objects. VIDEOS=20000 makes it smaller, HOURS=9-12 simulates these hours alone. It fails if the dispatcher does not keep up or a sum is wrong.

import type { Part, Sums } from '../day/day.ts';
import { addGauges, type Gauges, noGauges } from '../day/hour.ts';
import { DAY, HOUR, limitsFor, MINUTE, RETENTION, SECOND, type Span, submittedIn } from '../day/scenario.ts';
import type { StatementCost } from '../dispatcher/control.ts';
import { type Driven, startDriven } from '../dispatcher/start.ts';
import type { KindCost } from '../dispatcher/target.ts';
import { progress } from '../report/progress.ts';
import { type Cell, figure, table } from '../report/table.ts';

const { VIDEOS = '1000000', HOURS = '0-24' } = process.env;
const [FROM = 0, TO = 24] = HOURS.split('-').map(Number);
const WHOLE: Span = { videos: Number(VIDEOS), from: FROM, to: TO };

const STEP = 5 * MINUTE;
/** After the last submit and the retention. */
const EXTRA = 3 * HOUR;
const IDLE_CALLS = 500;

/** Hours with fewer submits are over in a moment: nobody waits for a word of them. */
const MANY = 100;

/** From the end of a video's time to its removal, with a lost alarm too. */
const MAX_OVERDUE = 20 * MINUTE;
/** The dispatcher has one thread. */
const MAX_BUSY = 0.5;

interface Hour {
  /** Of the day. */
  index: number;
  gauges: Gauges;
  /** By the kind of message. */
  costs: Map<string, KindCost>;
  processorMs: number;
}

export async function days(span = WHOLE): Promise<string> {
  const { maxActive, budget } = limitsFor(span);
  const videos = submittedIn(span);
  const end = span.to * HOUR;
  const usd = (budget / 1e6).toFixed(2);
  const worker = await startDriven({
    MAX_ACTIVE: `${maxActive}`,
    DAILY_BUDGET_USD: usd,
    RETENTION_DAYS: `${RETENTION / DAY}`,
  });
  try {
    await worker.run('/inside/day/begin', span);
    const problems: string[] = [];
    const hours: Hour[] = [];
    const inDay = await simulate(worker, hours, span.from * HOUR, end, problems);
    const atDaysEnd = await worker.run<Sums>('/inside/day/sums');
    const isOver = inDay || (await simulate(worker, hours, end, end + RETENTION + EXTRA, problems));
    const atEnd = await worker.run<Sums>('/inside/day/sums');
    const idle = await idleCost(worker);
    const statements = await worker.run<StatementCost[]>('/inside/statements');
    problems.push(...atDaysEnd.problems, ...atEnd.problems);
    problems.push(...check(hours, atEnd, isOver, { videos, maxActive, budget }));
    const text = [
      `${number(videos)} videos in hours ${span.from} to ${span.to} of a day of ${number(span.videos)}, MAX_ACTIVE ${number(maxActive)}, budget ${usd} USD, kept ${RETENTION / HOUR} hours.`,
      hoursTable(hours),
      kindsTable(hours, videos),
      `The way of a message through the runtime to an object is not in these figures: ${figure(idle * 1000)} µs here for an idle one.`,
      storedTable(atDaysEnd, atEnd),
      'The statements that read most:',
      statementsTable(statements),
    ].join('\n\n');
    if (problems.length > 0) {
      console.log(text);
      throw new Error(`the simulated day went wrong: ${problems.join('; ')}`);
    }
    return text;
  } finally {
    await worker.stop();
  }
}

/** Returns whether nothing is left to happen. */
async function simulate(
  worker: Driven,
  hours: Hour[],
  from: number,
  to: number,
  problems: string[],
): Promise<boolean> {
  for (let at = from; at < to; at += STEP) {
    const before = worker.processorMs();
    const { gauges, costs, isOver, problems: found } = await worker.run<Part>('/inside/day/run', at + STEP);
    const index = Math.floor(at / HOUR);
    let hour = hours.at(-1);
    if (hour?.index !== index) {
      hour = { index, gauges: noGauges(), costs: new Map(), processorMs: 0 };
      hours.push(hour);
    }
    addGauges(hour.gauges, gauges);
    addCosts(hour.costs, Object.entries(costs));
    hour.processorMs += worker.processorMs() - before;
    problems.push(...found);
    if (isOver) return true;
    if ((at + STEP) % HOUR === 0 && hour.gauges.submitted >= MANY) progress(summary(hour));
  }
  return false;
}

function addCosts(sums: Map<string, KindCost>, costs: Iterable<[string, KindCost]>): void {
  for (const [kind, cost] of costs) {
    const sum = sums.get(kind) ?? { calls: 0, wallMs: 0, statements: 0, read: 0, written: 0 };
    for (const name of ['calls', 'wallMs', 'statements', 'read', 'written'] as const) sum[name] += cost[name];
    sums.set(kind, sum);
  }
}

/** What is wrong. */
export function check(
  hours: Pick<Hour, 'gauges' | 'processorMs'>[],
  atEnd: Pick<Sums, 'health' | 'left' | 'most' | 'sizes' | 'usage'>,
  isOver: boolean,
  { videos, maxActive, budget }: { videos: number; maxActive: number; budget: number },
): string[] {
  const all = noGauges();
  for (const { gauges } of hours) addGauges(all, gauges);
  const busiest = Math.max(...hours.map(({ processorMs }) => processorMs / HOUR));
  const { health, left, most, sizes, usage } = atEnd;
  const rules: [boolean, string][] = [
    [all.submitted === videos, `${all.submitted} videos were submitted`],
    [all.queued > 0, 'no queue has built up'],
    [all.active <= maxActive, `${all.active} jobs had a slot`],
    [all.sweepsBehind === 0, `${all.sweepsBehind} sweeps gave way before they had asked all`],
    [all.longestOverdue <= MAX_OVERDUE, `a video was removed ${all.longestOverdue / MINUTE} minutes late`],
    [most <= budget, 'the budget was exceeded'],
    [isOver && left === 0, `${left} videos are not removed`],
    [health.waiting === 0 && health.active === 0, 'jobs are left in the queue'],
    [usage.reserved === 0, `${usage.reserved} micro-dollars are left reserved`],
    [(sizes.rows.jobs ?? 0) === 0, `${sizes.rows.jobs} rows are left in the queue’s table`],
    [(sizes.rows.owned ?? 0) === 0, `${sizes.rows.owned} rows are left in the lists`],
    [(sizes.rows.ended ?? 0) === 0, `${sizes.rows.ended} rows of ended videos are left`],
    [busiest < MAX_BUSY, `the dispatcher was busy ${percent(busiest)} of an hour`],
  ];
  return rules.flatMap(([holds, problem]) => (holds ? [] : [problem]));
}

const number = (value: number) => Math.round(value).toLocaleString('en-US');
const percent = (share: number) => `${figure(share * 100)} %`;
const sumOf = (costs: Map<string, KindCost>, name: keyof KindCost) =>
  [...costs.values()].reduce((sum, cost) => sum + cost[name], 0);

function summary({ index, gauges, costs, processorMs }: Hour): string {
  return `hour ${index}: ${number(gauges.submitted)} submitted, ${number(gauges.queued)} queued, ${number(sumOf(costs, 'calls'))} calls, ${percent(processorMs / HOUR)} of a core`;
}

function hoursTable(hours: Hour[]): string {
  const rows = hours.map(({ index, gauges, costs, processorMs }): Cell[] => {
    const wallMs = sumOf(costs, 'wallMs');
    return [
      index,
      number(gauges.submitted),
      number(gauges.unaffordable),
      number(gauges.removed),
      number(sumOf(costs, 'calls')),
      percent(processorMs / HOUR),
      percent(wallMs / HOUR),
      number(sumOf(costs, 'read')),
      number(sumOf(costs, 'written')),
      number(gauges.active),
      number(gauges.queued),
      `${figure(gauges.longestWait / SECOND)} s`,
      number(gauges.swept),
      gauges.sweepsBehind,
      number(gauges.alarmsSet),
      number(gauges.alarmsLost),
      `${figure(gauges.longestOverdue / MINUTE)} min`,
    ];
  });
  const header = [
    'hour',
    'submitted',
    'over budget',
    'removed',
    'calls',
    'CPU of a core',
    'wall',
    'rows read',
    'written',
    'most active',
    'longest queue',
    'longest wait',
    'swept',
    'sweeps behind',
    'alarms set',
    'video alarms lost',
    'removed late by',
  ];
  return table(header, rows);
}

function kindsTable(hours: Hour[], videos: number): string {
  const sums = new Map<string, KindCost>();
  for (const { costs } of hours) addCosts(sums, costs);
  const processorMs = hours.reduce((sum, hour) => sum + hour.processorMs, 0);
  const wallMs = sumOf(sums, 'wallMs');
  const rows = [...sums].map(([kind, cost]): Cell[] => [
    kind,
    number(cost.calls),
    (cost.calls / videos).toFixed(2),
    figure((1000 * processorMs * cost.wallMs) / wallMs / cost.calls),
    figure(cost.statements / cost.calls),
    figure(cost.read / cost.calls),
    figure(cost.written / cost.calls),
  ]);
  rows.push([
    'all',
    number(sumOf(sums, 'calls')),
    (sumOf(sums, 'calls') / videos).toFixed(2),
    figure((1000 * processorMs) / sumOf(sums, 'calls')),
    figure(sumOf(sums, 'statements') / sumOf(sums, 'calls')),
    figure(sumOf(sums, 'read') / sumOf(sums, 'calls')),
    figure(sumOf(sums, 'written') / sumOf(sums, 'calls')),
  ]);
  return table(
    ['message', 'calls', 'a video', 'CPU µs', 'SQL statements', 'rows read', 'rows written'],
    rows,
  );
}

function storedTable(atDaysEnd: Sums, atEnd: Sums): string {
  const names = Object.keys({ ...atDaysEnd.sizes.rows, ...atEnd.sizes.rows }).toSorted();
  const rows = names.map((name): Cell[] => [
    name,
    number(atDaysEnd.sizes.rows[name] ?? 0),
    number(atEnd.sizes.rows[name] ?? 0),
  ]);
  const mib = ({ sizes }: Sums) => `${figure(sizes.bytes / 2 ** 20)} MiB`;
  rows.push(['stored', mib(atDaysEnd), mib(atEnd)]);
  return table(['rows', 'after the last submit', 'at the end'], rows);
}

function statementsTable(statements: StatementCost[]): string {
  const rows = statements.slice(0, 10).map(([text, count, read, written]): Cell[] => {
    const short = text.length > 110 ? `${text.slice(0, 107)}…` : text;
    return [`\`${short}\``, number(count), figure(read / count), figure(written / count)];
  });
  return table(['statement', 'times', 'rows read each', 'written'], rows);
}

async function idleCost(worker: Driven): Promise<number> {
  await worker.run('/idle', IDLE_CALLS / 10);
  const before = worker.processorMs();
  await worker.run('/idle', IDLE_CALLS);
  return (worker.processorMs() - before) / IDLE_CALLS;
}
