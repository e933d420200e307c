import type { Cell } from '../../contracts/data-types.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { PrepareBatch } from '../../ports/table-engine.ts';
import type { Field } from './fields.ts';
import type { Database } from './lockedDatabase.ts';
import { type Source, placeOf } from './sources.ts';
import { identifier, parquetRows } from './sql.ts';

/** `duplicate-key` for the first row of `batch` whose key is null or was there before. */
export async function refuseDuplicates(database: Database, sources: readonly Source[], key: string): Promise<void> {
  const name = identifier(key);
  const [empty] = await database.rows(
    `SELECT "_file" AS file, "_line" AS line FROM batch WHERE ${name} IS NULL ORDER BY "_row" LIMIT 1`,
  );
  if (empty) {
    const place = await placeText(sources, empty);
    throw new PerennialError(
      'duplicate-key',
      `${place.text}: the key "${key}" is empty; every row needs one of its own`,
      { key, value: null, lines: [place.text] },
    );
  }
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
    `${twin.times} rows have the key ${key} = ${JSON.stringify(twin.value)}: ${places.join('; ')}; keep one of them`,
    { key, value: twin.value ?? null, lines: places },
  );
}

/**
 * Makes `fresh`, the rows of `batch` whose key is not known, and returns how many were left out because a known row is
 * equal in every column. One that differs is a `key-conflict`.
 */
export async function keepUnknown(
  database: Database,
  { key, known }: PrepareBatch,
  sources: readonly Source[],
  fields: readonly Field[],
): Promise<number> {
  if (key === undefined || known.length === 0) {
    await database.run('CREATE TABLE fresh AS SELECT * FROM batch');
    return 0;
  }
  const name = identifier(key);
  await database.run(`CREATE VIEW known AS SELECT * FROM ${parquetRows(known.map(({ path }) => path))}`);
  await database.run(`CREATE TABLE met AS SELECT known.* FROM known SEMI JOIN batch ON known.${name} = batch.${name}`);
  const differs = fields.map(
    (field) => `batch.${identifier(field.name)} IS DISTINCT FROM met.${identifier(field.name)}`,
  );
  const [conflict] = await database.rows(
    `SELECT batch."_row" AS row FROM batch JOIN met ON batch.${name} = met.${name} WHERE ${differs.join(' OR ')} ORDER BY row LIMIT 1`,
  );
  if (conflict) throw await keyConflict(database, key, fields, sources, Number(conflict.row));
  await database.run(`CREATE TABLE fresh AS SELECT * FROM batch ANTI JOIN met ON batch.${name} = met.${name}`);
  const { skipped } = await database.row(
    'SELECT (SELECT count(*) FROM batch) - (SELECT count(*) FROM fresh) AS skipped',
  );
  return Number(skipped);
}

async function keyConflict(
  database: Database,
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
      `${place.text}: the row of ${key} = ${JSON.stringify(found.value)} is known with ${field.name} = ${JSON.stringify(found.theirs)}, and here it is ${JSON.stringify(found.ours)}; in append mode a known row cannot change: give the new row a key of its own, or leave it out`,
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
  return new PerennialError('internal', `a row with a known ${key} differs, and no column does`, { key });
}

async function placeText(
  sources: readonly Source[],
  row: Readonly<Record<string, Cell>>,
): Promise<{ readonly text: string; readonly line: number }> {
  const source = sources[Number(row.file)];
  return source === undefined ? { text: `row ${row.line}`, line: Number(row.line) } : placeOf(source, Number(row.line));
}
