import { dirname } from 'node:path';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Operations } from '../process/operations.ts';
import { writeParquet } from '../preparing/parquet-file.ts';
import { identifier, identifiers, literal, parquetRows } from '../sql.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';

/** Pattern of texts that a spreadsheet reads as a formula. */
const formula = `'^[=+\\-@\\t\\r]'`;

export async function exportRows(
  { parts, columns: chosen, format, forSpreadsheets = false, path }: Operations['exportRows']['request'],
  workplace: TableWorkplace,
): Promise<null> {
  if (parts.length === 0) throw new PerennialError('no-data', 'there are no rows to export', {});
  const database = await workplace.open({ readable: parts, writable: [dirname(path)] });
  await database.run(`CREATE VIEW given AS SELECT * FROM ${parquetRows(parts)}`);
  const types = new Map(
    (await database.rows('DESCRIBE given')).map((column) => [String(column.column_name), String(column.column_type)]),
  );
  const columns = chosen ?? [...types.keys()];
  const missing = columns.find((name) => !types.has(name));
  if (missing !== undefined)
    throw new PerennialError('schema-changed', `the rows have no column "${missing}"`, { column: missing });
  if (format === 'parquet') await writeParquet(database, `SELECT ${identifiers(columns)} FROM given`, path);
  else
    await database.run(
      `COPY (SELECT ${columns.map((name) => csvCell(name, types.get(name) ?? '', forSpreadsheets)).join(', ')} FROM given) TO ${literal(path)} (FORMAT csv, HEADER, DELIMITER ',', QUOTE '"', ESCAPE '"')`,
    );
  return null;
}

/** Returns the SQL of a CSV cell, in a form from which the same value is read again. */
function csvCell(name: string, type: string, forSpreadsheets: boolean): string {
  const column = identifier(name);
  const title = identifier(forSpreadsheets && /^[=+\-@\t\r]/.test(name) ? `'${name}` : name);
  if (type === 'VARCHAR' && forSpreadsheets)
    return `CASE WHEN regexp_matches(${column}, ${formula}) THEN '''' || ${column} ELSE ${column} END AS ${title}`;
  if (type === 'TIMESTAMP') return `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%f') AS ${title}`;
  if (type.startsWith('TIMESTAMP WITH'))
    return `strftime(timezone('UTC', ${column}), '%Y-%m-%dT%H:%M:%S.%fZ') AS ${title}`;
  return `${column} AS ${title}`;
}
