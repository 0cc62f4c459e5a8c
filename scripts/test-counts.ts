// How many tests passed, failed and were skipped, by what cargo and vitest say.

export interface Counts {
  passed: number;
  failed: number;
  skipped: Skipped[];
}

export interface Skipped {
  name: string;
  /** Where it is written, if that is known. */
  file?: string;
  /** Why, if the runner knows. */
  reason?: string;
}

/** From the output of `cargo test`: one `test result:` line for each program that was run. */
export function cargoCounts(output: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: [] };
  for (const line of output.split('\n')) {
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
    assertionResults: { fullName: string; status: string }[];
  }[];
}

/** A file that could not be run or set up counts as one failure. */
export function vitestCounts({ testResults }: VitestReport): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: [] };
  for (const { name: file, status, assertionResults } of testResults) {
    const failed = assertionResults.filter((test) => test.status === 'failed').length;
    const isBroken = status === 'failed' && failed === 0;
    counts.failed += isBroken ? 1 : failed;
    for (const test of assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (test.status !== 'failed') {
        const reason = isBroken ? { reason: 'its file failed as a whole' } : {};
        counts.skipped.push({ name: test.fullName.trim(), file, ...reason });
      }
    }
  }
  return counts;
}

/** Why a run is not to be trusted although no test failed, or undefined when it is. */
export function mistrust({ passed, failed }: Counts, exitCode: number | null): string | undefined {
  if (passed + failed === 0) return 'ran no tests';
  if (exitCode !== 0 && failed === 0) return `ended with ${exitCode ?? 'a signal'} although no test failed`;
  return undefined;
}

/** Programs that some tests need, and that a machine may lack. */
const PROGRAMS = ['ffprobe', 'ffmpeg', 'chromium'];

/** Guesses why a test was skipped: by a missing program that it speaks of. `text` is the test's file. */
export function guessReason(text: string, isInstalled: (program: string) => boolean): string | undefined {
  const missing = PROGRAMS.filter((program) => text.toLowerCase().includes(program) && !isInstalled(program));
  if (missing.length === 0) return undefined;
  return `${missing.join(' and ')} not installed: scripts/install-test-packages.sh`;
}

export function sum(all: Counts[]): Counts {
  return {
    passed: all.reduce((total, { passed }) => total + passed, 0),
    failed: all.reduce((total, { failed }) => total + failed, 0),
    skipped: all.flatMap(({ skipped }) => skipped),
  };
}

export function lastLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
}
