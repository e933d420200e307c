import { dirname } from 'node:path';
import { PerennialError } from '../../../contracts/errors.ts';
import type { ColumnFile } from '../columns/column-file.ts';
import type { WrittenColumn } from '../columns/write-columns.ts';
import { writeColumns } from '../columns/write-columns.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Operations } from '../process/operations.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';
import { identifier, identifiers, parquetRows, within } from '../sql.ts';
import { hasTarget } from './has-target.ts';

/** TIMESTAMP columns that Perennial itself writes; they hold instants in UTC. */
const instants: ReadonlySet<string> = new Set(['_at', 'event_time', 'recorded_at']);

export async function storeColumns(
  { files, columns, texts = [], between, orderBy = [], target, label, path }: Operations['storeColumns']['request'],
  workplace: TableWorkplace,
): Promise<ColumnFile> {
  const database = await workplace.open({ readable: files, writable: [dirname(path)], columns: columns.length });
  await database.run(`CREATE VIEW given AS SELECT * FROM ${parquetRows(files)}`);
  const types = new Map(
    (await database.rows('DESCRIBE given')).map((column) => [String(column.column_name), String(column.column_type)]),
  );
  const times = between === undefined ? [] : [between.column];
  const missing = [...columns, ...texts, ...orderBy, ...times].find((name) => !types.has(name));
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
  const labelled = (name: string): string => hasTarget(name, types.get(name) ?? '');
  const conditions = [
    ...(target === undefined ? [] : [labelled(target)]),
    ...(between === undefined ? [] : [within(between.column, between.from, between.to)]),
  ];
  const read =
    label === undefined
      ? '*'
      : `* REPLACE (CASE WHEN ${labelled(label)} THEN ${identifier(label)} END AS ${identifier(label)})`;
  const chosen = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const order = orderBy.length === 0 ? '' : ` ORDER BY ${identifiers(orderBy)}`;
  return writeColumns(database, [...written, ...asText], `(SELECT ${read} FROM given${chosen})${order}`, path);
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
