// The counts of `make test`: a failed or missing test must not look successful.
import { expect, test } from 'vitest';
import {
  cargoCounts,
  failureLine,
  guessReason,
  lastLine,
  mistrust,
  sum,
  vitestCounts,
} from '../../scripts/test-counts.ts';

const CARGO = `
    Finished \`test\` profile [unoptimized] target(s) in 0.10s
     Running unittests src/lib.rs (target/debug/deps/hailuo_worker-1c5fd0a3)

running 3 tests
test range::tests::one ... ok
test range::tests::wrong ... FAILED
test range::tests::slow ... ignored, takes a minute
test range::tests::other ... ignored

failures:
    range::tests::wrong

test result: FAILED. 100 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s

     Running tests/layout.rs (target/debug/deps/layout-7e21b9)

running 1 test
test no_file_is_long - should panic ... FAILED

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests hailuo_worker

running 4 tests
test src/video/id.rs - video::id (line 3) ... FAILED

test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`;

test('cargo: the results of all programs are summed', () => {
  const counts = cargoCounts(CARGO);
  expect(counts).toEqual({
    passed: 103,
    failed: 3,
    failures: [
      { file: 'src/lib.rs', name: 'range::tests::wrong' },
      { file: 'tests/layout.rs', name: 'no_file_is_long - should panic' },
      { file: 'Doc-tests hailuo_worker', name: 'src/video/id.rs - video::id (line 3)' },
    ],
    flaky: [],
    skipped: [{ name: 'range::tests::slow', reason: 'takes a minute' }, { name: 'range::tests::other' }],
  });
  expect(cargoCounts('error: could not compile').passed).toBe(0);
});

function file(status: string, ...statuses: string[]) {
  const assertionResults = statuses.map((each, index) => ({
    ancestorTitles: ['a group'],
    title: `test ${index}`,
    status: each,
    failureMessages: each === 'failed' ? ['\u001b[31mError: no answer\u001b[39m\n    at a.test.ts:3:1'] : [],
  }));
  return { name: '/x/tests/a.test.ts', status, message: '', assertionResults };
}

test('vitest: a test that neither passed nor failed counts as skipped', () => {
  const report = {
    testResults: [file('failed', 'passed', 'failed', 'failed', 'skipped', 'todo', 'pending')],
  };
  const { passed, failed, skipped } = vitestCounts(report);
  expect([passed, failed]).toEqual([1, 2]);
  expect(skipped.map(({ name }) => name)).toEqual([
    'a group > test 3',
    'a group > test 4',
    'a group > test 5',
  ]);
});

test('vitest: a file that cannot run is a failure', () => {
  const { passed, failed } = vitestCounts({ testResults: [file('failed'), file('passed', 'passed')] });
  expect([passed, failed]).toEqual([1, 1]);
  const { failed: broken, skipped } = vitestCounts({ testResults: [file('failed', 'passed', 'skipped')] });
  expect([broken, skipped[0]?.reason]).toEqual([1, 'its file failed as a whole']);
});

test('each failed test is one line with file, name and first line of the error', () => {
  const broken = {
    ...file('failed', 'skipped'),
    message: 'Hook timed out in 120000ms.\nIf this is a long hook …',
  };
  const { failures } = vitestCounts({ testResults: [file('failed', 'passed', 'failed'), broken] });
  expect(failures.map((failure) => failureLine(failure, '/x'))).toEqual([
    'failed: tests/a.test.ts > a group > test 1 (Error: no answer)',
    'failed: tests/a.test.ts (Hook timed out in 120000ms.)',
  ]);
  const [native] = cargoCounts(CARGO).failures;
  expect(failureLine(native!, '/x')).toBe('failed: src/lib.rs > range::tests::wrong');
});

test('a test that passed when it was repeated is named', () => {
  const flaky = file('passed', 'passed', 'passed');
  flaky.assertionResults[1]!.failureMessages = ['Error: too busy\n    at a.test.ts:3:1'];
  const counts = vitestCounts({ testResults: [flaky] });
  expect([counts.passed, counts.failed]).toEqual([2, 0]);
  expect(counts.flaky.map((test) => failureLine(test, '/x', 'passed when repeated'))).toEqual([
    'passed when repeated: tests/a.test.ts > a group > test 1 (Error: too busy)',
  ]);
});

test('a runner without tests, or with a bad exit and no failure, is an error', () => {
  const counts = { passed: 3, failed: 0 };
  expect(mistrust(counts, 0)).toBeUndefined();
  expect(mistrust(counts, 101)).toBe('ended with 101 although no test failed');
  expect(mistrust(counts, null)).toBe('ended with a signal although no test failed');
  expect(mistrust({ ...counts, failed: 1 }, 1)).toBeUndefined();
  expect(mistrust({ ...counts, passed: 0 }, 0)).toBe('ran no tests');
});

test('a skipped test is explained by the missing program in its name', () => {
  const text = "spawn('ffprobe'); existsSync(CHROMIUM)";
  expect(guessReason(text, () => true)).toBeUndefined();
  expect(guessReason('nothing', () => false)).toBeUndefined();
  expect(guessReason(text, (program) => program === 'ffprobe')).toMatch(/^chromium not installed/);
  expect(guessReason(text, () => false)).toMatch(/^ffprobe and chromium not installed/);
});

test('the last line has all counts', () => {
  const counts = { passed: 3, failed: 1, failures: [], flaky: [], skipped: [{ name: 'a' }] };
  expect(lastLine(sum([counts, { ...counts, passed: 4, failed: 0, skipped: [{ name: 'b' }] }]))).toBe(
    '7 passed, 1 failed, 2 skipped',
  );
});
