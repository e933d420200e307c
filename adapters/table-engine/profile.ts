import type { Cell, Column } from '../../contracts/data-types.ts';
import type { ColumnProfile, DatasetProfile, Histogram } from '../../contracts/dataset.ts';
import type { Database } from './lockedDatabase.ts';
import type { Operations } from './operations.ts';
import { interpolatedQuantiles, valueQuantiles } from './sortedQuantiles.ts';
import { identifier, parquetRows } from './sql.ts';
import type { Workplace } from './workplace.ts';

const quantiles = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
const histogramBins = 20;

/**
 * Per column: `count` of rows, `nulls` among them, distinct values, smallest and largest, and the ten most frequent
 * values; for numbers the mean, the standard deviation of the sample (n − 1) and quantiles, interpolated linearly; for
 * days and timestamps quantiles that are values; for booleans the share of true; for all but text and booleans a
 * histogram of twenty bins of equal width.
 */
export async function profile(
  { parts, columns }: Operations['profile']['request'],
  workplace: Workplace,
): Promise<DatasetProfile> {
  const database = await workplace.open({ readable: parts, columns: columns.length });
  const profiles: ColumnProfile[] = [];
  for (const column of columns) {
    const source = parts.length === 0 ? `(SELECT NULL AS ${identifier(column.name)} WHERE false)` : parquetRows(parts);
    profiles.push(await profileColumn(database, source, column));
  }
  return { schemaVersion: 1, columns: profiles };
}

async function profileColumn(database: Database, source: string, { name, type }: Column): Promise<ColumnProfile> {
  const column = identifier(name);
  const found = await database.row(`
    SELECT count(*) AS count, count(*) - count(${column}) AS nulls, count(DISTINCT ${column}) AS distinct, min(${column}) AS min, max(${column}) AS max,
      ${summaryOf(source, column, type)} FROM ${source}`);
  const top = await database.rows(
    `SELECT ${column} AS value, count(*) AS count FROM ${source} WHERE ${column} IS NOT NULL GROUP BY ${column} ORDER BY count DESC, value LIMIT 10`,
  );
  return {
    name,
    count: Number(found.count),
    nulls: Number(found.nulls),
    distinct: Number(found.distinct),
    min: found.min ?? null,
    max: found.max ?? null,
    mean: numberOrNull(found.mean),
    standardDeviation: numberOrNull(found.deviation),
    quantiles: await quantilesOf(database, source, column, type),
    histogram: await histogramOf(database, source, column, type),
    top: top.map(({ value, count }) => ({ value: value ?? null, count: Number(count) })),
  };
}

function summaryOf(source: string, column: string, type: Column['type']): string {
  if (type === 'boolean') return `avg(CAST(${column} AS INTEGER)) AS mean`;
  if (type !== 'integer' && type !== 'number') return 'NULL AS mean';
  const value = `CAST(${column} AS DOUBLE)`;
  // Sums and sums of squares of larger numbers would overflow. Scaling by a power of two is exact.
  const scale = `(SELECT CASE WHEN greatest(abs(min(${value})), abs(max(${value}))) > 1e140 THEN ${2 ** 600} ELSE 1 END FROM ${source})`;
  return `avg(${value} / ${scale}) * ${scale} AS mean, stddev_samp(${value} / ${scale}) * ${scale} AS deviation`;
}

async function quantilesOf(
  database: Database,
  from: string,
  column: string,
  type: Column['type'],
): Promise<ColumnProfile['quantiles']> {
  if (type === 'string' || type === 'boolean') return null;
  const sample = { from, shares: quantiles };
  const found =
    type === 'integer' || type === 'number'
      ? await interpolatedQuantiles(database, { ...sample, value: `CAST(${column} AS DOUBLE)` })
      : await valueQuantiles(database, { ...sample, value: column });
  return found.length === 0 ? null : [...found];
}

/** Days and timestamps are counted as seconds, and said as what they are. */
async function histogramOf(
  database: Database,
  source: string,
  column: string,
  type: Column['type'],
): Promise<Histogram | null> {
  if (type === 'string' || type === 'boolean') return null;
  const isTime = type === 'date' || type === 'timestamp';
  const value = isTime ? `epoch(CAST(${column} AS TIMESTAMP))` : `CAST(${column} AS DOUBLE)`;
  // Halved, as the width of the whole range may be more than a number holds.
  const range = `(SELECT min(v) AS low, max(v) AS high, (max(v) / 2 - min(v) / 2) / ${histogramBins / 2} AS width FROM given)`;
  const bins = await database.rows(`
    WITH given AS (SELECT ${value} AS v FROM ${source} WHERE ${column} IS NOT NULL)
    SELECT CASE WHEN width = 0 THEN 0 ELSE least(floor((v / width) - (low / width)), ${histogramBins - 1}) END::INTEGER AS bin, count(*) AS count,
      any_value(low) AS low, any_value(high) AS high, any_value(width) AS width
    FROM given, ${range} AS span GROUP BY bin ORDER BY bin`);
  const [first] = bins;
  if (first === undefined) return null;
  const [low, high, width] = [Number(first.low), Number(first.high), Number(first.width)];
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
