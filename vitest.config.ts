import { defineConfig } from 'vitest/config';

/** What these measure, others beside them would change: they run one by one, behind all others. */
const MEASURING = ['tests/worker/events/watchers.test.ts', 'tests/worker/files/file-memory.test.ts'];

export default defineConfig({
  test: {
    globalSetup: 'tests/worker/support/worker-options.ts',
    // Each file starts its own workerd. Files often wait, so three of them keep two cores busy.
    maxWorkers: 3,
    // Files in one process share what they import: Miniflare and the SDKs take more than a second to load.
    isolate: false,
    // No test waits for these: they only end what hangs. A busy machine may take many times as long as an idle one.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // One test in thousands that a busy machine disturbs must not fail the whole run; `make test` names it.
    retry: process.env.CI ? 1 : 0,
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default', ['json', { outputFile: '.wrangler/vitest.json' }]],
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['tests/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...MEASURING],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'measuring', include: MEASURING, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
