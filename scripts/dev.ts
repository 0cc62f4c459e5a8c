// `make dev`: page and API at http://localhost:8787 until Ctrl-C, with what was stored kept for the next time. With a
// WIRO_API_KEY in .dev.vars the videos come from the real Wiro, otherwise from the stand-in in sim/. The other settings of
// that file count with either, and below them those of settings.toml and .secrets. DEV_VARS names another file, DEV_STATE
// another folder than .wrangler/state.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { FAMILY, type Sim, startSim } from '../sim/index.ts';
import { instanceOf } from './deploy/instance.ts';
import { knownSettings } from './deploy/known-settings.ts';
import { readSecrets, readSettings } from './deploy/own-settings.ts';
import { projectConfig } from './deploy/worker-config.ts';
import {
  appliedSettings,
  devSettings,
  type OwnDevSettings,
  ownDevSettings,
  standInSettings,
} from './dev-settings.ts';
import { reasonOf } from './shared/reason.ts';
import { type Defer, runToExit } from './shared/shutdown.ts';
import { settingsFor } from './shared/stand-in.ts';
import { columns } from './shared/terminal.ts';
import { DevProcess, root } from './shared/worker-process.ts';
import { readable } from './shared/wrangler-output.ts';

const PORT = Number(process.env.PORT || 8787);
const STAND_IN_PORT = 9090;
/** A job of one minute takes six seconds. */
const STAND_IN_SPEED = 10;

const DEV_VARS = process.env.DEV_VARS ?? join(root, '.dev.vars');
const SIGNING_KEY = join(root, '.wrangler/dev-signing-key');
const REAL_STORAGE = process.env.DEV_STATE ?? join(root, '.wrangler/state');
/** Separate from real videos, because Wiro and the stand-in do not know each other's tasks. */
const STAND_IN_STORAGE = join(REAL_STORAGE, 'stand-in');

await runToExit(dev, (error) => console.error(`make dev failed: ${reasonOf(error)}`), { endsBySignal: true });

async function dev(defer: Defer): Promise<number> {
  if (!Number.isInteger(PORT) || PORT < 1 || PORT > 65535)
    throw new Error('PORT is not the number of a port');
  if (await isTaken(PORT)) {
    throw new Error(`port ${PORT} is taken; stop what listens there, or choose another: PORT=8788 make dev`);
  }
  const settings = devSettings(read(DEV_VARS));
  const { real, lacksSigningKey } = settings;
  const own = ownDevSettings(deployersOwn(), settings);
  const vars: Record<string, string> = {
    ...own.applied,
    ...(lacksSigningKey ? { SIGNING_KEY: signingKey() } : {}),
  };
  let sim: Sim | undefined;
  let applied = settings.given;
  if (!real) {
    sim = await standIn();
    defer(() => sim?.close());
    const ofStandIn = settingsFor(sim);
    Object.assign(vars, standInSettings(ofStandIn, settings, own.applied));
    applied = appliedSettings(ofStandIn, settings);
  }
  const worker = new DevProcess(PORT, real ? REAL_STORAGE : STAND_IN_STORAGE, vars, {
    devVars: process.env.DEV_VARS ?? existsSync(DEV_VARS),
    onLine: (line) => {
      const shown = readable(line);
      if (shown !== undefined) console.log(`  ${shown}`);
    },
  });
  defer(() => worker.kill('SIGTERM'));
  console.log('The Worker starts …');
  await worker.start();
  greet(`http://localhost:${PORT}`, sim, applied, own);
  await worker.ended();
  throw new Error('wrangler dev ended by itself');
}

async function isTaken(port: number): Promise<boolean> {
  // A browser may try IPv4 or IPv6 for `localhost`.
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer();
    try {
      await once(server.listen(port, host), 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return true;
      // IPv6 is not available.
      if (host === '127.0.0.1') throw error;
    } finally {
      server.close();
    }
  }
  return false;
}

async function standIn(): Promise<Sim> {
  // The Worker remembers the folder of its uploads, the stand-in nothing of an earlier start.
  const options = { speed: STAND_IN_SPEED, models: FAMILY, adoptsFolders: true };
  try {
    return await startSim({ ...options, port: STAND_IN_PORT });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return startSim(options);
  }
}

/** The vars of settings.toml and the secrets of `.secrets`. */
function deployersOwn(): Record<string, unknown> {
  const known = knownSettings();
  const instance = instanceOf(process.env, projectConfig().name);
  const { vars, problems } = readSettings(instance.settingsFile, known);
  const { secrets, problems: others } = readSecrets(instance.secretsFile, known);
  for (const problem of [...problems, ...others]) console.log(`Warning: ${problem}`);
  const isKnown = ([name]: [string, unknown]) => known.vars.includes(name);
  return { ...Object.fromEntries(Object.entries(vars).filter(isKnown)), ...secrets };
}

/** The same key each time, so that the ids of stored videos stay valid. */
function signingKey(): string {
  const known = read(SIGNING_KEY);
  if (known !== undefined) return known;
  const key = randomBytes(32).toString('hex');
  mkdirSync(dirname(SIGNING_KEY), { recursive: true });
  writeFileSync(SIGNING_KEY, key, { mode: 0o600 });
  return key;
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function greet(origin: string, sim: Sim | undefined, settings: string[], own: OwnDevSettings): void {
  console.log(`\nPage and API: ${origin}        Ctrl-C stops it; what was stored stays in .wrangler/state\n`);
  if (sim) {
    console.log(`No WIRO_API_KEY in .dev.vars, so Wiro is played by the stand-in at ${sim.url}:`);
    console.log(`no cost, ${sim.speed} times as fast, and a sample as every video.\n`);
  } else {
    console.log('With the WIRO_API_KEY of .dev.vars: the real Wiro, and each video costs money.');
    console.log("Wiro's callbacks cannot reach localhost; polling (POLL_SECONDS) completes the videos.\n");
  }
  if (settings.length > 0) console.log(`In force from .dev.vars: ${settings.join(', ')}\n`);
  const ofDeployer = Object.keys(own.applied).sort();
  if (ofDeployer.length > 0) console.log(`In force from your own settings: ${ofDeployer.join(', ')}`);
  if (own.left.length > 0) console.log(`For the deployed Worker only: ${own.left.join(', ')}`);
  if (ofDeployer.length + own.left.length > 0) console.log();
  const json = "-H 'content-type: application/json' -d";
  const hasClients = [...settings, ...ofDeployer].includes('CLIENT_TOKENS');
  const curl = hasClients ? "curl -s -H 'authorization: Bearer TOKEN'" : 'curl -s';
  const lines = [
    ['submit', `${curl} ${origin}/v1/videos ${json} '{"prompt": "a paper boat"}'`],
    ['', `${curl} ${origin}/v1/videos -F prompt='the sky moves' -F inputImageFirst=@picture.png`],
    ['status', `${curl} ${origin}/v1/videos/ID`],
    ['content', `${curl} -o video.mp4 ${origin}/v1/videos/ID/content`],
  ];
  if (sim) {
    const faults = '{"prompt": "boat", "faults": {"cdn": [{"kind": "cut"}]}}';
    lines.push(
      ['break it', `curl -s ${sim.url}/control/script ${json} '${faults}'`],
      ['', 'the next download of a "boat" breaks off half way; sim/faults.ts has all faults'],
      ['look', `curl -s ${sim.url}/control/calls, or /control/tasks`],
    );
  }
  for (const line of columns(lines)) console.log(`  ${line}`);
  console.log();
}
