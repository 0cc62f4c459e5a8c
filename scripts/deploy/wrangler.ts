// Runs the wrangler of package.json.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { root } from '../shared/worker-process.ts';

export interface WranglerOptions {
  /** The account to use. */
  accountId?: string;
  /** For its input; the process then cannot ask questions. */
  input?: string;
  /** Whether its output goes to the terminal, where it may ask. */
  isShared?: boolean;
}

export interface WranglerResult {
  exitCode: number | null;
  /** Both are empty if the terminal was shared. */
  stdout: string;
  stderr: string;
}

export async function runWrangler(
  environment: NodeJS.ProcessEnv,
  args: string[],
  { accountId, input, isShared = false }: WranglerOptions = {},
): Promise<WranglerResult> {
  const child = spawn('wrangler', args, {
    cwd: root,
    stdio: isShared ? 'inherit' : ['pipe', 'pipe', 'pipe'],
    env: { ...environment, ...(accountId === undefined ? {} : { CLOUDFLARE_ACCOUNT_ID: accountId }) },
  });
  child.stdin?.end(input ?? '');
  const output = Promise.all([child.stdout, child.stderr].map((stream) => (stream ? text(stream) : '')));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  const [stdout = '', stderr = ''] = (await output).map(stripVTControlCharacters);
  return { exitCode, stdout, stderr };
}

/** The line of wrangler's output with the error. */
export function wranglerError({ stdout, stderr }: { stdout: string; stderr: string }): string {
  const lines = `${stderr}\n${stdout}`.split('\n').map((line) => line.trim());
  const error = lines.find((line) => line.includes('[ERROR]')) ?? lines.find((line) => line !== '');
  const detail = lines.filter((line) => /\[code: \d+\]/.test(line) && line !== error);
  return [error ?? 'without a word', ...detail].join(' ');
}
