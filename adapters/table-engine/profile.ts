import type { Cell, Column } from '../../contracts/data-types.ts';
import type { DatasetProfile } from '../../contracts/dataset.ts';
import type { Database } from './lockedDatabase.ts';
import type { Operations } from './operations.ts';
import { identifier, parquetRows } from './sql.ts';
import type { Workplace } from './workplace.ts';

const quantiles = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/**
 * Per column: `count` of rows, `nulls` among them, distinct values, smallest and largest; for numbers the mean, the
 * standard deviation of the sample (n − 1) and the quantiles 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 and 0.99, interpolated
 * linearly; and the ten most frequent values, except of `number` and `timestamp`.
 */
export async function profile(
  { parts, columns }: Operations['profile']['request'],
  workplace: Workplace,
): Promise<DatasetProfile> {
  const database = await workplace.open({ readable: parts });
  const profiles = [];
  for (const column of columns) profiles.push(await profileColumn(database, parts, column));
  return { schemaVersion: 1, columns: profiles };
}

async function profileColumn(
  database: Database,
  parts: readonly string[],
  column: Column,
): Promise<DatasetProfile['columns'][number]> {
  const name = identifier(column.name);
  const numeric = column.type === 'integer' || column.type === 'number';
  const source = parts.length === 0 ? `(SELECT NULL AS ${name} WHERE false)` : parquetRows(parts);
  const found = await database.row(`
    SELECT count(*) AS count, count(*) - count(${name}) AS nulls, count(DISTINCT ${name}) AS distinct, min(${name}) AS min, max(${name}) AS max
      ${numeric ? `, avg(CAST(${name} AS DOUBLE)) AS mean, stddev_samp(CAST(${name} AS DOUBLE)) AS deviation, ${quantiles.map((q, at) => `quantile_cont(CAST(${name} AS DOUBLE), ${q}) AS q${at}`).join(', ')}` : ''}
    FROM ${source}`);
  const top =
    column.type === 'number' || column.type === 'timestamp'
      ? []
      : await database.rows(
          `SELECT ${name} AS value, count(*) AS count FROM ${source} WHERE ${name} IS NOT NULL GROUP BY ${name} ORDER BY count DESC, value LIMIT 10`,
        );
  return {
    name: column.name,
    count: Number(found.count),
    nulls: Number(found.nulls),
    distinct: Number(found.distinct),
    min: found.min ?? null,
    max: found.max ?? null,
    mean: numberOrNull(found.mean),
    standardDeviation: numberOrNull(found.deviation),
    quantiles: numeric && typeof found.q0 === 'number' ? quantiles.map((_, at) => Number(found[`q${at}`])) : null,
    top: top.map(({ value, count }) => ({ value: value ?? null, count: Number(count) })),
  };
}

function numberOrNull(cell: Cell | undefined): number | null {
  return typeof cell === 'number' ? cell : null;
}
