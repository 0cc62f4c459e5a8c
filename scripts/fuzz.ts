// `SECONDS=… RUNS=… node scripts/fuzz.ts [TARGET…]`: fuzzes each target for so long, or so often, whichever comes first,
// on top of what is kept of it in fuzz/corpus. What breaks one is kept there too, so that `cargo test` fails until it is mended. By libFuzzer, with the
// pinned compiler.
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './shared/worker-process.ts';

const HOST = 'x86_64-unknown-linux-gnu';
const folder = join(root, 'fuzz');
const seconds = Number(process.env.SECONDS || 30);
const runs = Number(process.env.RUNS || -1);
const names = readdirSync(join(folder, 'corpus')).map((file) => file.replace('.jsonl', ''));
const wanted = process.argv.slice(2);

const COVERAGE = [
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
];
const built = spawnSync('cargo', ['build', '--locked', '--release', '--bins', '--target', HOST], {
  cwd: folder,
  stdio: 'inherit',
  env: { ...process.env, RUSTFLAGS: COVERAGE.join(' ') },
});
if (built.status !== 0) process.exit(1);

for (const name of wanted.length > 0 ? wanted : names) {
  const [inputs, broken] = [join(folder, 'work', name), join(folder, 'artifacts', name)];
  rmSync(broken, { recursive: true, force: true });
  for (const made of [inputs, broken]) mkdirSync(made, { recursive: true });
  kept(name).forEach((bytes, index) => {
    writeFileSync(join(inputs, `kept-${index}`), bytes);
  });
  // The limit is wall time: on a busy machine ten seconds do not prove an endless loop.
  const options = ['-max_len=1024', '-timeout=60', '-print_final_stats=1', '-verbosity=0'];
  const run = spawnSync(
    join(folder, 'target', HOST, 'release', name),
    [inputs, ...options, `-max_total_time=${seconds}`, `-runs=${runs}`, `-artifact_prefix=${broken}/`],
    { encoding: 'utf8' },
  );
  const executions = /number_of_executed_units: (\d+)/.exec(run.stderr)?.[1] ?? '0';
  console.log(`${name.padEnd(14)} ${Number(executions).toLocaleString('en-US').padStart(13)} executions`);
  for (const file of readdirSync(broken)) {
    appendFileSync(corpus(name), `${JSON.stringify(readFileSync(join(broken, file), 'latin1'))}\n`);
    console.error(`${name} breaks; the input was added to its corpus:\n${run.stderr.slice(0, 2000)}`);
  }
  if (run.status !== 0) process.exitCode = 1;
}

function corpus(name: string): string {
  return join(folder, 'corpus', `${name}.jsonl`);
}

/** A line is a JSON string whose characters are the bytes. */
function kept(name: string): Buffer[] {
  const lines = readFileSync(corpus(name), 'utf8').trim().split('\n');
  return lines.map((line) => Buffer.from(JSON.parse(line), 'latin1'));
}
