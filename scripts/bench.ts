// `make bench`: requests a second and latencies of the routes that read, in `wrangler dev` on this machine. Figures of
// one run are to be compared with each other only: the last column sets each route against /health.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSim } from '../sim/index.ts';
import { reasonOf } from './reason.ts';
import { runToExit } from './shutdown.ts';
import { settingsFor } from './stand-in.ts';
import { ended, submit } from './video-client.ts';
import { DevProcess, freePort } from './worker-process.ts';

const CONNECTIONS = 8;
const ROUNDS = 3;
const REQUESTS_PER_ROUND = 200;

interface Route {
  name: string;
  path: string;
  headers?: Record<string, string>;
  status: number;
}

interface Figures {
  perSecond: number;
  p50: number;
  p99: number;
}

await runToExit(
  async (defer) => {
    const sim = await startSim({ speed: 100 });
    defer(() => sim.close());
    const storage = await mkdtemp(join(tmpdir(), 'hailuo-worker-bench-'));
    defer(() => rm(storage, { recursive: true, force: true }));
    const vars = {
      ...settingsFor(sim),
      SIGNING_KEY: 'a-key-for-benchmarks-and-nothing-else',
      // What is measured is the Worker, not its patience.
      SUBMIT_PER_MINUTE: '0',
      VISITS_PER_MINUTE: '0',
    };
    const worker = new DevProcess(await freePort(), storage, vars);
    defer(() => worker.kill('SIGTERM'));
    await worker.start();
    print(await measureAll(await routes(worker.origin, sim)));
    return 0;
  },
  (error) => console.error(`make bench failed: ${reasonOf(error)}`),
);

async function routes(origin: string, sim: Awaited<ReturnType<typeof startSim>>): Promise<Route[]> {
  sim.script('held', { holdAt: 'task_start' });
  const done = await ended(await submit(origin, { prompt: 'finished' }), 60_000, () => {});
  const held = await submit(origin, { prompt: 'held' });
  const madeUp = `${origin}/v1/videos/vid_${'a'.repeat(40)}`;
  return [
    { name: 'GET /health', path: `${origin}/health`, status: 200 },
    { name: 'status of a made-up id', path: madeUp, status: 404 },
    { name: 'status, final (KV)', path: done.urls.self, status: 200 },
    { name: 'status, in flight (object)', path: held.urls.self, status: 200 },
    {
      name: 'content, first 16 KiB',
      path: done.urls.content,
      headers: { range: 'bytes=0-16383' },
      status: 206,
    },
    { name: 'content, whole (50 kB)', path: done.urls.content, status: 200 },
  ];
}

/** Routes take turns, so that a busy moment of the machine falls on all of them; medians over the rounds. */
async function measureAll(routes: Route[]): Promise<[Route, Figures][]> {
  const rounds = new Map<Route, Figures[]>(routes.map((route) => [route, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const route of routes) {
      const figures = await measure(route);
      // The first round warms up.
      if (round > 0) rounds.get(route)?.push(figures);
    }
  }
  const middle = (all: Figures[], pick: (figures: Figures) => number) => median(all.map(pick));
  return [...rounds].map(([route, all]) => [
    route,
    {
      perSecond: middle(all, ({ perSecond }) => perSecond),
      p50: middle(all, ({ p50 }) => p50),
      p99: middle(all, ({ p99 }) => p99),
    },
  ]);
}

async function measure({ name, path, headers = {}, status }: Route): Promise<Figures> {
  const latencies: number[] = [];
  let left = REQUESTS_PER_ROUND;
  const connection = async () => {
    while (left-- > 0) {
      const began = performance.now();
      const response = await fetch(path, { headers });
      await response.arrayBuffer();
      latencies.push(performance.now() - began);
      if (response.status !== status) throw new Error(`${name} answered ${response.status}`);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  const seconds = (performance.now() - began) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)] ?? 0;
  return { perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99) };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function print(results: [Route, Figures][]): void {
  const health = results[0]?.[1].perSecond ?? 1;
  console.log(
    `${cpus().length} cores, Node ${process.version}, ${CONNECTIONS} connections, ${ROUNDS} rounds`,
  );
  console.log(`\n${'route'.padEnd(30)}${['req/s', 'p50 ms', 'p99 ms', '/health ='].map(right).join('')}`);
  for (const [{ name }, { perSecond, p50, p99 }] of results) {
    const figures = [perSecond.toFixed(0), p50.toFixed(1), p99.toFixed(1), (perSecond / health).toFixed(2)];
    console.log(name.padEnd(30) + figures.map(right).join(''));
  }
}

function right(text: string): string {
  return text.padStart(11);
}
