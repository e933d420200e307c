import type { Cell, Column } from '../../../contracts/data/data-types.ts';
import type { ColumnProfile, DatasetProfile, Histogram } from '../../../contracts/data/dataset-version.ts';
import {
  type Facts,
  type Row,
  byColumn,
  countValues,
  momentsOf,
  quantilesIn,
  rowsByColumn,
} from '../comparing/counted-values.ts';
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
  const profiles: ColumnProfile[] = [];
  for (const find of await profilers(database, from, columns)) profiles.push(...(await find(database)));
  return profileFrom(columns, profiles);
}

/** Returns the profiles of some columns. The connection's time zone must be UTC. */
export type Profiler = (database: LockedDatabase) => Promise<readonly ColumnProfile[]>;

/** Returns functions that profile a few columns each, which may run at the same time on connections of their own. */
export async function profilers(
  database: LockedDatabase,
  from: string,
  columns: readonly Column[],
): Promise<readonly Profiler[]> {
  return (await slicesOf(database, from, columns)).map((slice) => async (connection) => {
    const [only, second] = slice.columns;
    const isAscending = only !== undefined && second === undefined && (await ascends(connection, from, [only.name]));
    return profileSlice(connection, slice, isAscending);
  });
}

/** Returns the profile of a dataset from those of its columns, in any order. */
export function profileFrom(columns: readonly Column[], found: readonly ColumnProfile[]): DatasetProfile {
  const profiles = new Map(found.map((column) => [column.name, column]));
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
  const facts = isAscending ? await factsInOrder(database) : await countValues(database, 'counted', slice);
  const moments = await momentsOf(database, slice, facts);
  const tops = await rowsByColumn(
    database,
    isAscending
      ? `SELECT c, v, n FROM counted LIMIT ${topValues}`
      : `SELECT c, top.v AS v, top.n AS n FROM (SELECT c, unnest(min({ m: -n, v: v, n: n }, ${topValues})) AS top FROM counted GROUP BY c)`,
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

/** Returns the facts of `counted` if it has one column, in which every value is another. */
function factsInOrder(database: LockedDatabase): Promise<Facts> {
  return byColumn(
    database,
    'SELECT 0 AS c, count(*) AS "distinct", count(*) AS filled, min(v) AS low, max(v) AS high FROM counted',
  );
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
  { kind, stored, columns }: Slice,
): Promise<ReadonlyMap<number, Histogram>> {
  const secondsOf = (time: string): string =>
    // A cast of an instant to a timestamp asks the calendar for each value.
    stored === 'TIMESTAMP WITH TIME ZONE' ? `make_timestamp(epoch_us(${time}))` : `CAST(${time} AS TIMESTAMP)`;
  const numberOf = (value: string): string =>
    kind === 'time' ? `epoch(${secondsOf(value)})` : `CAST(${value} AS DOUBLE)`;
  const isOne = columns.length === 1;
  // Both bounds are halved first, because the width of the whole range may overflow.
  const spans = await rowsByColumn(
    database,
    `SELECT c, low, high, (high / 2 - low / 2) / ${histogramBins / 2} AS width FROM
      (SELECT c, ${numberOf('least_v')} AS low, ${numberOf('greatest_v')} AS high FROM
        (SELECT ${isOne ? 'any_value(c) AS c' : 'c'}, min(v) AS least_v, max(v) AS greatest_v FROM counted ${isOne ? '' : 'GROUP BY c'})) WHERE low IS NOT NULL`,
  );
  if (spans.size === 0) return new Map();
  const double = (cell: Cell | undefined): string => `CAST('${String(cell)}' AS DOUBLE)`;
  const values = [...spans].map(([c, [span]]) => `(${c}, ${double(span?.low)}, ${double(span?.width)})`);
  const bins = await rowsByColumn(
    database,
    `SELECT ${isOne ? '0 AS c' : 'c'}, CASE WHEN width = 0 THEN 0 ELSE least(floor((w / width) - (low / width)), ${histogramBins - 1}) END::INTEGER AS bin, sum(n)::BIGINT AS count
      FROM (SELECT c, ${numberOf('v')} AS w, n FROM counted) JOIN (VALUES ${values.join(', ')}) AS span(${isOne ? 'place' : 'c'}, low, width) ${isOne ? 'ON true' : 'USING (c)'}
      GROUP BY ${isOne ? '' : 'c, '}bin ORDER BY ${isOne ? '' : 'c, '}bin`,
  );
  return new Map(
    [...spans].flatMap(([c, [span]]) =>
      span === undefined ? [] : [[c, histogramOf(span, bins.get(c) ?? [], kind === 'time')] as const],
    ),
  );
}

function histogramOf(span: Row, bins: readonly Row[], isTime: boolean): Histogram {
  const [low, high, width] = [Number(span.low), Number(span.high), Number(span.width)];
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
