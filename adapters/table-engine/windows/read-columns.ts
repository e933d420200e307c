import { PerennialError } from '../../../contracts/errors.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Operations } from '../process/operations.ts';
import { hasTarget } from './has-target.ts';
import { identifier, identifiers, parquetRows, within } from '../sql.ts';
import { cellOf } from '../typing/cells.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';

/** TIMESTAMP columns that Perennial itself writes; they hold instants in UTC. */
export const instants: ReadonlySet<string> = new Set(['_at', 'event_time', 'recorded_at']);

export async function readColumns(
  request: Operations['readColumns']['request'],
  workplace: TableWorkplace,
): Promise<{ rows: number }> {
  const { files, columns, timeColumn, from, to, orderBy, asText = false, target } = request;
  if (files.length === 0) return { rows: 0 };
  const database = await workplace.open({ readable: files });
  await database.run(`CREATE VIEW given AS SELECT * FROM ${parquetRows(files)}`);
  const types = new Map(
    (await database.rows('DESCRIBE given')).map((column) => [String(column.column_name), String(column.column_type)]),
  );
  const there = [...types.keys()];
  const missing = [...columns, ...(orderBy ?? []), ...(timeColumn === undefined ? [] : [timeColumn])].find(
    (name) => !there.includes(name),
  );
  if (missing !== undefined)
    throw new PerennialError(
      'schema-changed',
      `the rows have no column "${missing}"; their columns are ${there.join(', ')}`,
      {
        column: missing,
      },
    );
  const labelled = target === undefined ? 'true' : hasTarget(target.column, types.get(target.column) ?? '');
  const condition = [
    timeColumn === undefined ? 'true' : within(timeColumn, from, to),
    target?.labelledOnly === true ? labelled : 'true',
  ].join(' AND ');
  const order = orderBy === undefined || orderBy.length === 0 ? '' : ` ORDER BY ${identifiers(orderBy)}`;
  const selected = columns.map((name) => {
    const column = identifier(name);
    if (name === target?.column && !asText) return `CASE WHEN ${labelled} THEN ${column} END AS ${column}`;
    if (asText) return `CAST(${column} AS VARCHAR) AS ${column}`;
    return instants.has(name) ? `timezone('UTC', ${column}::TIMESTAMP) AS ${column}` : column;
  });
  return emitRows(
    database,
    `SELECT ${selected.length === 0 ? '1' : selected.join(', ')} FROM given WHERE ${condition}${order}`,
    columns.length,
    workplace,
  );
}

/**
 * Emits the first `width` columns of a query's rows, piece by piece. Throws `limit-reached` for more rows than the
 * caller can hold.
 */
export async function emitRows(
  database: LockedDatabase,
  query: string,
  width: number,
  workplace: TableWorkplace,
): Promise<{ rows: number }> {
  const result = await database.connection.stream(query);
  let rows = 0;
  for await (const chunk of result) {
    rows += chunk.rowCount;
    if (rows > workplace.rowsAtMost)
      throw new PerennialError(
        'limit-reached',
        `more than ${workplace.rowsAtMost} rows would have to be held in memory at once; compare fewer rows, or raise PERENNIAL_COMPUTE_ROWS, and with it PERENNIAL_COMPUTE_MEMORY, on the workers`,
        { limit: 'rows', setting: 'PERENNIAL_COMPUTE_ROWS' },
      );
    await workplace.emit(Array.from({ length: width }, (_, at) => chunk.getColumnValues(at).map(cellOf)));
  }
  return { rows };
}
