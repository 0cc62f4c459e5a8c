// The Worker in `wrangler dev`, a process of its own: workerd goes out to the network by itself there, so a reset or a
// cut-off body reaches the Worker as it would in production, and the whole process can be killed and started again on
// the same storage. Slower to start than service.ts; for transport faults and restarts only.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { getPlatformProxy } from 'wrangler';
import { startSim } from '../../sim/index.ts';
import { type Bindings, Service, type ServiceOptions } from './service.ts';
import { root, settingsFor } from './settings.ts';

export async function startDirect(options: ServiceOptions = {}): Promise<DirectService> {
  const sim = await startSim({ speed: 60, ...options.sim });
  const { vars, secrets } = settingsFor(sim, options);
  const storage = await mkdtemp(join(tmpdir(), 'hailuo-worker-'));
  const dev = new DevProcess(await freePort(), storage, { ...vars, ...secrets });
  await dev.start();
  // A reader of KV and R2 alone: with the objects configured it would run their alarms too.
  const reader = await getPlatformProxy<Bindings & Record<string, unknown>>({
    configPath: join(root, 'tests/worker/storage-only.toml'),
    persist: { path: join(storage, 'v3') },
    envFiles: [],
  });
  return new DirectService(sim, dev.origin, reader.env, dev, async () => {
    await reader.dispose();
    await dev.kill('SIGTERM');
    await rm(storage, { recursive: true, force: true });
  });
}

export class DirectService extends Service {
  readonly dev: DevProcess;

  constructor(
    sim: ConstructorParameters<typeof Service>[0],
    origin: string,
    bindings: Bindings,
    dev: DevProcess,
    stop: () => Promise<void>,
  ) {
    const objectIds = () => Promise.reject(new Error('not to be had from outside the process'));
    super(sim, origin, bindings, { logs: () => dev.logs, objectIds, stop });
    this.dev = dev;
  }
}

/** `wrangler dev` and the workerd below it. */
export class DevProcess {
  readonly origin: string;
  /** Everything that the Worker logged, over all starts. */
  readonly logs: string[] = [];
  readonly #args: string[];
  #child: ChildProcess | undefined;

  constructor(port: number, storage: string, vars: Record<string, string>) {
    this.origin = `http://127.0.0.1:${port}`;
    this.#args = [
      ...['dev', '--ip', '127.0.0.1', '--port', `${port}`, '--inspector-port', '0'],
      ...['--persist-to', storage, '--env-file', '/dev/null', '--show-interactive-dev-session=false'],
      ...Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
    ];
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('not running');
    return this.#child.pid;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    // A process group of its own, so that workerd can be killed with it.
    const child = spawn('wrangler', this.#args, {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1' },
    });
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        output.push(line);
        // Wrangler's own lines name the paths of requests, proofs included; they are not the Worker's.
        if (!line.startsWith('[wrangler:')) this.logs.push(line);
        if (line.includes('Ready on')) ready.resolve();
      });
    }
    child.once('exit', () => ready.reject(new Error(`wrangler dev ended:\n${output.join('\n')}`)));
    await ready.promise;
  }

  /** Ends wrangler and workerd together; SIGKILL leaves them no time to tidy up. */
  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    this.#child = undefined;
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    try {
      process.kill(-child.pid, signal);
    } catch (error) {
      // Gone already.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await exited;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
