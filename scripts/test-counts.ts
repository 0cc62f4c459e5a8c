// Counts passed, failed and skipped tests in the output of cargo and vitest.
import { isAbsolute, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const MAX_ERROR_CHARS = 200;

export interface Counts {
  passed: number;
  /** The number of failures, even if a runner does not name them. */
  failed: number;
  failures: Failure[];
  /** Tests that failed and passed when they were repeated. */
  flaky: Failure[];
  skipped: Skipped[];
}

export interface Failure {
  file: string;
  /** Missing if the whole file failed. */
  name?: string;
  /** The error's first line, if the runner tells it. */
  error?: string;
}

export interface Skipped {
  name: string;
  /** The file, if known. */
  file?: string;
  /** The reason, if known. */
  reason?: string;
}

/**
 * From the output of `cargo test`: for each program a line that names its source, one line for each test, and one with
 * `test result:`.
 */
export function cargoCounts(output: string): Counts {
  const counts = noCounts();
  let file = 'cargo test';
  for (const line of output.split('\n')) {
    const program = /^ *Running (?:unittests )?(\S+) \(|^ *(Doc-tests \S+)/.exec(line);
    file = program?.[1] ?? program?.[2] ?? file;
    const failed = /^test (.+) \.\.\. FAILED$/.exec(line);
    if (failed?.[1]) counts.failures.push({ file, name: failed[1] });
    const result = /^test result: .*?(\d+) passed; (\d+) failed;/.exec(line);
    counts.passed += Number(result?.[1] ?? 0);
    counts.failed += Number(result?.[2] ?? 0);
    const ignored = /^test (.+) \.\.\. ignored(?:, (.*))?$/.exec(line);
    if (ignored?.[1]) {
      counts.skipped.push({ name: ignored[1], ...(ignored[2] ? { reason: ignored[2] } : {}) });
    }
  }
  return counts;
}

/** What is read of vitest's JSON report. */
export interface VitestReport {
  testResults: {
    /** The file. */
    name: string;
    status: string;
    /** Why the file failed as a whole. */
    message: string;
    assertionResults: VitestResult[];
  }[];
}

interface VitestResult {
  ancestorTitles: string[];
  title: string;
  status: string;
  failureMessages: string[];
}

/** A file that could not be run or set up counts as one failure. */
export function vitestCounts({ testResults }: VitestReport): Counts {
  const counts = noCounts();
  for (const { name: file, status, message, assertionResults } of testResults) {
    const isBroken = status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
    if (isBroken) counts.failures.push({ file, ...firstLine(message) });
    for (const test of assertionResults) {
      const name = [...test.ancestorTitles, test.title].join(' > ');
      if (test.status === 'passed') {
        counts.passed++;
        const [earlier] = test.failureMessages;
        if (earlier !== undefined) counts.flaky.push({ file, name, ...firstLine(earlier) });
      } else if (test.status === 'failed') {
        counts.failures.push({ file, name, ...firstLine(test.failureMessages[0]) });
      } else {
        const reason = isBroken ? { reason: 'its file failed as a whole' } : {};
        counts.skipped.push({ name, file, ...reason });
      }
    }
  }
  counts.failed = counts.failures.length;
  return counts;
}

function firstLine(text = ''): { error?: string } {
  const error = stripVTControlCharacters(text).trim().split('\n')[0]?.slice(0, MAX_ERROR_CHARS);
  return error ? { error } : {};
}

/** One test in one line, with what became of it. `root` is the folder that its file is named from. */
export function failureLine({ file, name, error }: Failure, root: string, outcome = 'failed'): string {
  const path = isAbsolute(file) ? relative(root, file) : file;
  return `${outcome}: ${[path, ...(name ? [name] : [])].join(' > ')}${error ? ` (${error})` : ''}`;
}

/** The reason why a run cannot be trusted although no test failed, or undefined. */
export function mistrust(
  { passed, failed }: Pick<Counts, 'passed' | 'failed'>,
  exitCode: number | null,
): string | undefined {
  if (passed + failed === 0) return 'ran no tests';
  if (exitCode !== 0 && failed === 0) return `ended with ${exitCode ?? 'a signal'} although no test failed`;
  return undefined;
}

/** Programs that some tests need. */
const PROGRAMS = ['ffprobe', 'ffmpeg', 'chromium'];

/** Guesses why a test was skipped: its title names a program that is missing. `text` is the test's file. */
export function guessReason(text: string, isInstalled: (program: string) => boolean): string | undefined {
  const missing = PROGRAMS.filter((program) => text.toLowerCase().includes(program) && !isInstalled(program));
  if (missing.length === 0) return undefined;
  return `${missing.join(' and ')} not installed: scripts/install-test-packages.sh`;
}

export function noCounts(): Counts {
  return { passed: 0, failed: 0, failures: [], flaky: [], skipped: [] };
}

export function sum(all: Counts[]): Counts {
  return {
    passed: all.reduce((total, { passed }) => total + passed, 0),
    failed: all.reduce((total, { failed }) => total + failed, 0),
    failures: all.flatMap(({ failures }) => failures),
    flaky: all.flatMap(({ flaky }) => flaky),
    skipped: all.flatMap(({ skipped }) => skipped),
  };
}

export function lastLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
}
