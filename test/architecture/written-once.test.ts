import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTree } from './check-imports.ts';

interface WrittenOnce {
  readonly what: string;
  readonly pattern: RegExp;
  readonly where: string;
  readonly example: string;
}

/** Patterns of code that is easily written twice, each with the one file that may contain it. */
const writtenOnce: readonly WrittenOnce[] = [
  {
    what: 'the condition on the rows of a scope',
    // The join condition of two tables that belong to the same model and environment.
    pattern: /eq\((\w+)\.modelId, (?!modelEnvironments\.)[\w.]+\),\s*eq\(\1\.environment, [\w.]+\)/,
    where: 'db/connection/in-scope.ts',
    example: 'and(eq(runs.modelId, scope.modelId), eq(runs.environment, scope.environment))',
  },
  {
    what: 'the unfinished states of a run',
    pattern: /'queued',\s*'running'/,
    where: 'contracts/runs/run.ts',
    example: "inArray(runs.state, ['queued', 'running'])",
  },
  {
    what: 'the final states of a run',
    pattern: /'succeeded'(?:,| \|\| [\w.]+ ===)\s*'failed'(?:,| \|\| [\w.]+ ===)\s*'cancelled'/,
    where: 'contracts/runs/run.ts',
    example: "run.state === 'succeeded' || run.state === 'failed' || run.state === 'cancelled'",
  },
  {
    what: 'the claim of a file',
    pattern: /locking_mode = EXCLUSIVE/,
    where: 'files/claim-file.ts',
    example: "lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')",
  },
];

const root = join(import.meta.dirname, '..', '..');
const product = [...readTree(root).keys()].filter((path) => !/^(test|bench|examples|docs)\//.test(path));

describe.each(writtenOnce)('$what', ({ pattern, where, example }) => {
  test(`is written only in ${where}`, () => {
    const found = product.filter((path) => pattern.test(readFileSync(join(root, path), 'utf8')));
    expect(found).toEqual([where]);
  });

  test('is found if it is written again', () => {
    expect(example).toMatch(pattern);
  });
});
