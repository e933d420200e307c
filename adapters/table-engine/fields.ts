import type { ColumnType } from '../../contracts/data-types.ts';
import { reservedColumns } from '../../contracts/data-types.ts';
import { PerennialError } from '../../contracts/errors.ts';

/** How a column is kept in Parquet. A timestamp is naive or an instant, and stays what it was at first. */
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

/** Refuses names that no dataset can have: `too-large` for too many, `data-unreadable`, or `schema-changed` for one that Perennial needs. */
export function checkNames(names: readonly string[], file: string): void {
  if (names.length >= tooManyColumns)
    throw new PerennialError(
      'too-large',
      `${file} has ${names.length} columns, and a dataset fewer than ${tooManyColumns}; leave out those that no model reads`,
      { file, line: 1, limit: tooManyColumns - 1 },
    );
  const seen = new Map<string, string>();
  for (const [at, name] of names.entries()) {
    if (name === '' || name.length > 200)
      throw new PerennialError(
        'data-unreadable',
        `column ${at + 1} of ${file} has ${name === '' ? 'no name' : 'a name of more than 200 characters'}; the first line must name every column`,
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
        `${file} has a column "${name}", a name that Perennial uses for itself; rename it in the source`,
        { file, column: name },
      );
    seen.set(lower, name);
  }
}

/** What a value read from text must look like to be of a type; SQL over a VARCHAR. Nothing that fits loses anything by the cast. */
export function fits(text: string, stored: StoredType): string {
  const day = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
  const clock = '[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?';
  const looks = (pattern: string): string => `regexp_full_match(${text}, '${pattern}')`;
  // Up to fifteen digits are exact and finite. A CASE, as the sides of AND and OR are all worked out for every row.
  const unlessShort = (plain: string, condition: string): string =>
    `CASE WHEN strlen(${text}) < 16 AND ${plain} THEN true ELSE ${condition} END`;
  const casts = `TRY_CAST(${text} AS ${stored}) IS NOT NULL`;
  switch (stored) {
    case 'BOOLEAN':
      return `lower(${text}) IN ('true', 'false')`;
    case 'BIGINT':
      return `(${looks('[+-]?[0-9]{1,19}')} AND ${unlessShort('true', casts)})`;
    case 'DOUBLE':
      return `(${looks('[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?')} AND ${unlessShort(
        `NOT contains(lower(${text}), 'e')`,
        `coalesce(isfinite(TRY_CAST(${text} AS DOUBLE)), false)
          AND (NOT ${looks('[+-]?[0-9]{16,}')} OR coalesce(TRY_CAST(TRY_CAST(${text} AS DOUBLE) AS HUGEINT) = TRY_CAST(${text} AS HUGEINT), false))`,
      )})`;
    case 'DATE':
      return `(${looks(day)} AND ${casts})`;
    case 'TIMESTAMP':
      return `(${looks(day + clock)} AND ${casts})`;
    case 'TIMESTAMP WITH TIME ZONE':
      return `(${looks(`${day}${clock}(Z|[+-][0-9]{2}(:?[0-9]{2})?)`)} AND ${casts})`;
    default:
      return 'true';
  }
}

/** From the most particular to the least; the first that all values fit is the column's. */
export const inferenceOrder: readonly StoredType[] = [
  'BOOLEAN',
  'BIGINT',
  'DOUBLE',
  'DATE',
  'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE',
  'VARCHAR',
];
