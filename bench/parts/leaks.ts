// Checks whether memory grows with the number of requests: the wasm memory, which never shrinks, and workerd's.
import { fire } from '../load.ts';
import { memoryOf } from '../process-time.ts';
import { progress } from '../report/progress.ts';
import { type Cell, table } from '../report/table.ts';
import { ROUTES, type Route } from '../routes.ts';
import { direct, Scene } from '../scene.ts';
import { type Subject, startSubject } from '../subject.ts';
import { Upstream } from '../upstream.ts';

const MIB = 1024 * 1024;
const REQUESTS = Number(process.env.REQUESTS ?? 100_000);
/** Large requests and those that create jobs are sent less often. */
const FEWER: Record<string, number> = { submit: 1 / 5, multipart: 1 / 50, whole: 1 / 200 };
/** Requests before the first measurement, because one-time allocations are not growth. */
const WARM_UP = 0.05;
/** How often the memory is measured. */
const LOOKS = 4;
const CONNECTIONS = 16;
const SPEED = 600;

export async function leaks(): Promise<string> {
  const upstream = await Upstream.start(SPEED);
  try {
    await direct(upstream);
    // Nothing is timed, so two lanes run concurrently, each with its own Worker.
    const [even, odd] = [0, 1].map((rest) => ROUTES.filter((_, at) => at % 2 === rest));
    const subjects = [await startSubject('rust', upstream), await startSubject('rust', upstream)] as const;
    const rows = await Promise.all([
      lane(even ?? [], subjects[0], upstream),
      lane(odd ?? [], subjects[1], upstream),
    ]).finally(() => Promise.all(subjects.map((subject) => subject.stop())));
    return [table(HEADER, rows.flat()), NOTE].join('\n\n');
  } finally {
    await upstream.stop();
  }
}

const HEADER = ['route', 'requests', 'wasm MiB before', 'on the way', 'after', 'workerd MiB more'];

const NOTE = `A twentieth as many requests came before. Routes follow each other in two Workers: what one has grown by stays with the next.`;

async function lane(routes: Route[], subject: Subject, upstream: Upstream): Promise<Cell[][]> {
  const scene = new Scene(subject, upstream);
  const rows: Cell[][] = [];
  for (const route of routes) rows.push(await growth(subject, route, scene));
  return rows;
}

async function growth(subject: Subject, route: Route, scene: Scene): Promise<Cell[]> {
  const requests = Math.ceil(REQUESTS * (FEWER[route.key] ?? 1));
  progress(`${requests} times ${route.name}`);
  const shots = await route.shots(scene);
  const ask = (count: number) => fire(subject.origin, shots, { connections: CONNECTIONS, count });
  await ask(Math.ceil(requests * WARM_UP));
  const before = memoryOf(subject.pid).resident;
  const wasm = [await subject.wasmMemory()];
  for (let look = 0; look < LOOKS; look++) {
    await ask(Math.ceil(requests / LOOKS));
    wasm.push(await subject.wasmMemory());
  }
  const resident = memoryOf(subject.pid).resident - before;
  const [first = '', ...others] = wasm.map(mib);
  progress(`${route.name}: wasm ${[first, ...others].join(' → ')} MiB`);
  const last = others.pop() ?? '';
  return [route.name, requests.toLocaleString('en-US'), first, others.join(', '), last, mib(resident)];
}

const mib = (bytes: number) => (bytes / MIB).toFixed(2);
