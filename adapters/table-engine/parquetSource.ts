import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import { type StoredType, checkNames } from './fields.ts';
import type { Database } from './lockedDatabase.ts';
import type { LoadedFile, LoadOptions, Source } from './source.ts';
import { countRows, exceptNulls, refuseLongText } from './source.ts';
import { identifier, parquetRows } from './sql.ts';

/** Columns of their own types. */
export async function loadParquet(
  database: Database,
  file: LoadedFile,
  table: string,
  { nulls }: LoadOptions,
): Promise<Source> {
  try {
    await database.run(`CREATE TABLE raw_${table} AS SELECT * FROM ${parquetRows([file.path])}`);
  } catch (caught) {
    if (/^(Out of Memory|Permission) Error/.test(reasonOf(caught))) throw caught;
    throw new PerennialError(
      'data-unreadable',
      `${file.name} is no Parquet file that can be read: ${reasonOf(caught).split('\n')[0] ?? ''}`,
      { file: file.name },
      { cause: caught },
    );
  }
  const described = await database.rows(`DESCRIBE raw_${table}`);
  const names = described.map((column) => String(column.column_name));
  checkNames(names, file.name);
  const stored = new Map(
    described.map((column) => [
      String(column.column_name),
      storedFor(file, String(column.column_name), String(column.column_type)),
    ]),
  );
  const columns = [...stored].map(([name, type]) => {
    const value = `CAST(${identifier(name)} AS ${type})`;
    return `${type === 'VARCHAR' ? exceptNulls(value, nulls) : value} AS ${identifier(name)}`;
  });
  try {
    await database.run(
      `CREATE TABLE ${table} AS SELECT row_number() OVER () AS "_row", ${columns.join(', ')} FROM raw_${table}`,
    );
  } catch (caught) {
    throw new PerennialError(
      'data-unreadable',
      `${file.name} has a number that does not fit into 64 bits: ${reasonOf(caught).split('\n')[0] ?? ''}`,
      { file: file.name },
      { cause: caught },
    );
  }
  await database.run(`DROP TABLE raw_${table}`);
  const source: Source = { file, table, names, stored, rows: await countRows(database, table) };
  await refuseNotFinite(database, source);
  const texts = [...stored].flatMap(([name, type]) => (type === 'VARCHAR' ? [name] : []));
  await refuseLongText(database, source, texts);
  return source;
}

function storedFor(file: LoadedFile, name: string, type: string): StoredType {
  if (type === 'BOOLEAN' || type === 'DATE' || type === 'TIMESTAMP WITH TIME ZONE') return type;
  if (/^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/.test(type)) return 'BIGINT';
  if (type === 'FLOAT' || type === 'DOUBLE' || type.startsWith('DECIMAL')) return 'DOUBLE';
  if (type === 'VARCHAR' || type === 'UUID' || type.startsWith('ENUM')) return 'VARCHAR';
  if (/^TIMESTAMP(_S|_MS|_NS)?$/.test(type)) return 'TIMESTAMP';
  throw new PerennialError(
    'data-unreadable',
    `${file.name} has a column "${name}" of type ${type}; boolean, integer, number, string, timestamp and date are kept. Leave it out or write it as one of them`,
    { file: file.name, column: name, type },
  );
}

async function refuseNotFinite(database: Database, source: Source): Promise<void> {
  for (const [name, type] of source.stored ?? []) {
    if (type !== 'DOUBLE') continue;
    const [found] = await database.rows(
      `SELECT "_row" AS row, CAST(${identifier(name)} AS VARCHAR) AS value FROM ${source.table} WHERE NOT isfinite(${identifier(name)}) ORDER BY "_row" LIMIT 1`,
    );
    if (found)
      throw new PerennialError(
        'data-unreadable',
        `${source.file.name}, row ${found.row}: "${name}" is ${found.value}, which is no value; write null where there is none`,
        { file: source.file.name, line: Number(found.row), column: name },
      );
  }
}
