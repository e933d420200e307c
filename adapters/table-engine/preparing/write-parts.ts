import type { Cell } from '../../../contracts/data/data-types.ts';
import type { PreparedBatch } from '../../../ports/table-engine.ts';
import { ascends } from './ascending.ts';
import { kindOfRelation } from './relations.ts';
import type { Field } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { fingerprint, rowGroupRows, writeParquet } from './parquet-file.ts';
import { identifier, identifiers } from '../sql.ts';

const partRows = 1_000_000;

interface Ordering {
  readonly fields: readonly Field[];
  readonly key?: string;
  readonly timed: boolean;
  /** Table and SQL of `_at`, if `fresh` is a view of all rows of that table. */
  readonly quick?: { readonly table: string; readonly at: string | undefined };
}

/** The rows to be written, in the order in which they are written. */
export interface OrderedRows {
  readonly table: string;
  readonly columns: string;
  readonly rows: number;
}

/**
 * Puts the rows of `fresh` in a total order (by instant, key and then every value) that does not depend on the order of
 * the files. Rows that are in that order already are not copied.
 */
export async function orderRows(
  database: LockedDatabase,
  { fields, key, timed, quick }: Ordering,
): Promise<OrderedRows> {
  const names = fields.map(({ name }) => name);
  const order = [
    ...(timed ? ['_at'] : []),
    ...(key === undefined ? [] : [key]),
    ...names.filter((name) => name !== key),
  ];
  const { rows } = await database.row('SELECT count(*) AS rows FROM fresh');
  const isTable = (await kindOfRelation(database, 'fresh')) === 'TABLE';
  const columns = identifiers([...names, ...(timed ? ['_at'] : [])]);
  if ((isTable || quick !== undefined) && (await ascends(database, 'fresh', order)))
    return isTable || quick === undefined
      ? { table: 'fresh', columns, rows: Number(rows) }
      : { table: quick.table, columns: withInstant(names, quick.at), rows: Number(rows) };
  await database.run(`CREATE TABLE ordered AS SELECT ${columns} FROM fresh ORDER BY ${identifiers(order)}`);
  return { table: 'ordered', columns, rows: Number(rows) };
}

function withInstant(names: readonly string[], at: string | undefined): string {
  return at === undefined ? identifiers(names) : `${identifiers(names)}, ${at} AS "_at"`;
}

interface PartSlice {
  /** SQL of the rows for the part's file, and for aggregates, which need no copy of them. */
  readonly query: string;
  readonly unordered: string;
  readonly rows: number;
}

/** Returns the rows of each part. */
export function partSlices({ table, columns, rows }: OrderedRows): readonly PartSlice[] {
  const rowsFrom = (from: number, to: number): string =>
    `SELECT ${columns} FROM ${table} WHERE rowid >= ${from} AND rowid < ${to}`;
  return cutAt(0, rows, partRows).map(({ from, to }) => {
    // DuckDB ends a row group when a piece of the table fills it. Pieces that end with the row group fill it exactly.
    const groups = cutAt(from, to, rowGroupRows).map((group) => rowsFrom(group.from, group.to));
    return { query: groups.join(' UNION ALL '), unordered: rowsFrom(from, to), rows: to - from };
  });
}

/** Cuts a range into ranges of a size; the last one may be smaller. */
function cutAt(start: number, end: number, size: number): readonly { readonly from: number; readonly to: number }[] {
  return Array.from({ length: Math.ceil((end - start) / size) }, (_, at) => ({
    from: start + at * size,
    to: Math.min(start + (at + 1) * size, end),
  }));
}

/** Writes the rows of one part and returns their bounds. */
export async function writeSlice(
  database: LockedDatabase,
  { query, unordered }: PartSlice,
  { path, timed }: { readonly path: string; readonly timed: boolean },
): Promise<Bounds> {
  await writeParquet(database, query, path);
  return timed ? boundsOf(database, unordered) : {};
}

interface Bounds {
  readonly from?: string;
  readonly to?: string;
}

export async function partOf(path: string, rows: number, bounds: Bounds): Promise<PreparedBatch['parts'][number]> {
  return { ...(await fingerprint(path)), rows, ...bounds, path };
}

/**
 * Returns the first and the last instant of a slice, widened to whole milliseconds so that every row lies between them.
 */
export async function boundsOf(database: LockedDatabase, slice: string): Promise<Required<Bounds>> {
  const at = identifier('_at');
  const found: Readonly<Record<string, Cell>> = await database.row(`
    SELECT timezone('UTC', date_trunc('milliseconds', min(${at}))) AS "from", timezone('UTC', date_trunc('milliseconds', max(${at}) + INTERVAL 999 MICROSECONDS)) AS "to" FROM (${slice})`);
  return { from: String(found.from), to: String(found.to) };
}
