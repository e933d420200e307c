import type { ColumnType } from '../../../contracts/data/data-types.ts';
import { reservedColumns } from '../../../contracts/data/reserved-columns.ts';
import { PerennialError } from '../../../contracts/errors.ts';

/** Type of a column in Parquet. A timestamp column is either naive or an instant, and stays what it was at first. */
export type StoredType =
  | 'BOOLEAN'
  | 'BIGINT'
  | 'DOUBLE'
  | 'VARCHAR'
  | 'TIMESTAMP'
  | 'TIMESTAMP WITH TIME ZONE'
  | 'DATE';

export interface Field {
  readonly name: string;
  readonly type: ColumnType;
  readonly stored: StoredType;
}

const tooManyColumns = 10_000;

export function isStored(type: unknown): type is StoredType {
  return typeof type === 'string' && Object.hasOwn(typeOf, type);
}

export const typeOf: Readonly<Record<StoredType, ColumnType>> = {
  BOOLEAN: 'boolean',
  BIGINT: 'integer',
  DOUBLE: 'number',
  VARCHAR: 'string',
  TIMESTAMP: 'timestamp',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  DATE: 'date',
};

export const storedOf: Readonly<Record<ColumnType, StoredType>> = {
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  number: 'DOUBLE',
  string: 'VARCHAR',
  timestamp: 'TIMESTAMP',
  date: 'DATE',
};

/**
 * Refuses column names that a dataset cannot have: `too-large` for too many columns, `data-unreadable` for a missing,
 * long or repeated name, `schema-changed` for a name that Perennial reserves.
 */
export function checkNames(names: readonly string[], file: string): void {
  if (names.length >= tooManyColumns)
    throw new PerennialError(
      'too-large',
      `${file} has ${names.length} columns, but a dataset must have fewer than ${tooManyColumns}; leave out the columns that no model reads`,
      { file, line: 1, limit: tooManyColumns - 1 },
    );
  const seen = new Map<string, string>();
  for (const [at, name] of names.entries()) {
    if (name === '' || name.length > 200)
      throw new PerennialError(
        'data-unreadable',
        `column ${at + 1} of ${file} has ${name === '' ? 'no name' : 'a name of more than 200 characters'}; the first line must name every column${name === '' && at > 0 && at === names.length - 1 ? ', and no line may end with a delimiter' : ''}`,
        { file, line: 1 },
      );
    const lower = name.toLowerCase();
    const twin = seen.get(lower);
    if (twin !== undefined)
      throw new PerennialError(
        'data-unreadable',
        `${file} names the column "${name}" twice${twin === name ? '' : ` (also as "${twin}")`}; rename one`,
        { file, line: 1, column: name },
      );
    if (reservedColumns.has(lower))
      throw new PerennialError(
        'schema-changed',
        `${file} has a column "${name}", a name that Perennial reserves for itself; rename the column in the source`,
        { file, column: name },
      );
    seen.set(lower, name);
  }
}
