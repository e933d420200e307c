import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// The tests start hundreds of processes of the same code; what Node has compiled once is half of what a start costs.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/node', import.meta.url));

/** What follows whole stacks takes minutes a file: begun last, one would run beside nothing. Vitest goes by size. */
class WholeStacksFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) =>
      /\/test\/(how-to|e2e|cases|stack|cli|upgrade)\//.test(moduleId) ? 0 : 1;
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/postgres-setup.ts'],
    // Real servers and processes: each file has a process of its own, and two of them fit two cores. Three take as long.
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: WholeStacksFirst },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    // .ci/run counts from the JSON report.
    reporters: ['default', 'json'],
    outputFile: { json: 'test-report.json' },
  },
});
