import type { Column } from '../../../contracts/data/data-types.ts';
import { type StoredType, isStored } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { identifier } from '../sql.ts';

/** Columns of one stored type in long form: one row for each value. */
export interface Slice {
  readonly columns: readonly Column[];
  readonly stored: StoredType;
  readonly kind: 'number' | 'time' | 'other';
  /** SQL that selects rows `(c, v)`: the index of a column in `columns`, and one of its values or null. */
  readonly rows: string;
  /** Number of rows in wide form, the same for every column. */
  readonly count: number;
}

/**
 * Maximum number of values and of columns that one query reads. Planning time grows faster than the number of columns.
 */
const valuesAtOnce = 1_000_000;
const columnsAtOnce = 200;

/**
 * Splits columns into slices of one type each, so that one or two queries cover many columns. With one query per
 * column, planning for 2,000 columns takes minutes, however few the rows are.
 */
export async function slicesOf(
  database: LockedDatabase,
  from: string,
  columns: readonly Column[],
): Promise<readonly Slice[]> {
  const stored = await storedIn(database, from);
  const count = Number((await database.row(`SELECT count(*) AS rows FROM ${from}`)).rows);
  const size = columnsPerQuery(count);
  const slices: Slice[] = [];
  for (const [type, group] of Map.groupBy(columns, ({ name }) => stored.get(name))) {
    if (type === undefined) continue;
    for (let start = 0; start < group.length; start += size) {
      const chosen = group.slice(start, start + size);
      slices.push(sliceOf(from, chosen, type, count));
    }
  }
  return slices;
}

/** Returns the stored type of each column of a view or file. Columns of an unknown type are left out. */
export async function storedIn(database: LockedDatabase, from: string): Promise<ReadonlyMap<string, StoredType>> {
  const stored = new Map<string, StoredType>();
  for (const { column_name: name, column_type: type } of await database.rows(`DESCRIBE SELECT * FROM ${from}`))
    if (isStored(type)) stored.set(String(name), type);
  return stored;
}

export function sliceOf(from: string, columns: readonly Column[], stored: StoredType, count: number): Slice {
  return { columns, stored, kind: kindOf(stored), rows: longRows(from, namesOf(columns)), count };
}

function kindOf(stored: StoredType): Slice['kind'] {
  if (stored === 'BIGINT' || stored === 'DOUBLE') return 'number';
  return stored === 'VARCHAR' || stored === 'BOOLEAN' ? 'other' : 'time';
}

/** Returns how many columns one query may read if each has this many rows. */
export function columnsPerQuery(rows: number): number {
  return Math.max(1, Math.min(columnsAtOnce, Math.floor(valuesAtOnce / Math.max(1, rows))));
}

function namesOf(columns: readonly Column[]): readonly string[] {
  return columns.map(({ name }) => name);
}

/**
 * Returns SQL that selects rows `(c, v)` from columns of one type: the index of a column, and one of its values or
 * null.
 */
export function longRows(from: string, columns: readonly string[]): string {
  const names = columns.map(identifier);
  return names.length === 1
    ? `(SELECT 0 AS c, ${names[0]} AS v FROM ${from})`
    : `(SELECT unnest(range(${names.length})) AS c, unnest([${names.join(', ')}]) AS v FROM ${from})`;
}
