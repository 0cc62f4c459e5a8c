// The Python of scripts/install-test-packages.sh, for the clients that are written in it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../worker/support/settings.ts';

const BIN = join(root, '.python', 'bin');
const PYTHON = join(BIN, 'python');

export interface Ended {
  exitCode: number | null;
  /** Standard output. */
  output: string;
  errors: string;
}

/** Whether these modules can be imported. Nothing of them is executed. */
export function hasPython(...modules: string[]): boolean {
  if (!existsSync(PYTHON)) return false;
  const find =
    'import importlib.util, sys; sys.exit(any(importlib.util.find_spec(m) is None for m in sys.argv[1:]))';
  return spawnSync(PYTHON, ['-c', find, ...modules]).status === 0;
}

/** Runs a program to its end, in a folder if one is given. */
export function run(program: string, args: string[], cwd?: string): Promise<Ended> {
  // No locale: programs speak English and UTF-8.
  const env = { ...process.env, LC_ALL: 'C.UTF-8', NO_COLOR: '1' };
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => errors.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) =>
      resolve({ exitCode, output: `${Buffer.concat(output)}`, errors: `${Buffer.concat(errors)}` }),
    );
  });
}

/** Runs a program that a Python package installed. */
export function runTool(name: string, args: string[], cwd?: string): Promise<Ended> {
  return run(join(BIN, name), args, cwd);
}

/** Runs a script, and gives the JSON of its last line. */
export async function runPython(script: string, args: string[], cwd?: string): Promise<unknown> {
  const { exitCode, output, errors } = await run(PYTHON, [script, ...args], cwd);
  if (exitCode !== 0) throw new Error(`${script} ended with ${exitCode}: ${errors}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}
