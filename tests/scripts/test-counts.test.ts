// The counts of `make test`: nothing that failed or did not run may look well.
import { expect, test } from 'vitest';
import {
  cargoCounts,
  guessReason,
  lastLine,
  mistrust,
  sum,
  vitestCounts,
} from '../../scripts/test-counts.ts';

const CARGO = `
running 3 tests
test range::tests::one ... ok
test range::tests::slow ... ignored, takes a minute
test range::tests::other ... ignored

test result: ok. 100 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s

   Doc-tests hailuo_worker

running 0 tests

test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`;

test('cargo: the results of all its programs', () => {
  const counts = cargoCounts(CARGO);
  expect(counts).toEqual({
    passed: 103,
    failed: 1,
    skipped: [{ name: 'range::tests::slow', reason: 'takes a minute' }, { name: 'range::tests::other' }],
  });
  expect(cargoCounts('error: could not compile').passed).toBe(0);
});

function file(status: string, ...statuses: string[]) {
  const assertionResults = statuses.map((each, index) => ({ fullName: ` test ${index}`, status: each }));
  return { name: '/x/a.test.ts', status, assertionResults };
}

test('vitest: whatever neither passed nor failed was skipped', () => {
  const report = {
    testResults: [file('failed', 'passed', 'failed', 'failed', 'skipped', 'todo', 'pending')],
  };
  const { passed, failed, skipped } = vitestCounts(report);
  expect([passed, failed]).toEqual([1, 2]);
  expect(skipped.map(({ name }) => name)).toEqual(['test 3', 'test 4', 'test 5']);
});

test('vitest: a file that could not be run is a failure', () => {
  const { passed, failed } = vitestCounts({ testResults: [file('failed'), file('passed', 'passed')] });
  expect([passed, failed]).toEqual([1, 1]);
  const { failed: broken, skipped } = vitestCounts({ testResults: [file('failed', 'passed', 'skipped')] });
  expect([broken, skipped[0]?.reason]).toEqual([1, 'its file failed as a whole']);
});

test('a runner that ran nothing, or ended badly without a failure, is not believed', () => {
  const counts = { passed: 3, failed: 0, skipped: [] };
  expect(mistrust(counts, 0)).toBeUndefined();
  expect(mistrust(counts, 101)).toBe('ended with 101 although no test failed');
  expect(mistrust(counts, null)).toBe('ended with a signal although no test failed');
  expect(mistrust({ ...counts, failed: 1 }, 1)).toBeUndefined();
  expect(mistrust({ ...counts, passed: 0 }, 0)).toBe('ran no tests');
});

test('a skipped test is explained by a program that it speaks of and that is missing', () => {
  const text = "spawn('ffprobe'); existsSync(CHROMIUM)";
  expect(guessReason(text, () => true)).toBeUndefined();
  expect(guessReason('nothing', () => false)).toBeUndefined();
  expect(guessReason(text, (program) => program === 'ffprobe')).toMatch(/^chromium not installed/);
  expect(guessReason(text, () => false)).toMatch(/^ffprobe and chromium not installed/);
});

test('the last line', () => {
  const counts = { passed: 3, failed: 1, skipped: [{ name: 'a' }] };
  expect(lastLine(sum([counts, { passed: 4, failed: 0, skipped: [{ name: 'b' }] }]))).toBe(
    '7 passed, 1 failed, 2 skipped',
  );
});
