// The cost of one status read and one page of a list with many stored videos, and of a submit and a status with many
// running jobs. Each number has its own pair of services, and all take turns, so that growth is not caused by other
// load on the machine.
import { rm } from 'node:fs/promises';
import { fire, type Shot } from '../load.ts';
import { KINDS } from '../pair.ts';
import { processorTime } from '../process-time.ts';
import { progress } from '../report/progress.ts';
import { median, ratios, spread } from '../report/statistics.ts';
import { type Cell, figure, ratio, table } from '../report/table.ts';
import { jsonSubmit } from '../routes.ts';
import { completed, direct, submit } from '../scene.ts';
import { addVideos } from '../stored-videos.ts';
import { type Kind, newStorage, type Subject, startSubject } from '../subject.ts';
import { Upstream } from '../upstream.ts';

const STORED = [10, 1000, 100_000];
const IN_FLIGHT = [10, 200, 2000];
const ROUNDS = 7;
const ROUND_MS = 500;
const SUBMITTING_CONNECTIONS = 16;
const SPEED = 600;

const OWNER = 'alice';
const HEADERS = { authorization: 'Bearer a-token-for-benchmarks' };
const VARS = { CLIENT_TOKENS: JSON.stringify({ [OWNER]: 'a-token-for-benchmarks' }) };

/** One service, and its requests by the name of the measurement. */
interface Place {
  subject: Subject;
  questions: Map<string, () => Shot>;
}

interface Cost {
  p50: number;
  processorMs: number;
}

export async function scales(): Promise<string> {
  const upstream = await Upstream.start(SPEED);
  try {
    await direct(upstream);
    const stored = await compared(STORED, 'stored', (kind, count) => withStored(kind, count, upstream));
    const inFlight = await compared(IN_FLIGHT, 'in flight', (kind, count) => withJobs(kind, count, upstream));
    return [stored, inFlight, NOTE].join('\n\n');
  } finally {
    await upstream.stop();
  }
}

const NOTE =
  'One connection. Growth is the processor’s time for a request where there are most, to that where there are fewest.';

async function compared(
  counts: number[],
  what: string,
  start: (kind: Kind, count: number) => Promise<Place>,
): Promise<string> {
  const rows: Cell[][] = [];
  const places: Place[][] = [];
  try {
    for (const kind of KINDS) {
      const ofKind: Place[] = [];
      places.push(ofKind);
      for (const count of counts) {
        progress(`${count} ${what}, ${kind}`);
        ofKind.push(await start(kind, count));
      }
    }
    for (const question of places[0]?.[0]?.questions.keys() ?? []) {
      progress(question);
      const costs = await taken(places.flat(), question);
      for (const [at, kind] of KINDS.entries()) {
        const ofKind = costs.slice(at * counts.length, (at + 1) * counts.length);
        rows.push([`${question}, ${kind === 'rust' ? 'Rust' : 'JS'}`, ...row(ofKind)]);
      }
    }
  } finally {
    await Promise.all(places.flat().map(({ subject }) => subject.stop()));
  }
  const numbers = counts.map((count) => count.toLocaleString('en-US'));
  const header = [
    '',
    ...numbers.map((number) => `p50 ms, ${number} ${what}`),
    ...numbers.map((number) => `CPU ms, ${number}`),
  ];
  return table([...header, 'growth'], rows);
}

function row(costs: Cost[][]): Cell[] {
  const middles = (pick: (cost: Cost) => number) => costs.map((rounds) => figure(median(rounds.map(pick))));
  const processor = costs.map((rounds) => rounds.map(({ processorMs }) => processorMs));
  const growth = ratios(processor.at(-1) ?? [], processor[0] ?? []);
  return [
    ...middles(({ p50 }) => p50),
    ...middles(({ processorMs }) => processorMs),
    ratio(median(growth), spread(growth)),
  ];
}

/** In each place, every round's cost. */
async function taken(places: Place[], question: string): Promise<Cost[][]> {
  const costs: Cost[][] = places.map(() => []);
  for (let round = -1; round < ROUNDS; round++) {
    for (const [at, { subject, questions }] of places.entries()) {
      const before = processorTime(subject.pid);
      const next = questions.get(question) as () => Shot;
      const { p50, requests } = await fire(subject.origin, next, { connections: 1, ms: ROUND_MS });
      // The first round warms up.
      if (round >= 0) costs[at]?.push({ p50, processorMs: (processorTime(subject.pid) - before) / requests });
    }
  }
  return costs;
}

async function withStored(kind: Kind, count: number, upstream: Upstream): Promise<Place> {
  const storage = newStorage();
  const first = await startSubject(kind, upstream, { vars: VARS, storage });
  const id = await submit(first, 'the first', HEADERS);
  await completed(first, id, HEADERS);
  await first.stop();
  const ids = [id, ...addVideos(storage, OWNER, count - 1)];
  const subject = await startSubject(kind, upstream, { vars: VARS, storage });
  const stop = async () => {
    await subject.stop();
    await rm(storage, { recursive: true });
  };
  const questions = new Map([
    ['status', anyOf(ids, (id) => get(`/v1/videos/${id}`))],
    // As many as there are at least.
    ['page of a list', () => get(`/v1/videos?limit=${STORED[0]}`)],
  ]);
  return { subject: { ...subject, stop }, questions };
}

async function withJobs(kind: Kind, count: number, upstream: Upstream): Promise<Place> {
  const subject = await startSubject(kind, upstream);
  const shot = jsonSubmit();
  await fire(subject.origin, () => shot, { connections: SUBMITTING_CONNECTIONS, count });
  const urls = (await upstream.tasks('measured')).map(({ callbackUrl }) => new URL(callbackUrl));
  const own = urls
    .filter(({ origin }) => origin === subject.origin)
    .map(({ pathname }) => pathname.split('/')[3]);
  const questions = new Map([
    ['status', anyOf(own, (id) => ({ method: 'GET', path: `/v1/videos/${id}`, status: 200 }))],
    ['submit', () => shot],
  ]);
  return { subject, questions };
}

const get = (path: string): Shot => ({ method: 'GET', path, headers: HEADERS, status: 200 });

/** In random order, so that all videos are read equally often. */
function anyOf<T>(items: T[], make: (item: T) => Shot): () => Shot {
  return () => make(items[Math.floor(Math.random() * items.length)] as T);
}
