// The processor time of the Worker's isolate alone, with its objects and without the simulators of KV and R2, by profile.
import { fire } from '../load.ts';
import { type OwnTime, ownTime, type Part } from '../own-time.ts';
import { type Both, both, compared, interleaved, withPair } from '../pair.ts';
import { progress } from '../report/progress.ts';
import { median } from '../report/statistics.ts';
import { type Cell, figure, table } from '../report/table.ts';
import { ROUTES, type Route, routeNamed } from '../routes.ts';
import { direct, Scene } from '../scene.ts';
import type { Kind } from '../subject.ts';
import { Upstream } from '../upstream.ts';
import { type RoutesOptions, SPEED, WARM_UP_CONNECTIONS, WARM_UP_MS } from './routes.ts';

const HEADER = [
  ...['route', 'connections', 'own ms Rust', 'JS', 'ratio'],
  ...['wasm Rust', 'script Rust', 'JS', 'runtime Rust', 'JS', 'garbage Rust', 'JS'],
];

const NOTE = `Milliseconds a request. *Script* is the Worker’s JavaScript, with those functions of the runtime that the profile does not list separately; *runtime* is what it lists; *garbage* is its collection.`;

export async function isolates(options: RoutesOptions): Promise<string> {
  const upstream = await Upstream.start(SPEED);
  try {
    await direct(upstream);
    return await withPair(upstream, { hasInspector: true }, async (pair) => {
      const scenes = await both((kind) => new Scene(pair[kind], upstream));
      const rows: Cell[][] = [];
      for (const route of options.keys?.map(routeNamed) ?? ROUTES) {
        rows.push(...(await measure(route, scenes, options)));
      }
      return [table(HEADER, rows), NOTE].join('\n\n');
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
  progress(`${name}, the isolate alone`);
  const sources = await both((kind) => shots(scenes[kind]));
  const drive = (kind: Kind, connections: number, ms: number) =>
    fire(scenes[kind].subject.origin, sources[kind], { connections, ms });
  await both((kind) => drive(kind, WARM_UP_CONNECTIONS, WARM_UP_MS));
  const rows: Cell[][] = [];
  for (const count of connections.filter((count) => count <= maxConnections)) {
    const measured = await interleaved(rounds, async (kind) => {
      let sent = 0;
      const taken = await scenes[kind].subject.profile(async () => {
        // Each connection sends one request before the clock starts.
        sent = (await drive(kind, count, roundMs)).requests + count;
      });
      return perRequest(ownTime(taken), sent);
    });
    rows.push([name, count, ...figures(measured)]);
  }
  return rows;
}

function perRequest(own: OwnTime, requests: number): OwnTime {
  return Object.fromEntries(Object.entries(own).map(([part, ms]) => [part, ms / requests])) as OwnTime;
}

function figures(measured: Both<OwnTime[]>): Cell[] {
  const of = (kind: Kind, part: Part) => figure(median(measured[kind].map((own) => own[part])));
  return [
    ...compared(measured, ({ total }) => total),
    of('rust', 'wasm'),
    ...(['script', 'runtime', 'collection'] as const).flatMap((part) => [
      of('rust', part),
      of('javascript', part),
    ]),
  ];
}
