// `make profile ROUTE=status`: sends requests to one route and prints in which functions the Worker spends its time.
// The profile is written to a file for browsers and editors. KIND=javascript profiles the reference.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../scripts/shared/reason.ts';
import { runToExit } from '../scripts/shared/shutdown.ts';
import { root } from '../scripts/shared/worker-process.ts';
import { fire } from './load.ts';
import { selfTimes } from './own-time.ts';
import { figure, table } from './report/table.ts';
import { routeNamed } from './routes.ts';
import { direct, Scene } from './scene.ts';
import { type Kind, startSubject } from './subject.ts';
import { Upstream } from './upstream.ts';

const WARM_UP_MS = 5000;
const PROFILE_MS = 5000;
const SPEED = 600;
const SHOWN = 40;
const MAX_NAME_CHARS = 90;

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
  const subject = await startSubject(kind, upstream, { hasInspector: true });
  try {
    const shots = await route.shots(new Scene(subject, upstream));
    const drive = (ms: number) => fire(subject.origin, shots, { connections, ms });
    await drive(WARM_UP_MS);
    let requests = 0;
    const taken = await subject.profile(async () => {
      ({ requests } = await drive(PROFILE_MS));
    });
    mkdirSync(FOLDER, { recursive: true });
    const file = join(FOLDER, `${kind}-${key}.cpuprofile`);
    writeFileSync(file, JSON.stringify(taken));
    const times = selfTimes(taken);
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
