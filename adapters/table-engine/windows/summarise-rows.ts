import type { Counting, SegmentSummary, SummarisedColumn } from '../../../ports/segment-summary.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { countValuesOf } from './count-values.ts';

/** SQL condition of the rows that count as served. */
export const isServed = "NOT replay AND role <> 'shadow'";

/** Columns of a segment in DuckDB with their types. */
export async function columnTypes(database: LockedDatabase, view: string): Promise<ReadonlyMap<string, string>> {
  const described = await database.rows(`DESCRIBE ${view}`);
  return new Map(described.map((column) => [String(column.column_name), String(column.column_type)]));
}

interface Summarised {
  /** SQL that follows FROM. */
  readonly from: string;
  readonly types: ReadonlyMap<string, string>;
  /** Of a column with more distinct values, they are not counted. */
  readonly mostDistinct: number;
}

/** Summarises served rows of segments. A feature that the rows do not have is left out. */
export async function summariseRows(
  database: LockedDatabase,
  { from, types, mostDistinct }: Summarised,
  { features, prediction }: Partial<Counting>,
): Promise<SegmentSummary> {
  const wanted = [
    ...(prediction === undefined ? [] : [{ name: 'prediction', wanted: prediction }]),
    ...Object.entries(features ?? {}).map(([name, of]) => ({ name: `f_${name}`, wanted: of })),
  ].flatMap(({ name, wanted: of }) => {
    const type = types.get(name);
    return type === undefined ? [] : [{ name, type, wanted: of }];
  });
  const counted = await countValuesOf(database, from, wanted, mostDistinct);
  const columns = new Map(
    wanted.map(({ name, type }, at): [string, SummarisedColumn] => [name, { type, values: counted[at] ?? null }]),
  );
  return {
    schemaVersion: 1,
    ...(await answersIn(database, from)),
    features: Object.fromEntries(
      Object.keys(features ?? {}).flatMap((name) => {
        const column = columns.get(`f_${name}`);
        return column === undefined ? [] : [[name, column]];
      }),
    ),
    prediction: columns.get('prediction') ?? { type: types.get('prediction') ?? 'DOUBLE', values: null },
  };
}

async function answersIn(
  database: LockedDatabase,
  from: string,
): Promise<Pick<SegmentSummary, 'rows' | 'failed' | 'times' | 'releases'>> {
  const found = await database.rows(`
    SELECT release, model_version, count(*) AS predictions, count(*) - count(prediction) AS failed,
      epoch_us(min(event_time))::DOUBLE AS first, epoch_us(max(event_time))::DOUBLE AS last
    FROM ${from} GROUP BY release, model_version ORDER BY first, release, model_version`);
  const numbers = (name: string): number[] => found.map((row) => Number(row[name]));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    rows: sum(numbers('predictions')),
    failed: sum(numbers('failed')),
    times: found.length === 0 ? null : [Math.min(...numbers('first')), Math.max(...numbers('last'))],
    releases: found.map((row) => ({
      release: String(row.release),
      modelVersion: Number(row.model_version),
      predictions: Number(row.predictions),
      first: Number(row.first),
    })),
  };
}

/** A summary that is stored has no values of a column with more distinct ones, or with a longer JSON, in characters. */
const mostStored = { distinct: 1_000, length: 32_768 };

/** Summarises the served rows of one segment. The size of the summary is bounded. */
export async function summariseSegment(
  database: LockedDatabase,
  view: string,
  counting: Counting,
): Promise<SegmentSummary> {
  const types = await columnTypes(database, view);
  const from = `(SELECT * FROM ${view} WHERE ${isServed})`;
  const summary = await summariseRows(database, { from, types, mostDistinct: mostStored.distinct }, counting);
  return {
    ...summary,
    features: Object.fromEntries(Object.entries(summary.features).map(([name, column]) => [name, bounded(column)])),
    prediction: bounded(summary.prediction),
  };
}

function bounded({ type, values }: SummarisedColumn): SummarisedColumn {
  if (values?.kind !== 'categorical') return { type, values };
  const json = JSON.stringify(values);
  // Postgres stores no NUL characters.
  const isStorable = json.length <= mostStored.length && !json.includes(String.raw`\u0000`);
  return { type, values: isStorable ? values : null };
}
