import type { Cell } from '../../../contracts/data/data-types.ts';
import type { Slice } from './long-form.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { interpolatedAt, placesOf, valueAt } from './quantile-places.ts';

export type Row = Readonly<Record<string, Cell>>;

/** Facts about columns, by the index of the column in its slice. A column without values has no entry. */
export type Facts = ReadonlyMap<number, Row>;

/**
 * Creates a table `(c, v, n)`: each value of each column of a slice with its number of rows, in ascending order.
 * Returns the facts of the table's columns.
 */
export async function countValues(database: LockedDatabase, table: string, { rows, columns }: Slice): Promise<Facts> {
  // Grouping by a constant would cost half as much again.
  const groups = columns.length === 1 ? 'v' : 'c, v';
  await database.run(
    `CREATE OR REPLACE TEMP TABLE ${table} AS SELECT ${columns.length === 1 ? '0 AS c' : 'c'}, v, count(*) AS n FROM ${rows} WHERE v IS NOT NULL GROUP BY ${groups} ORDER BY ${groups}`,
  );
  return factsOf(database, table);
}

/**
 * Returns, for each column of a table made by `countValues`, the number of distinct values, the number of values, the
 * minimum and the maximum.
 */
export function factsOf(database: LockedDatabase, table: string): Promise<Facts> {
  return byColumn(
    database,
    `SELECT c, count(*) AS "distinct", sum(n)::BIGINT AS filled, min(v) AS low, max(v) AS high FROM ${table} GROUP BY c ORDER BY c`,
  );
}

/** Returns the number of values of a column; nulls do not count. */
export function filledOf(facts: Facts, column: number): number {
  return Number(facts.get(column)?.filled ?? 0);
}

export async function byColumn(database: LockedDatabase, query: string): Promise<Facts> {
  return new Map((await database.rows(query)).map((row) => [Number(row.c), row]));
}

export async function rowsByColumn(
  database: LockedDatabase,
  query: string,
): Promise<ReadonlyMap<number, readonly Row[]>> {
  return Map.groupBy(await database.rows(query), ({ c }) => Number(c));
}

/** Numbers of a larger magnitude are scaled down first, because sums of their squares would overflow. */
const largest = 1e140;

export interface Moments {
  readonly mean: number | null;
  /** Standard deviation of the sample (divisor n − 1). */
  readonly deviation: number | null;
}

/**
 * Returns the mean and standard deviation of columns of numbers, and the mean of columns of booleans. null if the
 * column has no values or the result overflows a double.
 */
export async function momentsOf(
  database: LockedDatabase,
  slice: Slice,
  facts: Facts,
): Promise<(column: number) => Moments> {
  const found = await byColumnOrNone(database, momentsQuery(slice, facts));
  return (column) => {
    const { mean, deviation } = found.get(column) ?? {};
    return { mean: numberOrNull(mean), deviation: numberOrNull(deviation) };
  };
}

async function byColumnOrNone(database: LockedDatabase, query: string | undefined): Promise<Facts> {
  return query === undefined ? new Map() : byColumn(database, query);
}

function momentsQuery({ rows, stored, columns }: Slice, facts: Facts): string | undefined {
  if (facts.size === 0) return undefined;
  if (stored === 'BOOLEAN') return `SELECT c, avg(CAST(v AS INTEGER)) AS mean FROM ${rows} GROUP BY c`;
  if (stored !== 'BIGINT' && stored !== 'DOUBLE') return undefined;
  const large = [...facts].filter(
    ([, { low, high }]) => Math.abs(Number(low)) > largest || Math.abs(Number(high)) > largest,
  );
  // Scaling by a power of two is exact.
  if (columns.length === 1) {
    const scale = large.length === 0 ? 1 : 2 ** 600;
    return `SELECT 0 AS c, avg(w) * ${scale} AS mean, stddev_samp(w) * ${scale} AS deviation FROM (SELECT CAST(v AS DOUBLE) / ${scale} AS w FROM ${rows})`;
  }
  const scale =
    large.length === 0 ? '1' : `CASE WHEN c IN (${large.map(([c]) => c).join(', ')}) THEN ${2 ** 600} ELSE 1 END`;
  return `SELECT c, avg(w) * any_value(s) AS mean, stddev_samp(w) * any_value(s) AS deviation
    FROM (SELECT c, CAST(v AS DOUBLE) / ${scale} AS w, ${scale} AS s FROM ${rows}) GROUP BY c`;
}

/**
 * Returns quantiles of every column of a table made by `countValues`. Quantiles of numbers are interpolated linearly;
 * quantiles of other types are values that occur. `upto` is the running count of rows up to and including a value, so
 * the row at position p (from 0) has the first value with `upto > p`.
 */
export async function quantilesIn(
  database: LockedDatabase,
  table: string,
  facts: Facts,
  { shares, isNumber }: { readonly shares: readonly number[]; readonly isNumber: boolean },
): Promise<(column: number) => (number | string)[]> {
  if (facts.size === 0) return () => [];
  const value = isNumber ? 'CAST(v AS DOUBLE)' : 'v';
  let before = 0;
  const wanted = new Map<number, readonly number[]>();
  const rows = [...facts].map(([c, { filled }]) => {
    const places = placesOf(shares, Number(filled), isNumber);
    const offset = before;
    before += Number(filled);
    wanted.set(c, places);
    return `(${[c, ...places.map((place) => offset + place)].join(', ')})`;
  });
  const columns = [...wanted.values()][0]?.map((_, at) => `p${at}`) ?? [];
  const found = await byColumn(
    database,
    `SELECT c, ${columns.map((place, at) => `min(${value}) FILTER (WHERE upto > ${place}) AS q${at}`).join(', ')}
      FROM (SELECT c, v, (sum(n) OVER (ROWS UNBOUNDED PRECEDING))::BIGINT AS upto FROM ${table})
      JOIN (VALUES ${rows.join(', ')}) AS wanted(c, ${columns.join(', ')}) USING (c) GROUP BY c`,
  );
  return (c) => {
    const filled = Number(facts.get(c)?.filled ?? 0);
    const at = (place: number): Cell | undefined => found.get(c)?.[`q${wanted.get(c)?.indexOf(place)}`];
    return shares.flatMap((share) => (isNumber ? interpolatedAt(share, filled, at) : valueAt(share, filled, at)));
  };
}

function numberOrNull(cell: Cell | undefined): number | null {
  return typeof cell === 'number' ? cell : null;
}
