import { dirname } from 'node:path';
import { PerennialError } from '../../../contracts/errors.ts';
import type { ColumnFile } from '../columns/column-file.ts';
import type { WrittenColumn } from '../columns/write-columns.ts';
import { writeColumns } from '../columns/write-columns.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Operations } from '../process/operations.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';
import { identifier, parquetRows } from '../sql.ts';
import { hasTarget } from './has-target.ts';
import { instants } from './read-columns.ts';

export async function storeColumns(
  { files, columns, texts = [], target, path }: Operations['storeColumns']['request'],
  workplace: TableWorkplace,
): Promise<ColumnFile> {
  const database = await workplace.open({ readable: files, writable: [dirname(path)], columns: columns.length });
  await database.run(`CREATE VIEW given AS SELECT * FROM ${parquetRows(files)}`);
  const types = new Map(
    (await database.rows('DESCRIBE given')).map((column) => [String(column.column_name), String(column.column_type)]),
  );
  const missing = [...columns, ...texts].find((name) => !types.has(name));
  if (missing !== undefined)
    throw new PerennialError(
      'schema-changed',
      `the rows have no column "${missing}"; their columns are ${[...types.keys()].join(', ')}`,
      { column: missing },
    );
  const long = await longIntegers(
    database,
    columns.filter((name) => isInteger(types.get(name))),
  );
  const written = columns.map((name) => typedColumn(name, types.get(name) ?? '', long));
  const asText = texts.map((name): WrittenColumn => {
    return { name: `text ${name}`, kind: 'text', sql: `CAST(${identifier(name)} AS VARCHAR)` };
  });
  const labelled = target === undefined ? 'true' : hasTarget(target, types.get(target) ?? '');
  return writeColumns(database, [...written, ...asText], `given WHERE ${labelled}`, path);
}

/** Returns the columns with whole numbers that a double does not hold exactly. */
async function longIntegers(database: LockedDatabase, names: readonly string[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  const beyond = names.map((name, at) => {
    const column = identifier(name);
    return `coalesce(max(${column}) > ${Number.MAX_SAFE_INTEGER} OR min(${column}) < ${Number.MIN_SAFE_INTEGER}, false) AS c${at}`;
  });
  const found = await database.row(`SELECT ${beyond.join(', ')} FROM given`);
  return new Set(names.filter((_, at) => found[`c${at}`] === true));
}

function isInteger(type: string | undefined): boolean {
  return type !== undefined && /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type);
}

/** Numbers, booleans and instants become doubles; everything else is text, as `cellOf` writes it. */
function typedColumn(name: string, type: string, long: ReadonlySet<string>): WrittenColumn {
  const column = identifier(name);
  if (type === 'TIMESTAMP' && instants.has(name)) return { name, kind: 'number', sql: `epoch_ms(${column})::DOUBLE` };
  if (type === 'BOOLEAN') return { name, kind: 'boolean', sql: `CAST(${column} AS INTEGER)::DOUBLE` };
  const isNumber = type === 'DOUBLE' || type === 'FLOAT' || (isInteger(type) && !long.has(name));
  return isNumber ? { name, kind: 'number', sql: `${column}::DOUBLE` } : { name, kind: 'text', sql: column };
}
