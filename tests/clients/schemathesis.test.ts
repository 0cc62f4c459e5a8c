// The Worker does what /openapi.json says, by Schemathesis with few examples; `make conformance` takes more.
import { expect, test } from 'vitest';
import { hasSchemathesis, schemathesis } from './schemathesis.ts';

/** Some 600 requests: a busy machine takes minutes. */
const TIMEOUT_MS = 600_000;

test.skipIf(!hasSchemathesis)('every answer is as /openapi.json says', { timeout: TIMEOUT_MS }, async () => {
  const { exitCode, output, errors } = await schemathesis({ seed: 1, examples: 5 });
  expect(exitCode, `${output}\n${errors}`).toBe(0);
  const [, generated, passed] = /(\d+) generated, (\d+) passed/.exec(output) ?? [];
  expect(Number(generated)).toBeGreaterThan(400);
  expect(passed).toBe(generated);
});
