// The Worker in `wrangler dev`, in its own process: workerd accesses the network directly there, and the whole process
// can be killed and restarted on the same storage.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The project's own folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Below the ports that systems assign automatically, and above most that are in use. */
const OWN_PORTS = [20_000, 32_000] as const;

/** A process that has not ended after this time is killed. */
const PATIENCE_MS = 5000;

export interface DevOptions {
  /** Called with each line that wrangler or the Worker writes. */
  onLine?: (line: string) => void;
  /** Whether `.dev.vars` is read, or another file; default false: the process knows `vars` and `wrangler.toml` only. */
  devVars?: boolean | string;
  /** The program and its arguments that start the Worker in place of `wrangler dev`; it says "Ready on" too. */
  command?: [string, ...string[]];
}

/** `wrangler dev` and the workerd below it. */
export class DevProcess {
  readonly origin: string;
  /** Everything that the Worker logged, over all starts. */
  readonly logs: string[] = [];
  readonly #command: [string, ...string[]];
  readonly #onLine: (line: string) => void;
  #child: ChildProcess | undefined;
  /** The child never outlives this process. */
  readonly #killNow = () => this.#child?.pid !== undefined && signalGroup(this.#child.pid, 'SIGKILL');

  constructor(port: number, storage: string, vars: Record<string, string>, options: DevOptions = {}) {
    this.origin = `http://127.0.0.1:${port}`;
    this.#onLine = options.onLine ?? (() => {});
    this.#command = options.command ?? [
      'wrangler',
      ...['dev', '--ip', '127.0.0.1', '--port', `${port}`, '--inspector-port', '0'],
      ...['--persist-to', storage, '--show-interactive-dev-session=false'],
      ...(options.devVars === true ? [] : ['--env-file', options.devVars || '/dev/null']),
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
    const [program, ...args] = this.#command;
    const child = spawn(program, args, {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1' },
    });
    this.#child = child;
    process.once('exit', this.#killNow);
    const ready = Promise.withResolvers<void>();
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        output.push(line);
        // Wrangler's own lines contain paths of requests, including proofs; they are not logs of the Worker.
        if (!line.startsWith('[wrangler:')) this.logs.push(line);
        if (line.includes('Ready on')) ready.resolve();
        this.#onLine(line);
      });
    }
    child.once('error', ready.reject);
    child.once('exit', () => ready.reject(new Error(`${program} ended\n${output.join('\n')}`)));
    await ready.promise;
  }

  /** Resolves when the process has ended. */
  async ended(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  /** Stops the process; only SIGKILL ends it then. Data that is sent to it stays in the connection. */
  freeze(): void {
    signalGroup(this.pid, 'SIGSTOP');
  }

  /** Ends wrangler and workerd together; SIGKILL leaves no time for cleaning up. */
  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const { pid } = child;
    const ended = this.ended();
    signalGroup(pid, signal);
    const lostPatience = setTimeout(() => signalGroup(pid, 'SIGKILL'), PATIENCE_MS);
    await ended;
    clearTimeout(lostPatience);
    process.off('exit', this.#killNow);
    if (this.#child === child) this.#child = undefined;
  }
}

/**
 * A port that nothing listens on. It is none of those that the system gives to whoever asks for any: until it is used,
 * and while who uses it starts again, nobody else gets it by chance.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(...OWN_PORTS);
    const server = createServer();
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw error;
    }
    await once(server.close(), 'close');
    return port;
  }
}

function signalGroup(leader: number, signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP'): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // It has already ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
