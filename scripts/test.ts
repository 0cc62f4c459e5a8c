// `make test`: the native tests (cargo), then those of Worker, stand-in and scripts (vitest). The last lines name every
// test that failed, and count all. With arguments, vitest runs those files only.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { root } from './shared/worker-process.ts';
import {
  type Counts,
  cargoCounts,
  failureLine,
  guessReason,
  lastLine,
  mistrust,
  noCounts,
  sum,
  vitestCounts,
} from './test-counts.ts';

/** As vitest.config.ts says. */
const VITEST_REPORT = join(root, '.wrangler/vitest.json');

const native = await runCargo();
const others = await runVitest();
const total = sum([native.counts, others.counts]);

console.log();
for (const { name, file, reason } of total.skipped) {
  const why = reason ?? (file ? guessReason(readFileSync(file, 'utf8'), isInstalled) : undefined);
  console.log(`skipped: ${name} (${why ?? 'for a reason of its own'})`);
}
const problems = [native, others].flatMap(({ problem }) => problem ?? []);
for (const problem of problems) console.log(problem);
for (const flaky of total.flaky) console.log(failureLine(flaky, root, 'passed when repeated'));
for (const failure of total.failures) console.log(failureLine(failure, root));
console.log(lastLine(total));
process.exitCode = total.failed > 0 || problems.length > 0 ? 1 : 0;

interface Run {
  counts: Counts;
  /** Why the counts are incomplete. */
  problem: string | undefined;
}

async function runCargo(): Promise<Run> {
  const { exitCode, output } = await run('cargo', ['test', '--locked', '--no-fail-fast']);
  return judged('cargo test', cargoCounts(stripVTControlCharacters(output)), exitCode);
}

async function runVitest(): Promise<Run> {
  rmSync(VITEST_REPORT, { force: true });
  const { exitCode } = await run('vitest', ['run', ...process.argv.slice(2)]);
  const counts = existsSync(VITEST_REPORT)
    ? vitestCounts(JSON.parse(readFileSync(VITEST_REPORT, 'utf8')))
    : noCounts();
  return judged('vitest', counts, exitCode);
}

function judged(runner: string, counts: Counts, exitCode: number | null): Run {
  const problem = mistrust(counts, exitCode);
  return { counts, problem: problem && `${runner} ${problem}` };
}

/** Prints the output as it arrives and records it, together with the error output in the order of writing. */
async function run(command: string, args: string[]): Promise<{ exitCode: number | null; output: string }> {
  console.log(`\n${[command, ...args].join(' ')}`);
  const color = process.stdout.isTTY ? { CARGO_TERM_COLOR: 'always', FORCE_COLOR: '1' } : {};
  const child = spawn('sh', ['-c', 'exec "$@" 2>&1', 'sh', command, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...color },
  });
  const output: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.push(text);
    process.stdout.write(text);
  });
  try {
    const [exitCode] = (await once(child, 'close')) as [number | null];
    return { exitCode, output: output.join('') };
  } catch (error) {
    console.error(`${command} cannot be started: ${error}`);
    return { exitCode: null, output: '' };
  }
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
