import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres-setup.ts'],
    // Real servers and processes: each file has a process of its own, and two of them fit two cores.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    // .ci/run counts from the JSON report.
    reporters: ['default', 'json'],
    outputFile: { json: 'test-report.json' },
  },
});
