// `make bench`: the Worker in Rust beside the reference in JavaScript, into RESULTS.md. PARTS='routes scale' chooses what is
// measured; the slow parts are, only when they are chosen. ROUTES='status hook' tries these routes alone, quickly, and
// keeps nothing; with PARTS=isolate the isolate alone. CONNECTIONS='1 64' takes so many connections in place of 16.
import { reasonOf } from '../scripts/shared/reason.ts';
import { runToExit } from '../scripts/shared/shutdown.ts';
import { copies } from './parts/copy.ts';
import { days } from './parts/day.ts';
import { dispatchers } from './parts/dispatcher.ts';
import { isolates } from './parts/isolate.ts';
import { latencies } from './parts/latency.ts';
import { leaks } from './parts/leaks.ts';
import { routes } from './parts/routes.ts';
import { scales } from './parts/scale.ts';
import { slowClients } from './parts/slow-clients.ts';
import { startups } from './parts/startup.ts';
import { watchers } from './parts/watchers.ts';
import { progress } from './report/progress.ts';
import { writeSection } from './report/results.ts';

interface Part {
  title: string;
  /** Measured only if it is chosen. */
  isSlow?: boolean;
  measure: () => Promise<string>;
}

const PARTS: Record<string, Part> = {
  routes: {
    title: 'Routes',
    measure: () => routes({ connections: [1, 16, 64], rounds: 9, roundMs: 700 }),
  },
  isolate: {
    title: 'The isolate alone',
    measure: () => isolates({ connections: [16], rounds: 11, roundMs: 1000 }),
  },
  copy: { title: 'Copy, CDN → R2', measure: copies },
  startup: { title: 'Start-up', measure: startups },
  latency: { title: 'From end to end', measure: latencies },
  scale: { title: 'Scale', isSlow: true, measure: scales },
  leaks: { title: 'Memory', isSlow: true, measure: leaks },
  dispatcher: { title: 'Dispatcher', isSlow: true, measure: () => dispatchers() },
  day: { title: 'A day of a million videos', isSlow: true, measure: () => days() },
  'slow-clients': { title: 'Memory under slow clients', isSlow: true, measure: slowClients },
  watchers: { title: 'Watchers', isSlow: true, measure: watchers },
};

await runToExit(
  async () => {
    const keys = words('ROUTES');
    if (keys.length === 0) {
      await measureParts(words('PARTS'));
    } else {
      const connections = words('CONNECTIONS').map(Number);
      const quick = { connections: connections.length > 0 ? connections : [16], rounds: 7, roundMs: 1000 };
      const measure = words('PARTS').includes('isolate') ? isolates : routes;
      console.log(await measure({ keys, ...quick }));
    }
    return 0;
  },
  (error) => console.error(`make bench failed: ${reasonOf(error)}`),
);

async function measureParts(chosen: string[]): Promise<void> {
  const quick = Object.keys(PARTS).filter((name) => !PARTS[name]?.isSlow);
  const names = chosen.length > 0 ? chosen : quick;
  const order = Object.values(PARTS).map(({ title }) => title);
  for (const name of names) {
    const part = PARTS[name];
    if (!part) throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(', ')}`);
    progress(part.title);
    const text = await part.measure();
    console.log(`\n## ${part.title}\n\n${text}`);
    writeSection({ title: part.title, text }, order);
  }
}

function words(name: string): string[] {
  return process.env[name]?.split(/[\s,]+/).filter(Boolean) ?? [];
}
