import { join } from 'node:path';
import type { Cell } from '../../../contracts/data/data-types.ts';
import type { PreparedBatch } from '../../../ports/table-engine.ts';
import type { Field } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { fingerprint, writeParquet } from './parquet-file.ts';
import { identifier, identifiers } from '../sql.ts';

const partRows = 1_000_000;

interface Rows {
  readonly fields: readonly Field[];
  readonly key?: string;
  readonly timed: boolean;
  readonly folder: string;
}

/**
 * Writes `fresh` as parts, in a total order (by instant, key and then every value) that does not depend on the order of
 * the files.
 */
export async function writeParts(
  database: LockedDatabase,
  { fields, key, timed, folder }: Rows,
): Promise<PreparedBatch['parts']> {
  const names = fields.map(({ name }) => name);
  const columns = [...names, ...(timed ? ['_at'] : [])];
  const order = [
    ...(timed ? ['_at'] : []),
    ...(key === undefined ? [] : [key]),
    ...names.filter((name) => name !== key),
  ];
  await database.run(
    `CREATE TABLE ordered AS SELECT ${identifiers(columns)} FROM fresh ORDER BY ${identifiers(order)}`,
  );
  const { rows } = await database.row('SELECT count(*) AS rows FROM ordered');
  const parts: PreparedBatch['parts'][number][] = [];
  for (let start = 0; start < Number(rows); start += partRows) {
    const slice = `SELECT * FROM ordered WHERE rowid >= ${start} AND rowid < ${start + partRows} ORDER BY rowid`;
    const path = join(folder, `part-${parts.length}.parquet`);
    await writeParquet(database, slice, path);
    const bounds = timed ? await boundsOf(database, slice) : {};
    parts.push(await partOf(path, Math.min(partRows, Number(rows) - start), bounds));
  }
  return parts;
}

interface Bounds {
  readonly from?: string;
  readonly to?: string;
}

export async function partOf(path: string, rows: number, bounds: Bounds): Promise<PreparedBatch['parts'][number]> {
  return { ...(await fingerprint(path)), rows, ...bounds, path };
}

/**
 * Returns the first and the last instant of a slice, widened to whole milliseconds so that every row lies between them.
 */
export async function boundsOf(database: LockedDatabase, slice: string): Promise<Required<Bounds>> {
  const at = identifier('_at');
  const found: Readonly<Record<string, Cell>> = await database.row(`
    SELECT timezone('UTC', date_trunc('milliseconds', min(${at}))) AS "from", timezone('UTC', date_trunc('milliseconds', max(${at}) + INTERVAL 999 MICROSECONDS)) AS "to" FROM (${slice})`);
  return { from: String(found.from), to: String(found.to) };
}
