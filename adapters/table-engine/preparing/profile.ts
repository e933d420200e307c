import type { Column } from '../../../contracts/data/data-types.ts';
import type { ColumnProfile, DatasetProfile, Histogram } from '../../../contracts/data/dataset-version.ts';
import { type Row, countValues, factsOf, momentsOf, quantilesIn, rowsByColumn } from '../comparing/counted-values.ts';
import { type Slice, slicesOf } from '../comparing/long-form.ts';
import { interpolatedAt, placesOf, valueAt } from '../comparing/quantile-places.ts';
import { ascends } from './ascending.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Operations } from '../process/operations.ts';
import { parquetRows } from '../sql.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';

const quantiles = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
const histogramBins = 20;
const topValues = 10;

/**
 * Returns the profile of each column: number of rows (`count`), nulls, distinct values, minimum, maximum, and the ten
 * most frequent values. Columns of numbers also have the mean, the sample standard deviation (divisor n − 1) and
 * linearly interpolated quantiles. Columns of dates and timestamps have quantiles that are values. The mean of a
 * boolean column is its share of true. All columns except text and booleans have a histogram of twenty bins of equal
 * width. A result that overflows a DOUBLE, such as the deviation of values near 1.7e308, is null.
 */
export async function profile(
  { parts, columns }: Operations['profile']['request'],
  workplace: TableWorkplace,
): Promise<DatasetProfile> {
  if (parts.length === 0) return { schemaVersion: 1, columns: columns.map(emptyProfile) };
  const database = await workplace.open({ readable: parts, columns: columns.length });
  return profileOf(database, parquetRows(parts), columns);
}

/** Returns the profile of the rows of a table, a view or Parquet files. The connection's time zone must be UTC. */
export async function profileOf(
  database: LockedDatabase,
  from: string,
  columns: readonly Column[],
): Promise<DatasetProfile> {
  const profiles = new Map<string, ColumnProfile>();
  for (const slice of await slicesOf(database, from, columns)) {
    const [only, second] = slice.columns;
    const isAscending = only !== undefined && second === undefined && (await ascends(database, from, [only.name]));
    for (const column of await profileSlice(database, slice, isAscending)) profiles.set(column.name, column);
  }
  return { schemaVersion: 1, columns: columns.map((column) => profiles.get(column.name) ?? emptyProfile(column)) };
}

function emptyProfile({ name }: Column): ColumnProfile {
  const none = { min: null, max: null, mean: null, standardDeviation: null, quantiles: null, histogram: null };
  return { name, count: 0, nulls: 0, distinct: 0, ...none, top: [] };
}

/**
 * Returns the profiles of a slice's columns. All but the moments are computed from `counted`, the values with their
 * numbers of rows in ascending order. The only column of an ascending slice is in that order already.
 */
async function profileSlice(
  database: LockedDatabase,
  slice: Slice,
  isAscending: boolean,
): Promise<readonly ColumnProfile[]> {
  if (isAscending) await database.run(`CREATE TEMP VIEW counted AS SELECT c, v, 1::BIGINT AS n FROM ${slice.rows}`);
  const facts = isAscending ? await factsOf(database, 'counted') : await countValues(database, 'counted', slice);
  const moments = await momentsOf(database, slice, facts);
  const tops = await rowsByColumn(
    database,
    `SELECT c, top.v AS v, top.n AS n FROM (SELECT c, unnest(min({ m: -n, v: v, n: n }, ${topValues})) AS top FROM counted GROUP BY c)`,
  );
  const hasQuantiles = slice.kind !== 'other';
  const shares = { shares: quantiles, isNumber: slice.kind === 'number' };
  const findQuantiles = (): Promise<(column: number) => (number | string)[]> =>
    isAscending ? quantilesInOrder(database, slice) : quantilesIn(database, 'counted', facts, shares);
  const quantilesOf = hasQuantiles ? await findQuantiles() : () => [];
  const histograms = hasQuantiles ? await histogramsIn(database, slice) : new Map<number, Histogram>();
  await database.run(`DROP ${isAscending ? 'VIEW' : 'TABLE'} counted`);
  return slice.columns.map(({ name }, at) => {
    const fact = facts.get(at);
    const found = quantilesOf(at);
    return {
      name,
      count: slice.count,
      nulls: slice.count - Number(fact?.filled ?? 0),
      distinct: Number(fact?.distinct ?? 0),
      min: fact?.low ?? null,
      max: fact?.high ?? null,
      mean: moments(at).mean,
      standardDeviation: moments(at).deviation,
      quantiles: found.length === 0 ? null : found,
      histogram: histograms.get(at) ?? null,
      top: (tops.get(at) ?? []).map(({ v, n }) => ({ value: v ?? null, count: Number(n) })),
    };
  });
}

/** Returns the quantiles of the only column of a slice, in which values ascend and none is missing. */
async function quantilesInOrder(
  database: LockedDatabase,
  { rows, kind, count }: Slice,
): Promise<(column: number) => (number | string)[]> {
  const isNumber = kind === 'number';
  const places = placesOf(quantiles, count, isNumber);
  const found = await database.rows(
    `SELECT place, ${isNumber ? 'CAST(v AS DOUBLE)' : 'v'} AS value FROM (SELECT row_number() OVER () - 1 AS place, v FROM ${rows}) WHERE place IN (${places.join(', ')})`,
  );
  const values = new Map(found.map(({ place, value }) => [Number(place), value]));
  const at = (place: number) => values.get(place);
  return () => quantiles.flatMap((share) => (isNumber ? interpolatedAt(share, count, at) : valueAt(share, count, at)));
}

/**
 * Returns the histograms of a slice's columns. Dates and timestamps are counted in seconds, and their edges are ISO
 * text.
 */
async function histogramsIn(
  database: LockedDatabase,
  { kind, stored }: Slice,
): Promise<ReadonlyMap<number, Histogram>> {
  // A cast of an instant to a timestamp asks the calendar for each value.
  const timestamp = stored === 'TIMESTAMP WITH TIME ZONE' ? 'make_timestamp(epoch_us(v))' : 'CAST(v AS TIMESTAMP)';
  const value = kind === 'time' ? `epoch(${timestamp})` : 'CAST(v AS DOUBLE)';
  // Both bounds are halved first, because the width of the whole range may overflow.
  const bins = await rowsByColumn(
    database,
    `WITH given AS (SELECT c, ${value} AS w, n FROM counted),
      span AS (SELECT c, min(w) AS low, max(w) AS high, (max(w) / 2 - min(w) / 2) / ${histogramBins / 2} AS width FROM given GROUP BY c)
    SELECT c, CASE WHEN width = 0 THEN 0 ELSE least(floor((w / width) - (low / width)), ${histogramBins - 1}) END::INTEGER AS bin, sum(n)::BIGINT AS count,
      any_value(low) AS low, any_value(high) AS high, any_value(width) AS width
    FROM given JOIN span USING (c) GROUP BY c, bin ORDER BY c, bin`,
  );
  return new Map([...bins].map(([c, rows]) => [c, histogramOf(rows, kind === 'time')]));
}

function histogramOf(bins: readonly Row[], isTime: boolean): Histogram {
  const [low, high, width] = [Number(bins[0]?.low), Number(bins[0]?.high), Number(bins[0]?.width)];
  const number = width === 0 ? 1 : histogramBins;
  const counts = Array.from({ length: number }, (_, bin) => Number(bins.find((row) => row.bin === bin)?.count ?? 0));
  const edges = Array.from({ length: number + 1 }, (_, at) =>
    at === number ? high : edgeOf(low, high, { width, at }),
  );
  return { edges: isTime ? edges.map(instantText) : edges, counts };
}

/** Returns the edge of a bin. If its distance from the lower end overflows, it is interpolated between both ends. */
function edgeOf(low: number, high: number, { width, at }: { readonly width: number; readonly at: number }): number {
  const share = at / histogramBins;
  return Number.isFinite(at * width) ? low + at * width : low * (1 - share) + high * share;
}

function instantText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}
