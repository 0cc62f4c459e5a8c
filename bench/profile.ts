// `make profile ROUTE=status`: sends requests to one route and prints in which functions the Worker spends its time.
// The profile is written to a file for browsers and editors. KIND=javascript profiles the reference.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../scripts/shared/reason.ts';
import { runToExit } from '../scripts/shared/shutdown.ts';
import { freePort, root } from '../scripts/shared/worker-process.ts';
import { profile, selfTimes } from './inspector.ts';
import { fire } from './load.ts';
import { figure, table } from './report/table.ts';
import { routeNamed } from './routes.ts';
import { direct, Scene } from './scene.ts';
import { type Kind, startSubject, WORKER_SERVICE } from './subject.ts';
import { Upstream } from './upstream.ts';

const WARM_UP_MS = 5000;
const PROFILE_MS = 5000;
const SPEED = 600;
const SHOWN = 40;
const MAX_NAME_CHARS = 90;

/** Entries that are not time of the Worker. */
const IDLE = ['(idle)', '(root)'];

const FOLDER = join(root, '.wrangler/profiles');

await runToExit(
  async () => {
    const { KIND = 'rust', CONNECTIONS = '16' } = process.env;
    await run(process.argv[2] ?? '', KIND as Kind, Number(CONNECTIONS));
    return 0;
  },
  (error) => console.error(`make profile failed: ${reasonOf(error)}`),
);

async function run(key: string, kind: Kind, connections: number): Promise<void> {
  const route = routeNamed(key);
  const upstream = await Upstream.start(SPEED);
  await direct(upstream);
  const inspectorPort = await freePort();
  const subject = await startSubject(kind, upstream, { inspectorPort });
  try {
    const shots = await route.shots(new Scene(subject, upstream));
    const drive = (ms: number) => fire(subject.origin, shots, { connections, ms });
    await drive(WARM_UP_MS);
    let requests = 0;
    const taken = await profile(inspectorPort, WORKER_SERVICE, async () => {
      ({ requests } = await drive(PROFILE_MS));
    });
    mkdirSync(FOLDER, { recursive: true });
    const file = join(FOLDER, `${kind}-${key}.cpuprofile`);
    writeFileSync(file, JSON.stringify(taken));
    const times = selfTimes(taken).filter(({ name }) => !IDLE.includes(name));
    const all = times.reduce((sum, { ms }) => sum + ms, 0);
    const rows = times.slice(0, SHOWN).map(({ name, ms }) => {
      return [
        name.slice(0, MAX_NAME_CHARS),
        figure((ms * 1000) / requests),
        `${((ms * 100) / all).toFixed(1)} %`,
      ];
    });
    console.log(table([`${kind}, ${route.name}: ${requests} requests`, 'µs a request', 'share'], rows));
    console.log(`\n${figure((all * 1000) / requests)} µs a request in all; ${file}`);
  } finally {
    await subject.stop();
    await upstream.stop();
  }
}
