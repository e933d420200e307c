import type { PrepareBatch } from '../../../ports/table-engine.ts';
import { declaredColumns } from '../typing/declared.ts';

/** The columns of a file that are needed, determined before the file is read. */
export interface ColumnPlan {
  isIgnored(name: string): boolean;
  /** Whether `data.columns` declares the column's type, which then replaces the file's own type. */
  isDeclared(name: string): boolean;
  /** What reads the column, as text for messages; undefined if nothing does. */
  readerOf(name: string): string | undefined;
}

export function columnPlan(request: PrepareBatch): ColumnPlan {
  const { key, required, alsoRead = [], timestamp, expectations, pinned } = request;
  const { ignored, named, types } = declaredColumns(request);
  const readers = new Map<string, string>();
  const note = (names: readonly (string | undefined)[], reader: string): void => {
    for (const name of names) if (name !== undefined && !readers.has(name)) readers.set(name, reader);
  };
  note(required, 'the configuration names it as target or feature');
  note([key], 'it is data.key');
  note(alsoRead, 'the build reads it');
  note(
    expectations.map(({ column }) => column),
    'an expectation names it',
  );
  note([...named], 'data.columns names it');
  note(pinned?.map(({ name }) => name) ?? [], 'the dataset already has it');
  return {
    isIgnored: (name) => ignored.has(name),
    isDeclared: (name) => types.has(name),
    readerOf: (name) => readers.get(name) ?? (mentions(timestamp, name) ? 'data.timestamp names it' : undefined),
  };
}

/**
 * Returns whether an expression contains the name as a word. If the word means something else, the only effect is that
 * a column is kept that could be left out.
 */
function mentions(expression: string | undefined, name: string): boolean {
  if (expression === undefined) return false;
  const escaped = name.toLowerCase().replaceAll(/[^a-z0-9_]/g, String.raw`\$&`);
  return new RegExp(`(?<![a-z0-9_])${escaped}(?![a-z0-9_])`).test(expression.toLowerCase());
}
