import type { ColumnType } from '../../../contracts/data/data-types.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import type { Reading } from './spellings.ts';

/** What the configuration says that columns are. */
export interface Declared {
  /** By `data.columns`. It overrules what the values look like and what the dataset has had so far. */
  readonly types: ReadonlyMap<string, ColumnType>;
  /** By expectations, the first of a column: tried first, and what a column may be widened to. */
  readonly expected: ReadonlyMap<string, ColumnType>;
  readonly ignored: ReadonlySet<string>;
  /** All columns that either names and that are not ignored. */
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

/** A column whose type somebody has said is read as that; of all others nothing may be lost. */
export function readingOf({ types, expected }: Declared, { name, type }: { name: string; type: ColumnType }): Reading {
  return types.get(name) === type || expected.get(name) === type ? 'declared' : 'as-written';
}
