import type { Cell, Column } from '../../contracts/data-types.ts';
import type { ColumnProfile, DatasetProfile, Histogram } from '../../contracts/dataset.ts';
import { type Slice, slicesOf } from './long-form.ts';
import type { Database } from './lockedDatabase.ts';
import type { Operations } from './operations.ts';
import { interpolatedAt, placesOf, valueAt } from './quantile-places.ts';
import { parquetRows } from './sql.ts';
import type { Workplace } from './workplace.ts';

const quantiles = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
const histogramBins = 20;
const topValues = 10;

/**
 * Per column: `count` of rows, `nulls` among them, distinct values, smallest and largest, and the ten most frequent
 * values; for numbers the mean, the standard deviation of the sample (n − 1) and quantiles, interpolated linearly; for
 * days and timestamps quantiles that are values; for booleans the share of true; for all but text and booleans a
 * histogram of twenty bins of equal width. A number that is larger than a DOUBLE holds, such as the deviation of values
 * near 1.7e308, is null.
 */
export async function profile(
  { parts, columns }: Operations['profile']['request'],
  workplace: Workplace,
): Promise<DatasetProfile> {
  if (parts.length === 0) return { schemaVersion: 1, columns: columns.map(emptyProfile) };
  const database = await workplace.open({ readable: parts, columns: columns.length });
  const profiles = new Map<string, ColumnProfile>();
  const from = parquetRows(parts);
  for (const slice of await slicesOf(database, from, columns))
    for (const column of await profileSlice(database, slice)) profiles.set(column.name, column);
  return { schemaVersion: 1, columns: columns.map((column) => profiles.get(column.name) ?? emptyProfile(column)) };
}

function emptyProfile({ name }: Column): ColumnProfile {
  const none = { min: null, max: null, mean: null, standardDeviation: null, quantiles: null, histogram: null };
  return { name, count: 0, nulls: 0, distinct: 0, ...none, top: [] };
}

type Row = Readonly<Record<string, Cell>>;

/** Makes `counted`, each value of each column with its number of rows in ascending order, which all but the moments come from. */
async function profileSlice(database: Database, slice: Slice): Promise<readonly ColumnProfile[]> {
  await database.run(
    `CREATE OR REPLACE TEMP TABLE counted AS SELECT c, v, count(*) AS n FROM ${slice.rows} WHERE v IS NOT NULL GROUP BY c, v ORDER BY c, v`,
  );
  const facts = await byColumn(
    database,
    'SELECT c, count(*) AS "distinct", sum(n)::BIGINT AS filled, min(v) AS low, max(v) AS high FROM counted GROUP BY c ORDER BY c',
  );
  const moments = await byColumn(database, momentsQuery(slice, facts));
  const tops = await rowsByColumn(
    database,
    `SELECT c, top.v AS v, top.n AS n FROM (SELECT c, unnest(min({ m: -n, v: v, n: n }, ${topValues})) AS top FROM counted GROUP BY c)`,
  );
  const quantilesOf = await quantilesIn(database, slice, facts);
  const histograms = slice.kind === 'other' ? new Map<number, Histogram>() : await histogramsIn(database, slice);
  await database.run('DROP TABLE counted');
  return slice.columns.map(({ name }, at) => {
    const fact = facts.get(at);
    const filled = Number(fact?.filled ?? 0);
    return {
      name,
      count: slice.count,
      nulls: slice.count - filled,
      distinct: Number(fact?.distinct ?? 0),
      min: fact?.low ?? null,
      max: fact?.high ?? null,
      mean: numberOrNull(moments.get(at)?.mean),
      standardDeviation: numberOrNull(moments.get(at)?.deviation),
      quantiles: quantilesOf(at, filled),
      histogram: histograms.get(at) ?? null,
      top: (tops.get(at) ?? []).map(({ v, n }) => ({ value: v ?? null, count: Number(n) })),
    };
  });
}

async function byColumn(database: Database, query: string | undefined): Promise<ReadonlyMap<number, Row>> {
  const rows = query === undefined ? [] : await database.rows(query);
  return new Map(rows.map((row) => [Number(row.c), row]));
}

async function rowsByColumn(database: Database, query: string): Promise<ReadonlyMap<number, readonly Row[]>> {
  return Map.groupBy(await database.rows(query), ({ c }) => Number(c));
}

/** Beyond it, sums of squares would overflow. */
const largest = 1e140;

function momentsQuery({ rows, stored }: Slice, facts: ReadonlyMap<number, Row>): string | undefined {
  if (stored === 'BOOLEAN') return `SELECT c, avg(CAST(v AS INTEGER)) AS mean FROM ${rows} GROUP BY c`;
  if (stored !== 'BIGINT' && stored !== 'DOUBLE') return undefined;
  const large = [...facts].filter(
    ([, { low, high }]) => Math.abs(Number(low)) > largest || Math.abs(Number(high)) > largest,
  );
  // Scaling by a power of two is exact.
  const scale =
    large.length === 0 ? '1' : `CASE WHEN c IN (${large.map(([c]) => c).join(', ')}) THEN ${2 ** 600} ELSE 1 END`;
  return `SELECT c, avg(w) * any_value(s) AS mean, stddev_samp(w) * any_value(s) AS deviation
    FROM (SELECT c, CAST(v AS DOUBLE) / ${scale} AS w, ${scale} AS s FROM ${rows}) GROUP BY c`;
}

/**
 * Reads the values at the places of all quantiles of all columns at once. `upto` is the running number of values: the
 * value at a place is the smallest whose number exceeds it.
 */
async function quantilesIn(
  database: Database,
  { kind }: Slice,
  facts: ReadonlyMap<number, Row>,
): Promise<(column: number, filled: number) => ColumnProfile['quantiles']> {
  if (kind === 'other' || facts.size === 0) return () => null;
  const isNumber = kind === 'number';
  const value = isNumber ? 'CAST(v AS DOUBLE)' : 'v';
  let before = 0;
  const wanted = [...facts].map(([c, { filled }]) => {
    const places = placesOf(quantiles, Number(filled), isNumber);
    const offset = before;
    before += Number(filled);
    return { c, places, rows: `(${[c, ...places.map((place) => offset + place)].join(', ')})` };
  });
  const width = wanted[0]?.places.length ?? 0;
  const places = Array.from({ length: width }, (_, at) => `p${at}`);
  const found = await byColumn(
    database,
    `SELECT c, ${places.map((place, at) => `min(${value}) FILTER (WHERE upto > ${place}) AS q${at}`).join(', ')}
      FROM (SELECT c, v, (sum(n) OVER (ROWS UNBOUNDED PRECEDING))::BIGINT AS upto FROM counted)
      JOIN (VALUES ${wanted.map(({ rows }) => rows).join(', ')}) AS wanted(c, ${places.join(', ')}) USING (c) GROUP BY c`,
  );
  return (c, filled) => {
    const wantedOfColumn = wanted.find((entry) => entry.c === c)?.places ?? [];
    const at = (place: number): Cell | undefined => found.get(c)?.[`q${wantedOfColumn.indexOf(place)}`];
    const read = quantiles.flatMap((share) =>
      isNumber ? interpolatedAt(share, filled, at) : valueAt(share, filled, at),
    );
    return read.length === 0 ? null : read;
  };
}

/** Days and timestamps are counted as seconds, and said as what they are. */
async function histogramsIn(database: Database, { kind }: Slice): Promise<ReadonlyMap<number, Histogram>> {
  const value = kind === 'time' ? 'epoch(CAST(v AS TIMESTAMP))' : 'CAST(v AS DOUBLE)';
  // Halved, as the width of the whole range may be more than a number holds.
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
  const edges = Array.from({ length: number + 1 }, (_, at) => (at === number ? high : low + at * width));
  return { edges: isTime ? edges.map(instantText) : edges, counts };
}

function instantText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}

function numberOrNull(cell: Cell | undefined): number | null {
  return typeof cell === 'number' ? cell : null;
}
