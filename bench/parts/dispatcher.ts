// What one dispatcher bears: whole lives of videos, positions and pages of lists, with few and many jobs that have a slot
// or wait for one. Each place is a Worker of its own, and all take turns. NOTES.md says what is left out.
import type { Costs, RoundOrder, StatementCost } from '../dispatcher/control.ts';
import type { Fill, Round } from '../dispatcher/load.ts';
import { type Driven, startDriven } from '../dispatcher/start.ts';
import { progress } from '../report/progress.ts';
import { median } from '../report/statistics.ts';
import { type Cell, figure, table } from '../report/table.ts';

export interface DispatcherOptions {
  places: Fill[];
  rounds: number;
  /** About how long a round takes. */
  roundMs: number;
}

const DEFAULTS: DispatcherOptions = {
  places: [
    { active: 10, waiting: 0, ended: 0, clients: 200 },
    { active: 2000, waiting: 0, ended: 0, clients: 200 },
    { active: 10_000, waiting: 0, ended: 0, clients: 200 },
    { active: 10, waiting: 10_000, ended: 0, clients: 200 },
    { active: 2000, waiting: 10_000, ended: 0, clients: 1 },
    { active: 2000, waiting: 10_000, ended: 0, clients: 200 },
    { active: 10_000, waiting: 10_000, ended: 0, clients: 200 },
    { active: 2000, waiting: 0, ended: 100_000, clients: 1 },
  ],
  rounds: 5,
  roundMs: 500,
};

/** Free slots where no job waits, so that every job gets one at once. */
const FREE_SLOTS = 50;
const FIRST_COUNT = 20;
const MAX_COUNT = 5000;
const IDLE_CALLS = 500;
const TOP_STATEMENTS = 12;

interface Place extends Fill {
  worker: Driven;
}

/** One round of a place. */
interface Taken {
  /** Of one call of the round's kind: a whole life, or a question. */
  wallMs: number;
  processorMs: number;
  /** Of one message of each kind. */
  messages: Record<string, number>;
}

export async function dispatchers(options = DEFAULTS): Promise<string> {
  const places: Place[] = [];
  try {
    for (const fill of options.places) places.push(await startPlace(fill));
    const lives = await measured(places, 'lives', options);
    const rows = await rowsOf(places, 'lives');
    const statements = await statementsOf(places);
    const questions: Cell[][] = [];
    for (const round of ['positions', 'list pages', 'operator pages'] as const) {
      const asked = round === 'positions' ? places.filter(({ waiting }) => waiting > 0) : places;
      const taken = await measured(asked, round, options);
      const read = await rowsOf(asked, round);
      questions.push(...asked.map((place, at) => questionRow(round, place, taken[at] ?? [], read[at] ?? {})));
    }
    const idle = await idleCost(places[0]);
    return [
      livesTable(places, lives),
      `A message to an object that does nothing takes ${figure(idle * 1000)} µs of processor time, which every figure holds.`,
      rowsTable(places, rows),
      table([...PLACE_HEADER, 'question', 'a second', 'CPU µs', 'rows read'], questions),
      `The statements that read most in ${nameOf(places.toSorted((one, other) => weight(other) - weight(one))[0])}:`,
      statements,
    ].join('\n\n');
  } finally {
    await Promise.all(places.map(({ worker }) => worker.stop()));
  }
}

async function startPlace(fill: Fill): Promise<Place> {
  progress(nameOf(fill));
  const slots = fill.active + (fill.waiting > 0 ? 0 : FREE_SLOTS);
  const worker = await startDriven({ MAX_ACTIVE: `${slots}` });
  await worker.run('/inside/fill', fill);
  return { ...fill, worker };
}

const weight = ({ active, waiting, ended }: Fill) => active + waiting + ended;

const nameOf = (fill: Fill | undefined) =>
  fill
    ? `${fill.active} active, ${fill.waiting} waiting, ${fill.ended} ended, ${fill.clients} ${fill.clients > 1 ? 'clients' : 'client'}`
    : '';

/** In each place, every round's cost. */
async function measured(
  places: Place[],
  round: Round,
  { rounds, roundMs }: DispatcherOptions,
): Promise<Taken[][]> {
  progress(round);
  const all: Taken[][] = places.map(() => []);
  const counts: number[] = [];
  for (const { worker } of places) {
    // The first page of the operator makes an index.
    await take(worker, round, 1);
    const { wallMs } = await take(worker, round, FIRST_COUNT);
    counts.push(Math.max(1, Math.min(MAX_COUNT, Math.round(roundMs / Math.max(wallMs, 0.05)))));
  }
  for (let turn = 0; turn < rounds; turn++) {
    for (const [at, { worker }] of places.entries()) {
      // An object that had nothing to do was taken out of memory meanwhile.
      await take(worker, round, 1);
      all[at]?.push(await take(worker, round, counts[at] ?? 1));
    }
  }
  return all;
}

async function take(worker: Driven, round: Round, count: number): Promise<Taken> {
  const before = worker.processorMs();
  const began = performance.now();
  const order: RoundOrder = { round, count, isCounted: false };
  const costs = await worker.run<Costs>('/round', order);
  const wallMs = (performance.now() - began) / count;
  const processorMs = (worker.processorMs() - before) / count;
  const kinds = Object.entries(costs);
  const all = kinds.reduce((sum, [, kind]) => sum + kind.wallMs, 0);
  const share = (kindMs: number) => (all > 0 ? kindMs / all : 0);
  return {
    wallMs,
    processorMs,
    messages: Object.fromEntries(
      kinds.map(([kind, { calls, wallMs }]) => [kind, (processorMs * share(wallMs) * count) / calls]),
    ),
  };
}

/** Of each place, rows read and written by one message of each kind. */
async function rowsOf(places: Place[], round: Round): Promise<Costs[]> {
  const all: Costs[] = [];
  for (const { worker } of places) {
    const order: RoundOrder = { round, count: FIRST_COUNT, isCounted: true };
    all.push(await worker.run<Costs>('/round', order));
  }
  return all;
}

async function statementsOf(places: Place[]): Promise<string> {
  const [place] = places.toSorted((one, other) => weight(other) - weight(one));
  if (!place) return '';
  const all = await place.worker.run<StatementCost[]>('/inside/statements');
  const rows = all.slice(0, TOP_STATEMENTS).map(([text, count, read, written]): Cell[] => {
    const short = text.length > 110 ? `${text.slice(0, 107)}…` : text;
    return [`\`${short}\``, figure(count / FIRST_COUNT), figure(read / count), figure(written / count)];
  });
  return table(['statement', 'times in a life', 'rows read each', 'written'], rows);
}

async function idleCost(place: Place | undefined): Promise<number> {
  if (!place) return Number.NaN;
  await place.worker.run('/idle', IDLE_CALLS);
  const before = place.worker.processorMs();
  await place.worker.run('/idle', IDLE_CALLS);
  return (place.worker.processorMs() - before) / IDLE_CALLS;
}

const PLACE_HEADER = ['active', 'waiting', 'ended', 'clients'];
const placeCells = (fill: Fill): Cell[] =>
  [fill.active, fill.waiting, fill.ended, fill.clients].map((number) => number.toLocaleString('en-US'));

/** The kinds of all messages, in the order of a life. */
function kindsOf(all: Record<string, unknown>[]): string[] {
  return [...new Set(all.flatMap((kinds) => Object.keys(kinds)))];
}

function livesTable(places: Place[], lives: Taken[][]): string {
  const kinds = kindsOf(lives.flat().map(({ messages }) => messages));
  const middle = (rounds: Taken[], pick: (taken: Taken) => number) => median(rounds.map(pick));
  const rows = places.map((place, at): Cell[] => {
    const rounds = lives[at] ?? [];
    const processorMs = middle(rounds, (taken) => taken.processorMs);
    return [
      ...placeCells(place),
      figure(1000 / middle(rounds, ({ wallMs }) => wallMs)),
      figure(1000 / processorMs),
      figure(processorMs),
      ...kinds.map((kind) => figure(1000 * middle(rounds, ({ messages }) => messages[kind] ?? Number.NaN))),
    ];
  });
  const header = [
    'videos/s here',
    'videos/s of a core',
    'CPU ms a video',
    ...kinds.map((kind) => `${kind} µs`),
  ];
  return table([...PLACE_HEADER, ...header], rows);
}

function rowsTable(places: Place[], rows: Costs[]): string {
  const kinds = kindsOf(rows);
  const cells = places.map((place, at): Cell[] => {
    const costs = rows[at] ?? {};
    const each = kinds.map((kind) => {
      const cost = costs[kind];
      if (!cost) return '—';
      const each = [cost.statements, cost.read, cost.written].map((sum) => Math.round(sum / cost.calls));
      return each.join(' / ');
    });
    return [...placeCells(place), ...each];
  });
  return table([...PLACE_HEADER, ...kinds.map((kind) => `${kind}: statements / rows read / written`)], cells);
}

function questionRow(round: Round, place: Place, taken: Taken[], costs: Costs): Cell[] {
  const processorMs = median(taken.map(({ processorMs }) => processorMs));
  const [cost] = Object.values(costs);
  return [
    ...placeCells(place),
    round,
    figure(1000 / median(taken.map(({ wallMs }) => wallMs))),
    figure(processorMs * 1000),
    cost ? figure(cost.read / cost.calls) : '—',
  ];
}
