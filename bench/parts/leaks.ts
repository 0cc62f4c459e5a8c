// Whether memory grows with the number of requests: that of the wasm, which never shrinks, and that of workerd.
import { fire } from '../load.ts';
import { type Both, both, withPair } from '../pair.ts';
import { memoryOf } from '../process-time.ts';
import { progress } from '../progress.ts';
import { ROUTES, type Route } from '../routes.ts';
import { direct, Scene } from '../scene.ts';
import type { Subject } from '../subject.ts';
import { type Cell, table } from '../table.ts';
import { Upstream } from '../upstream.ts';

const MIB = 1024 * 1024;
const REQUESTS = Number(process.env.REQUESTS ?? 100_000);
/** What is large or makes jobs is asked for less often. */
const FEWER: Record<string, number> = { submit: 1 / 50, multipart: 1 / 300, whole: 1 / 1000 };
/** Before the first look: what is loaded once is no growth. */
const WARM_UP = 0.05;
const CONNECTIONS = 16;
const SPEED = 600;

export async function leaks(): Promise<string> {
  const upstream = await Upstream.start(SPEED);
  try {
    await direct(upstream);
    // Nothing is timed: lanes and kinds go side by side, each with subjects of its own.
    const [odd, even] = [1, 0].map((rest) => ROUTES.filter((_, at) => at % 2 === rest));
    const rows = await withPair(upstream, {}, (first) =>
      withPair(upstream, {}, (second) =>
        Promise.all([lane(even ?? [], first, upstream), lane(odd ?? [], second, upstream)]),
      ),
    );
    return table(HEADER, rows.flat());
  } finally {
    await upstream.stop();
  }
}

async function lane(routes: Route[], pair: Both<Subject>, upstream: Upstream): Promise<Cell[][]> {
  const scenes = await both((kind) => new Scene(pair[kind], upstream));
  const rows: Cell[][] = [];
  for (const route of routes) {
    const requests = Math.ceil(REQUESTS * (FEWER[route.key] ?? 1));
    progress(`${requests} times ${route.name}`);
    const [rust, javascript] = await Promise.all([
      growth(pair.rust, route, scenes.rust, requests),
      growth(pair.javascript, route, scenes.javascript, requests),
    ]);
    const figures = [rust.wasmBefore, rust.wasmAfter, rust.resident, javascript.resident].map(mib);
    progress(`${route.name}: wasm ${figures[0]} → ${figures[1]} MiB`);
    rows.push([route.name, requests.toLocaleString('en-US'), ...figures]);
  }
  return rows;
}

const HEADER = [...['route', 'requests', 'wasm MiB before', 'after'], ...['workerd MiB more, Rust', 'JS']];

const mib = (bytes: number) => (bytes / MIB).toFixed(2);

async function growth(subject: Subject, route: Route, scene: Scene, requests: number) {
  const shots = await route.shots(scene);
  const ask = (count: number) => fire(subject.origin, shots, { connections: CONNECTIONS, count });
  await ask(Math.ceil(requests * WARM_UP));
  const [wasmBefore, before] = [await subject.wasmMemory(), memoryOf(subject.pid).resident];
  await ask(requests);
  const [wasmAfter, after] = [await subject.wasmMemory(), memoryOf(subject.pid).resident];
  return { wasmBefore, wasmAfter, resident: after - before };
}
