// Runs `make deploy` and `make rotate` against the stand-in for Cloudflare, each with its own files of settings. The
// wrangler below them is the real one.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deploy } from '../../../scripts/deploy/deploy.ts';
import { rotateSecret } from '../../../scripts/deploy/rotate-secret.ts';
import { failureOf, type Run } from '../../../scripts/deploy/run.ts';
import { Cloudflare } from './cloudflare.ts';

/** A deployment that is quite right. */
export const SIGNING_KEY = 'the-signing-key-of-these-tests-0001';
export const COMPLETE = {
  WIRO_API_KEY: 'wiro-key-of-these-tests',
  SIGNING_KEY,
  OPERATOR_TOKEN: 'operator-token-of-these-tests-0001',
  CLIENT_TOKENS: '{"alice": "token-of-alice-7c1f"}',
};

/** An address where no server listens. */
export const NOBODY = 'http://127.0.0.1:2';

export interface Said {
  exitCode: number;
  output: string;
}

export class Deployer {
  readonly cloudflare: Cloudflare;
  readonly #folder: string;

  private constructor(cloudflare: Cloudflare, folder: string) {
    this.cloudflare = cloudflare;
    this.#folder = folder;
  }

  static async start(): Promise<Deployer> {
    const folder = await mkdtemp(join(tmpdir(), 'hailuo-worker-deployer-'));
    return new Deployer(await Cloudflare.start(), folder);
  }

  async close(): Promise<void> {
    await this.cloudflare.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #secretsFile(): string {
    return join(this.#folder, 'secrets');
  }

  async settings(toml: string): Promise<void> {
    await writeFile(join(this.#folder, 'settings.toml'), toml);
  }

  async secrets(secrets: Record<string, string>): Promise<void> {
    const lines = Object.entries(secrets).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(this.#secretsFile, lines.join(''));
  }

  /** What the file of secrets holds now. */
  readSecrets(): Promise<string> {
    return readFile(this.#secretsFile, 'utf8');
  }

  deploy(environment: Record<string, string> = {}): Promise<Said> {
    return this.#run(deploy, environment);
  }

  rotate(environment: Record<string, string>): Promise<Said> {
    return this.#run(rotateSecret, environment);
  }

  /** Of a script whose output is piped, not shown in a terminal. */
  get environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      ...this.cloudflare.environment,
      ...{ SETTINGS: join(this.#folder, 'settings.toml'), SECRETS: this.#secretsFile },
      // Without a long wait for a Worker that does not answer.
      ...{ INSTANCE: '', CHECK: '', SHOW_KEY: '', HEALTH_SECONDS: '0.1', URL: NOBODY },
    };
  }

  async #run(main: (run: Run) => Promise<number>, environment: Record<string, string>): Promise<Said> {
    const stops: (() => Promise<void> | void)[] = [];
    const lines: string[] = [];
    const run: Run = {
      environment: { ...this.environment, ...environment },
      ...{ isTerminal: false, isShared: false },
      say: (line) => void lines.push(line),
      defer: (stop) => void stops.push(stop),
    };
    let exitCode = 1;
    try {
      exitCode = await main(run);
    } catch (error) {
      lines.push(failureOf(error));
    }
    for (const stop of stops) await stop();
    return { exitCode, output: lines.join('\n') };
  }
}
