import type { Cell } from '../../../contracts/data/data-types.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import { ascends } from './ascending.ts';
import { renameRelation } from './relations.ts';
import type { Field } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { type Source, placeInFile } from '../reading/source.ts';
import { identifier, identifiers } from '../sql.ts';

/** Throws `duplicate-key` if a row of `batch` has no key, or the key of an earlier row. */
export async function refuseDuplicates(
  database: LockedDatabase,
  sources: readonly Source[],
  key: string,
): Promise<void> {
  const name = identifier(key);
  const [empty] = await database.rows(
    `SELECT "_file" AS file, "_line" AS line FROM batch WHERE ${name} IS NULL ORDER BY "_row" LIMIT 1`,
  );
  if (empty) {
    const place = await placeText(sources, empty);
    throw new PerennialError('duplicate-key', `${place.text}: the key "${key}" is empty; every row needs its own key`, {
      key,
      value: null,
      lines: [place.text],
    });
  }
  // Keys that ascend need no table of all keys.
  if (await ascends(database, 'batch', [key])) return;
  const [twin] = await database.rows(
    `SELECT ${name} AS value, min("_row") AS first, count(*) AS times FROM batch GROUP BY ${name} HAVING count(*) > 1 ORDER BY first LIMIT 1`,
  );
  if (!twin) return;
  const rows = await database.rows(
    `SELECT "_file" AS file, "_line" AS line FROM batch WHERE ${name} = (SELECT ${name} FROM batch WHERE "_row" = ${twin.first}) ORDER BY "_row" LIMIT 10`,
  );
  const places: string[] = [];
  for (const row of rows) places.push((await placeText(sources, row)).text);
  throw new PerennialError(
    'duplicate-key',
    `${twin.times} rows have the key ${key} = ${JSON.stringify(twin.value)}: ${places.join('; ')}; keep only one of them`,
    { key, value: twin.value ?? null, lines: places },
  );
}

/** Effect of a batch on the known rows, as numbers of rows. */
export interface Settled {
  readonly rowsAdded: number;
  readonly rowsSkipped: number;
  readonly rowsReplaced: number;
  readonly rowsRemoved: number;
}

/**
 * Creates `fresh`, the rows of `batch` to be written, and `replaced`, the keys of the known rows that they replace.
 * Known rows are read from the view `known`. A row that equals the known row with its key in every column is in neither
 * table. In append mode, a row that differs from the known row with its key throws `key-conflict`. In snapshot mode,
 * all rows are written.
 */
export async function settleKnown(
  database: LockedDatabase,
  { key, known, mode = 'append' }: PrepareBatch,
  sources: readonly Source[],
  fields: readonly Field[],
): Promise<Settled> {
  await database.run(
    `CREATE TABLE replaced AS SELECT ${key === undefined ? '1 AS "key"' : `${identifier(key)} AS "key"`} FROM batch WHERE false`,
  );
  if (mode === 'snapshot') return settleSnapshot(database, key, known.length > 0, fields);
  if (key === undefined || known.length === 0) {
    await renameRelation(database, 'batch', 'fresh');
    return { rowsAdded: await countOf(database, 'fresh'), rowsSkipped: 0, rowsReplaced: 0, rowsRemoved: 0 };
  }
  const name = identifier(key);
  await database.run(`CREATE TABLE met AS SELECT known.* FROM known SEMI JOIN batch ON known.${name} = batch.${name}`);
  const changed = `SELECT batch."_row" AS row, batch.${name} AS "key" FROM batch JOIN met ON batch.${name} = met.${name} WHERE ${differing(fields, 'met')}`;
  if (mode === 'append') {
    const [conflict] = await database.rows(`${changed} ORDER BY row LIMIT 1`);
    if (conflict) throw await keyConflict(database, key, fields, sources, Number(conflict.row));
  }
  await database.run(`INSERT INTO replaced SELECT DISTINCT "key" FROM (${changed})`);
  await database.run(
    `CREATE TABLE fresh AS SELECT * FROM batch ANTI JOIN (SELECT ${name} FROM met ANTI JOIN replaced ON met.${name} = replaced."key") AS equal ON batch.${name} = equal.${name}`,
  );
  const [rowsOfBatch, rowsOfFresh, rowsReplaced] = [
    await countOf(database, 'batch'),
    await countOf(database, 'fresh'),
    await countOf(database, 'replaced'),
  ];
  return {
    rowsAdded: rowsOfFresh - rowsReplaced,
    rowsSkipped: rowsOfBatch - rowsOfFresh,
    rowsReplaced,
    rowsRemoved: 0,
  };
}

async function settleSnapshot(
  database: LockedDatabase,
  key: string | undefined,
  hasKnown: boolean,
  fields: readonly Field[],
): Promise<Settled> {
  await database.run('CREATE TABLE fresh AS SELECT * FROM batch');
  const rows = await countOf(database, 'fresh');
  if (!hasKnown) return { rowsAdded: rows, rowsSkipped: 0, rowsReplaced: 0, rowsRemoved: 0 };
  const counted = (name: string, query: string): string => `(SELECT count(*) FROM (${query})) AS ${name}`;
  const columns = identifiers(fields.map((field) => field.name));
  const name = identifier(key ?? '');
  const found = await database.row(
    key === undefined
      ? `SELECT ${counted('added', `SELECT ${columns} FROM batch EXCEPT ALL SELECT ${columns} FROM known`)},
          ${counted('removed', `SELECT ${columns} FROM known EXCEPT ALL SELECT ${columns} FROM batch`)}, 0 AS replaced`
      : `SELECT ${counted('added', `SELECT 1 FROM batch ANTI JOIN known ON batch.${name} = known.${name}`)},
          ${counted('removed', `SELECT 1 FROM known ANTI JOIN batch ON known.${name} = batch.${name}`)},
          ${counted('replaced', `SELECT 1 FROM batch JOIN known ON batch.${name} = known.${name} WHERE ${differing(fields, 'known')}`)}`,
  );
  const [rowsAdded, rowsRemoved, rowsReplaced] = [Number(found.added), Number(found.removed), Number(found.replaced)];
  return { rowsAdded, rowsSkipped: rows - rowsAdded - rowsReplaced, rowsReplaced, rowsRemoved };
}

function differing(fields: readonly Field[], from: string): string {
  return fields
    .map(({ name }) => `batch.${identifier(name)} IS DISTINCT FROM ${from}.${identifier(name)}`)
    .join(' OR ');
}

async function countOf(database: LockedDatabase, table: string): Promise<number> {
  return Number((await database.row(`SELECT count(*) AS rows FROM ${table}`)).rows);
}

async function keyConflict(
  database: LockedDatabase,
  key: string,
  fields: readonly Field[],
  sources: readonly Source[],
  row: number,
): Promise<PerennialError> {
  const name = identifier(key);
  for (const field of fields) {
    const column = identifier(field.name);
    const [found] = await database.rows(`
      SELECT batch."_file" AS file, batch."_line" AS line, batch.${name} AS value, batch.${column} AS ours, met.${column} AS theirs
      FROM batch JOIN met ON batch.${name} = met.${name} WHERE batch."_row" = ${row} AND batch.${column} IS DISTINCT FROM met.${column} LIMIT 1`);
    if (!found) continue;
    const place = await placeText(sources, found);
    return new PerennialError(
      'key-conflict',
      `${place.text}: a row with ${key} = ${JSON.stringify(found.value)} exists already with ${field.name} = ${JSON.stringify(found.theirs)}, but here the value is ${JSON.stringify(found.ours)}; in append mode an existing row cannot change: give the new row its own key, leave it out, or set data.mode to upsert`,
      {
        key,
        value: found.value ?? null,
        column: field.name,
        known: found.theirs ?? null,
        given: found.ours ?? null,
        line: place.line,
      },
    );
  }
  return new PerennialError('internal', `a row with an existing ${key} differs, but none of its columns does`, { key });
}

async function placeText(
  sources: readonly Source[],
  row: Readonly<Record<string, Cell>>,
): Promise<{ readonly text: string; readonly line: number }> {
  const source = sources[Number(row.file)];
  return source === undefined
    ? { text: `row ${row.line}`, line: Number(row.line) }
    : placeInFile(source, Number(row.line));
}
