// What one status read and one page of a list cost, however many videos are stored, and what a submit and a status cost,
// however many jobs are in flight.
import { rm } from 'node:fs/promises';
import { fire, type Shot } from '../load.ts';
import { type Both, both, interleaved, KINDS, withPair } from '../pair.ts';
import { processorTime } from '../process-time.ts';
import { progress } from '../progress.ts';
import { jsonSubmit } from '../routes.ts';
import { completed, direct, submit } from '../scene.ts';
import { median } from '../statistics.ts';
import { addVideos } from '../stored-videos.ts';
import { newStorage, type Subject, startSubject } from '../subject.ts';
import { type Cell, figure, table } from '../table.ts';
import { Upstream } from '../upstream.ts';

const STORED = [10, 1000, 100_000];
const IN_FLIGHT = [10, 200, 2000];
const ROUNDS = 5;
const ROUND_MS = 1000;
const SUBMITTING_CONNECTIONS = 16;
const SPEED = 600;

const OWNER = 'alice';
const HEADERS = { authorization: 'Bearer a-token-for-benchmarks' };
const VARS = { CLIENT_TOKENS: JSON.stringify({ [OWNER]: 'a-token-for-benchmarks' }) };

interface Cost {
  p50: number;
  processorMs: number;
}

/** For each question, in each kind: what it costs at each number. */
type Costs = Map<string, Both<Cost[]>>;

export async function scales(): Promise<string> {
  const upstream = await Upstream.start(SPEED);
  try {
    await direct(upstream);
    const stored = table(header('stored', STORED), rowsOf(await ofStored(upstream)));
    const inFlight = table(header('in flight', IN_FLIGHT), rowsOf(await ofInFlight(upstream)));
    return [stored, inFlight, NOTE].join('\n\n');
  } finally {
    await upstream.stop();
  }
}

const NOTE =
  'p50 in ms at one connection, then the processor’s ms for one request; last, how much dearer the most are than the fewest.';

const header = (what: string, counts: number[]) => [
  ...['', ...counts.map((count) => `p50, ${count.toLocaleString('en-US')} ${what}`)],
  ...counts.map((count) => `CPU, ${count.toLocaleString('en-US')}`),
  'growth',
];

function rowsOf(costs: Costs): Cell[][] {
  return [...costs].flatMap(([question, measured]) =>
    KINDS.map((kind) => {
      const all = measured[kind];
      const processor = all.map(({ processorMs }) => processorMs);
      const growth = (processor.at(-1) ?? Number.NaN) / (processor[0] ?? Number.NaN);
      const name = `${question}, ${kind === 'rust' ? 'Rust' : 'JS'}`;
      return [name, ...all.map(({ p50 }) => figure(p50)), ...processor.map(figure), growth.toFixed(2)];
    }),
  );
}

async function ofStored(upstream: Upstream): Promise<Costs> {
  const costs: Costs = new Map();
  const folders = await both(() => newStorage());
  try {
    const ids = await both(async (kind) => [await firstVideo(kind, folders[kind], upstream)]);
    for (const count of STORED) {
      progress(`${count} stored videos`);
      for (const kind of KINDS) ids[kind].push(...addVideos(folders[kind], OWNER, count - ids[kind].length));
      await withPair(upstream, { vars: VARS, storages: folders }, async (pair) => {
        const statuses = await both((kind) => anyOf(ids[kind], (id) => get(`/v1/videos/${id}`)));
        await measure(costs, 'status', pair, statuses);
        const list = () => get('/v1/videos?limit=20');
        await measure(costs, 'page of a list', pair, { rust: list, javascript: list });
      });
    }
    return costs;
  } finally {
    for (const kind of KINDS) await rm(folders[kind], { recursive: true });
  }
}

async function firstVideo(kind: Subject['kind'], storage: string, upstream: Upstream): Promise<string> {
  const subject = await startSubject(kind, upstream, { vars: VARS, storage });
  const id = await submit(subject, 'the first', HEADERS);
  await completed(subject, id, HEADERS);
  await subject.stop();
  return id;
}

async function ofInFlight(upstream: Upstream): Promise<Costs> {
  const costs: Costs = new Map();
  await withPair(upstream, {}, async (pair) => {
    const shot = jsonSubmit();
    let made = 0;
    for (const count of IN_FLIGHT) {
      progress(`${count} jobs in flight`);
      const load = { connections: SUBMITTING_CONNECTIONS, count: count - made };
      await both((kind) => fire(pair[kind].origin, () => shot, load));
      made = count;
      const tasks = await upstream.tasks('measured');
      const statuses = await both((kind) => {
        const urls = tasks.map(({ callbackUrl }) => new URL(callbackUrl));
        const ids = urls
          .filter(({ origin }) => origin === pair[kind].origin)
          .map(({ pathname }) => pathname.split('/')[3]);
        return anyOf(ids, (id) => ({ method: 'GET', path: `/v1/videos/${id}`, status: 200 }));
      });
      await measure(costs, 'status', pair, statuses);
      await measure(costs, 'submit', pair, { rust: () => shot, javascript: () => shot });
    }
  });
  return costs;
}

async function measure(
  costs: Costs,
  question: string,
  pair: Both<Subject>,
  shots: Both<() => Shot>,
): Promise<void> {
  const measureOne = async (kind: Subject['kind']) => {
    const { origin, pid } = pair[kind];
    const before = processorTime(pid);
    const { p50, requests } = await fire(origin, shots[kind], { connections: 1, ms: ROUND_MS });
    return { p50, processorMs: (processorTime(pid) - before) / requests };
  };
  await both(measureOne);
  const rounds = await interleaved(ROUNDS, measureOne);
  const known = costs.get(question) ?? { rust: [], javascript: [] };
  for (const kind of KINDS) {
    const middle = (pick: (cost: Cost) => number) => median(rounds[kind].map(pick));
    known[kind].push({
      p50: middle(({ p50 }) => p50),
      processorMs: middle(({ processorMs }) => processorMs),
    });
  }
  costs.set(question, known);
}

const get = (path: string): Shot => ({ method: 'GET', path, headers: HEADERS, status: 200 });

/** By chance, so that none is asked for more than another. */
function anyOf<T>(items: T[], make: (item: T) => Shot): () => Shot {
  return () => make(items[Math.floor(Math.random() * items.length)] as T);
}
