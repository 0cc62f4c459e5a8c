// Requests per second, latencies, and CPU time per request.
import { fire, type Load } from '../load.ts';
import { type Both, both, compared, interleaved, withPair } from '../pair.ts';
import { processorTime } from '../process-time.ts';
import { progress } from '../report/progress.ts';
import { type Cell, table } from '../report/table.ts';
import { ROUTES, type Route, routeNamed } from '../routes.ts';
import { direct, Scene } from '../scene.ts';
import type { Kind } from '../subject.ts';
import { Upstream } from '../upstream.ts';

export interface RoutesOptions {
  /** Default: all. */
  keys?: string[];
  connections: number[];
  rounds: number;
  roundMs: number;
}

interface Round extends Load {
  /** Of its workerd, in milliseconds. */
  processorMs: number;
}

/** Simulated seconds per second, so that jobs end at once. */
export const SPEED = 600;
/** Warm-up until the engine has compiled the hot functions; wasm takes longer than JavaScript. */
export const WARM_UP_MS = 4000;
export const WARM_UP_CONNECTIONS = 16;
/** Above this CPU usage the generator measures itself. */
const MAX_BUSY = 0.9;

const HEADER = [
  ...['route', 'connections', 'req/s Rust', 'JS', 'ratio', 'p50 ms Rust', 'JS', 'p99 ms Rust', 'JS', 'ratio'],
  ...['CPU ms Rust', 'JS', 'ratio'],
];

export async function routes(options: RoutesOptions): Promise<string> {
  const upstream = await Upstream.start(SPEED);
  try {
    await direct(upstream);
    return await withPair(upstream, {}, async (pair) => {
      const scenes = await both((kind) => new Scene(pair[kind], upstream));
      const rows: Cell[][] = [];
      for (const route of options.keys?.map(routeNamed) ?? ROUTES) {
        rows.push(...(await measure(route, scenes, options)));
      }
      return table(HEADER, rows);
    });
  } finally {
    await upstream.stop();
  }
}

async function measure(
  { name, shots, maxConnections = Number.POSITIVE_INFINITY }: Route,
  scenes: Both<Scene>,
  { connections, rounds, roundMs }: RoutesOptions,
): Promise<Cell[][]> {
  progress(name);
  const sources = await both((kind) => shots(scenes[kind]));
  const fireAt = async (kind: Kind, connections: number, ms: number): Promise<Round> => {
    const { origin, pid } = scenes[kind].subject;
    const before = processorTime(pid);
    const load = await fire(origin, sources[kind], { connections, ms });
    return { ...load, processorMs: processorTime(pid) - before };
  };
  await both((kind) => fireAt(kind, WARM_UP_CONNECTIONS, WARM_UP_MS));
  const rows: Cell[][] = [];
  for (const count of connections.filter((count) => count <= maxConnections)) {
    const measured = await interleaved(rounds, (kind) => fireAt(kind, count, roundMs));
    rows.push([name, count, ...figures(measured)]);
  }
  return rows;
}

function figures(measured: Both<Round[]>): Cell[] {
  const busiest = Math.max(...Object.values(measured).flatMap((all: Round[]) => all.map(({ busy }) => busy)));
  if (busiest > MAX_BUSY) progress(`the generator was busy for ${Math.round(busiest * 100)} % of the time`);
  const [p50, p50Javascript] = compared(measured, (round) => round.p50);
  return [
    ...compared(measured, ({ requests, seconds }) => requests / seconds),
    ...[p50, p50Javascript],
    ...compared(measured, (round) => round.p99),
    ...compared(measured, ({ processorMs, requests }) => processorMs / requests),
  ];
}
