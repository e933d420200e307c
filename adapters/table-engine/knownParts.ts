import { join } from 'node:path';
import type { DatasetPart } from '../../contracts/dataset.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { PrepareBatch, PreparedBatch } from '../../ports/table-engine.ts';
import { type Field, type StoredType, isStored } from './fields.ts';
import type { Database } from './lockedDatabase.ts';
import { inexact } from './misfits.ts';
import { writeParquet } from './parquetFile.ts';
import { identifier, literal, parquetRows } from './sql.ts';
import { boundsOf, partOf } from './writeParts.ts';

type Known = PrepareBatch['known'];

/** How the parts so far keep their columns, `_at` among them; all parts of a version do it alike. */
export async function storedInParts(database: Database, known: Known): Promise<ReadonlyMap<string, StoredType>> {
  const [part] = known;
  const described = part === undefined ? [] : await database.rows(`DESCRIBE SELECT * FROM ${parquetRows([part.path])}`);
  const stored = new Map<string, StoredType>();
  for (const { column_name: name, column_type: type } of described) if (isStored(type)) stored.set(String(name), type);
  return stored;
}

export interface KnownRows {
  /** SQL for the columns of the version to come over a known part. */
  readonly columns: string;
  /** Whether columns are new or wider, so that every part has to be written anew. */
  readonly isReshaped: boolean;
  readonly timed: boolean;
}

/** Makes the view `known`, the rows so far in the columns of the version to come. Refuses what a wider type cannot hold. */
export async function viewKnown(
  database: Database,
  known: Known,
  fields: readonly Field[],
  timed: boolean,
): Promise<KnownRows> {
  const stored = await storedInParts(database, known);
  const isReshaped = known.length > 0 && fields.some((field) => stored.get(field.name) !== field.stored);
  if (known.length > 0 && stored.has('_at') !== timed)
    throw new PerennialError(
      'schema-changed',
      `the rows so far ${timed ? 'have no instants, and data.timestamp is set now' : 'have instants, and data.timestamp is gone'}; set it back, or ingest the whole as a snapshot`,
      { column: '_at' },
    );
  const columns = [
    ...fields.map((field) => {
      const name = identifier(field.name);
      return `CAST(${stored.has(field.name) ? name : 'NULL'} AS ${field.stored}) AS ${name}`;
    }),
    ...(timed ? ['"_at"'] : []),
  ].join(', ');
  if (known.length === 0) return { columns, isReshaped, timed };
  const paths = known.map(({ path }) => path);
  await refuseInexact(database, paths, fields, stored);
  await database.run(`CREATE VIEW known AS SELECT ${columns} FROM ${parquetRows(paths)}`);
  return { columns, isReshaped, timed };
}

async function refuseInexact(
  database: Database,
  paths: readonly string[],
  fields: readonly Field[],
  stored: ReadonlyMap<string, StoredType>,
): Promise<void> {
  for (const { name, stored: now } of fields) {
    if (stored.get(name) !== 'BIGINT' || now !== 'DOUBLE') continue;
    const [lost] = await database.rows(
      `SELECT CAST(${identifier(name)} AS VARCHAR) AS value FROM ${parquetRows(paths)} WHERE ${inexact(identifier(name))} LIMIT 1`,
    );
    if (lost)
      throw new PerennialError(
        'schema-changed',
        `column "${name}" cannot become number: the known value ${lost.value} has more digits than a number holds; begin a new model with it`,
        { column: name, value: String(lost.value) },
      );
  }
}

/** Carries the known parts over: those that lose rows to `replaced`, or whose columns change, are written anew. */
export async function carryParts(
  database: Database,
  { known, key, outputFolder }: PrepareBatch,
  { columns, isReshaped, timed }: KnownRows,
  hasReplaced: boolean,
): Promise<PreparedBatch['known']> {
  const carried: PreparedBatch['known'][number][] = [];
  for (const [at, { path, part }] of known.entries()) {
    const rows = hasReplaced && key !== undefined ? await rowsLeft(database, path, key) : part.rows;
    if (rows === part.rows && !isReshaped) carried.push({ kind: 'kept', part });
    else if (rows > 0) {
      const left = key === undefined ? '' : `WHERE ${identifier(key)} NOT IN (SELECT "key" FROM replaced)`;
      // By their numbers: a filter may hand rows on in another order, and the order decides the bytes.
      const query = `SELECT ${columns} FROM read_parquet(${literal(path)}, file_row_number = true, hive_partitioning = false) ${hasReplaced ? left : ''} ORDER BY file_row_number`;
      carried.push({
        kind: 'rewritten',
        part: await writePart(database, query, join(outputFolder, `known-${at}.parquet`), { rows, timed }),
      });
    }
  }
  return carried;
}

async function rowsLeft(database: Database, path: string, key: string): Promise<number> {
  const { rows } = await database.row(
    `SELECT count(*) AS rows FROM ${parquetRows([path])} AS part ANTI JOIN replaced ON part.${identifier(key)} = replaced."key"`,
  );
  return Number(rows);
}

async function writePart(
  database: Database,
  query: string,
  path: string,
  { rows, timed }: { readonly rows: number; readonly timed: boolean },
): Promise<DatasetPart & { readonly path: string }> {
  await writeParquet(database, query, path);
  return partOf(path, rows, timed ? await boundsOf(database, query) : {});
}
