import { join } from 'node:path';
import type { DatasetPart } from '../../../contracts/data/dataset-version.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { KnownPart, PrepareBatch, PreparedBatch } from '../../../ports/table-engine.ts';
import { type CastTo, castOf } from '../typing/casts.ts';
import { type Field, type StoredType, isStored } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';
import { supplyNeeded } from './needed-parts.ts';
import { writeParquet } from './parquet-file.ts';
import { exceptNulls } from '../reading/source.ts';
import { identifier, literal, parquetRows } from '../sql.ts';
import { boundsOf, partOf } from './write-parts.ts';

type Known = PrepareBatch['known'];

/**
 * Returns the stored types of the columns of the existing parts, including `_at`. All parts of a version have the same
 * types.
 */
export async function storedInParts(database: LockedDatabase, known: Known): Promise<ReadonlyMap<string, StoredType>> {
  const [part] = known;
  const described = part === undefined ? [] : await storedInPart(database, part);
  const stored = new Map<string, StoredType>();
  for (const { name, type } of described) if (isStored(type)) stored.set(name, type);
  return stored;
}

async function storedInPart(
  database: LockedDatabase,
  { path, summary }: KnownPart,
): Promise<readonly { readonly name: string; readonly type: unknown }[]> {
  if (summary !== undefined) return summary.stored;
  const described = await database.rows(`DESCRIBE SELECT * FROM ${parquetRows([path])}`);
  return described.map(({ column_name: name, column_type: type }) => ({ name: String(name), type }));
}

export interface KnownRows {
  /** SQL that selects the new version's columns from a known part. */
  readonly columns: string;
  /** SQL of the new version's key, for rows of a known part. */
  readonly key: string;
  /** Whether columns are new, of another type or gone, so that every part must be rewritten. */
  readonly isReshaped: boolean;
  readonly timed: boolean;
  /** The parts whose files are there. The other parts stay as they are. */
  readonly needed: readonly KnownPart[];
}

/**
 * Creates the view `known`: the existing rows that the batch needs, in the columns of the new version. Throws `schema-changed` if a column's
 * new type cannot hold an existing value.
 */
export async function viewKnown(
  database: LockedDatabase,
  request: PrepareBatch,
  fields: readonly Field[],
  { timed, supply }: { readonly timed: boolean; readonly supply: TableWorkplace['supply'] },
): Promise<KnownRows> {
  const { known, key, mode, nulls = [] } = request;
  const stored = await storedInParts(database, known);
  if (known.length > 0 && stored.has('_at') !== timed)
    throw new PerennialError(
      'schema-changed',
      `the existing rows ${timed ? 'have no time, but data.timestamp is now set' : 'have a time, but data.timestamp is no longer set'}; undo this change, or ingest all rows again as a snapshot`,
      { column: '_at' },
    );
  const casts = fields.map((field) => ({ field, cast: castOfKnown(field, stored.get(field.name), nulls) }));
  const columns = [
    ...casts.map(({ field, cast }) => `${cast.value} AS ${identifier(field.name)}`),
    ...(timed ? ['"_at"'] : []),
  ].join(', ');
  const isReshaped = known.length > 0 && changesColumns(fields, stored);
  const needed = await supplyNeeded(database, request, fields, { isReshaped, supply });
  const paths = needed.map(({ path }) => path);
  // A snapshot does not keep the existing rows, so they need not fit.
  if (mode !== 'snapshot' && paths.length > 0)
    for (const { field, cast } of casts) await refuseUnfit(database, paths, field, cast);
  const nothing = fields.map(({ name, stored: type }) => `CAST(NULL AS ${type}) AS ${identifier(name)}`);
  const none = `SELECT ${[...nothing, ...(timed ? ['CAST(NULL AS TIMESTAMP) AS "_at"'] : [])].join(', ')} WHERE false`;
  await database.run(
    `CREATE VIEW known AS ${paths.length === 0 ? none : `SELECT ${columns} FROM ${parquetRows(paths)}`}`,
  );
  const keyCast = casts.find(({ field }) => field.name === key)?.cast.value ?? 'NULL';
  return { columns, key: keyCast, isReshaped, timed, needed };
}

function changesColumns(fields: readonly Field[], stored: ReadonlyMap<string, StoredType>): boolean {
  const names = new Set(fields.map(({ name }) => name));
  const isGone = [...stored.keys()].some((name) => name !== '_at' && !names.has(name));
  return isGone || fields.some((field) => stored.get(field.name) !== field.stored);
}

function castOfKnown(field: Field, before: StoredType | undefined, nulls: readonly string[]): CastTo {
  const name = identifier(field.name);
  if (before === undefined) return { value: `CAST(NULL AS ${field.stored})` };
  // When a text column gets another type, texts that mean a missing value become null.
  const value = before === 'VARCHAR' && field.stored !== 'VARCHAR' ? exceptNulls(name, nulls) : name;
  return castOf(before, field.stored, value, 'declared');
}

async function refuseUnfit(
  database: LockedDatabase,
  paths: readonly string[],
  { name, type }: Field,
  { misfit }: CastTo,
): Promise<void> {
  if (misfit === undefined) return;
  const { count, value } = await database.row(
    `SELECT count(*) AS count, CAST(any_value(${identifier(name)}) AS VARCHAR) AS value FROM ${parquetRows(paths)} WHERE ${misfit}`,
  );
  if (Number(count) === 0) return;
  throw new PerennialError(
    'schema-changed',
    `column "${name}" cannot become ${type}: ${String(count)} of the existing rows have a value that does not fit, such as ${JSON.stringify(value)}; if this value means missing, set data.nulls: [${JSON.stringify(value)}]; otherwise declare another type, or correct the values and ingest all rows again as a snapshot`,
    { column: name, value: String(value), rows: Number(count) },
  );
}

/**
 * Carries the known parts over to the new version. Parts that lose rows to `replaced`, or whose columns change, are
 * rewritten.
 */
export async function carryParts(
  database: LockedDatabase,
  { known, key, outputFolder }: PrepareBatch,
  { columns, key: keyOfKnown, isReshaped, timed, needed }: KnownRows,
  hasReplaced: boolean,
): Promise<PreparedBatch['known']> {
  const carried: PreparedBatch['known'][number][] = [];
  for (const [at, entry] of known.entries()) {
    const { path, part } = entry;
    const rows =
      hasReplaced && needed.includes(entry) && key !== undefined
        ? await rowsLeft(database, path, keyOfKnown)
        : part.rows;
    if (rows === part.rows && !isReshaped) carried.push({ kind: 'kept', part });
    else if (rows > 0) {
      const left = key === undefined ? '' : `WHERE ${keyOfKnown} NOT IN (SELECT "key" FROM replaced)`;
      // Ordered by row number, because a filter may change the order of the rows, and the order determines the bytes.
      const query = `SELECT ${columns} FROM read_parquet(${literal(path)}, file_row_number = true, hive_partitioning = false) ${hasReplaced ? left : ''} ORDER BY file_row_number`;
      carried.push({
        kind: 'rewritten',
        part: await writePart(database, query, join(outputFolder, `known-${at}.parquet`), { rows, timed }),
      });
    }
  }
  return carried;
}

async function rowsLeft(database: LockedDatabase, path: string, key: string): Promise<number> {
  const { rows } = await database.row(
    `SELECT count(*) AS rows FROM (SELECT ${key} AS "key" FROM ${parquetRows([path])}) ANTI JOIN replaced USING ("key")`,
  );
  return Number(rows);
}

async function writePart(
  database: LockedDatabase,
  query: string,
  path: string,
  { rows, timed }: { readonly rows: number; readonly timed: boolean },
): Promise<DatasetPart & { readonly path: string }> {
  await writeParquet(database, query, path);
  return partOf(path, rows, timed ? await boundsOf(database, query) : {});
}
