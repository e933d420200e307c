import { expect, test } from 'vitest';
import { boundedWarnings } from '../../contracts/data/bounded-warnings.ts';
import type { DataWarning } from '../../contracts/data/data-warning.ts';

function warning(column: string, given: Partial<DataWarning> = {}): DataWarning {
  return {
    level: 'warning',
    kind: 'missing-word',
    column,
    count: 3,
    example: 'NA',
    message: `column "${column}" has 3 texts such as "NA"`,
    ...given,
  };
}

test('warnings come before guesses, and otherwise keep their order', () => {
  const guess = warning('a', { level: 'guess', kind: 'delimiter' });
  const list = boundedWarnings([guess, warning('b'), warning('a')]);
  expect(list.map(({ level, column }) => `${level} ${column}`)).toEqual(['warning b', 'warning a', 'guess a']);
});

test('of 2,000 columns with the same warning ten are named, and one entry counts the others', () => {
  const list = boundedWarnings(Array.from({ length: 2_000 }, (_, at) => warning(`c${at}`)));
  expect(list).toHaveLength(11);
  expect(list.at(-1)).toMatchObject({ kind: 'missing-word', level: 'warning', column: null, count: 1_990 * 3 });
  expect(list.at(-1)?.message).toContain('1990 further columns');
  expect(list.at(-1)?.message).toContain('c10, c11');
});

test('eleven columns are all named, because an entry for one more column would be no shorter', () => {
  const list = boundedWarnings(Array.from({ length: 11 }, (_, at) => warning(`c${at}`)));
  expect(list.map(({ column }) => column)).not.toContain(null);
});

test('the list is bounded however long names and examples are, and its last entry counts the rest', () => {
  const long = 'x'.repeat(5_000);
  const kinds = ['missing-word', 'percent', 'currency', 'blanks', 'date-format', 'mixed-values'] as const;
  const all = kinds.flatMap((kind) =>
    Array.from({ length: 50 }, (_, at) => warning(`${at}${long}`, { kind, example: long, message: long })),
  );
  const list = boundedWarnings(all);
  expect(list.length).toBeLessThan(200);
  expect(JSON.stringify(list).length).toBeLessThan(32_000);
  expect(list.at(-1)).toMatchObject({ kind: 'more', level: 'warning', column: null });
});

test('an example is cut to 100 characters, and never within a surrogate pair', () => {
  const [only] = boundedWarnings([warning('a', { example: '😀'.repeat(200) })]);
  expect(only?.example?.length).toBeLessThanOrEqual(101);
  expect(only?.example?.isWellFormed()).toBe(true);
});
