import type { ColumnType } from '../../../contracts/data/data-types.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import type { Reading } from './spellings.ts';

/** Types of columns that the configuration declares. */
export interface Declared {
  /** Types from `data.columns`. They override both the inferred types and the types that the dataset has had so far. */
  readonly types: ReadonlyMap<string, ColumnType>;
  /**
   * Types from expectations, the first of each column. Such a type is tried first, and a column may be widened to it.
   */
  readonly expected: ReadonlyMap<string, ColumnType>;
  readonly ignored: ReadonlySet<string>;
  /** Columns named by `data.columns` or by an expectation with a type, except ignored columns. */
  readonly named: ReadonlySet<string>;
}

export function declaredColumns({ expectations, columns = {} }: PrepareBatch): Declared {
  const expected = new Map(
    expectations
      .toReversed()
      .flatMap(({ column, type }) => (column === undefined || type === undefined ? [] : [[column, type] as const])),
  );
  const entries = Object.entries(columns);
  const types = new Map(
    entries.flatMap(([name, type]) => (type === 'category' || type === 'ignore' ? [] : [[name, type] as const])),
  );
  const kept = entries.flatMap(([name, type]) => (type === 'ignore' ? [] : [name]));
  return {
    types,
    expected,
    ignored: new Set(entries.flatMap(([name, type]) => (type === 'ignore' ? [name] : []))),
    named: new Set([...kept, ...expected.keys()]),
  };
}

/**
 * Returns how a column is read: `declared` if the configuration names its type, otherwise `as-written`, so that no
 * information is lost.
 */
export function readingOf({ types, expected }: Declared, { name, type }: { name: string; type: ColumnType }): Reading {
  return types.get(name) === type || expected.get(name) === type ? 'declared' : 'as-written';
}
