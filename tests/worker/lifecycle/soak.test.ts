// A short `make soak`: 200 jobs, a third of them with faults, and a kill of the Worker.
import { expect, test } from 'vitest';
import { audit } from '../../../scripts/soak/audit.ts';
import { soak } from '../../../scripts/soak/run.ts';

const JOBS = 200;
/** Always the same, so that what fails here fails again. */
const SEED = 1;
const TIMEOUT_MS = 240_000;

test('soak: no job is lost, repeated or stuck', { timeout: TIMEOUT_MS }, async ({ onTestFinished }) => {
  const { evidence } = await soak({ jobs: JOBS, seed: SEED }, onTestFinished);
  expect(evidence.cases).toHaveLength(JOBS);
  expect(audit(evidence)).toEqual([]);
});
