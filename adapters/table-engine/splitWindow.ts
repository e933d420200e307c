import { dirname } from 'node:path';
import { PerennialError } from '../../contracts/errors.ts';
import type { HoldoutRule, SplitWindow } from '../../ports/table-engine.ts';
import type { Database } from './lockedDatabase.ts';
import { writeParquet } from './parquetFile.ts';
import { identifier, identifiers, parquetRows, timestampOf, within } from './sql.ts';
import type { Workplace } from './workplace.ts';

export async function splitWindow(
  request: SplitWindow,
  workplace: Workplace,
): Promise<{ trainingRows: number; holdoutRows: number }> {
  const { parts, features, target, trainPath, holdoutPath, validationPath, allPath } = request;
  if (parts.length === 0) throw noData(request, 'there are no parts');
  const written = [trainPath, holdoutPath, validationPath, allPath].filter((path) => path !== undefined);
  const database = await workplace.open({ readable: parts, writable: [...new Set(written.map(dirname))] });
  await selectWindow(database, request);
  const { training, holdout } = await database.row(
    'SELECT count(*) FILTER (NOT "_held") AS training, count(*) FILTER ("_held") AS holdout FROM chosen',
  );
  if (training === 0 || holdout === 0)
    throw noData(request, `it has ${training} rows to train on and ${holdout} held out`);
  const carried = request.carried.filter((name) => name !== '_at' && !features.includes(name) && name !== target);
  const instant = (await columnsOf(database)).includes('_at') ? ['_at'] : [];
  await writeParquet(database, rowsOf(false, [...features, target]), trainPath);
  await writeParquet(database, rowsOf(true, [...instant, ...new Set(carried), ...features, target]), holdoutPath);
  if (validationPath !== undefined) await writeParquet(database, rowsOf(true, features), validationPath);
  if (allPath !== undefined)
    await writeParquet(database, `SELECT ${identifiers([...features, target])} FROM chosen`, allPath);
  return { trainingRows: Number(training), holdoutRows: Number(holdout) };
}

/** The window's rows in their lasting order, with `_held` where the holdout has them. */
async function selectWindow(
  database: Database,
  { parts, from, to, holdout, key, features, target, carried }: SplitWindow,
): Promise<void> {
  await database.run(`CREATE VIEW parts AS SELECT * FROM ${parquetRows(parts)}`);
  const there = (await database.rows('DESCRIBE parts')).map((column) => String(column.column_name));
  const wanted = [
    ...features,
    target,
    ...carried,
    ...(key === undefined ? [] : [key]),
    ...(holdout.kind === 'fraction' ? [holdout.by] : []),
  ];
  const missing = wanted.find((name) => name !== '_at' && !there.includes(name));
  if (missing !== undefined)
    throw new PerennialError('schema-changed', `the dataset has no column "${missing}"; it has ${there.join(', ')}`, {
      column: missing,
    });
  const timed = there.includes('_at');
  if (!timed && (from !== undefined || to !== undefined || holdout.kind === 'last'))
    throw new PerennialError(
      'no-data',
      'the dataset has no timestamp, so no window of time can be cut from it; give data.timestamp',
      {},
    );
  // What is left to order rows that share instant and key: all of their values.
  const order = [
    ...(timed ? ['_at'] : []),
    ...(key === undefined ? [] : [key]),
    ...there.filter((name) => name !== '_at' && name !== key),
  ];
  await database.run(
    `CREATE TABLE chosen AS SELECT *, ${heldOut(holdout)} AS "_held" FROM parts WHERE ${within('_at', from, to)} ORDER BY ${identifiers(order)}`,
  );
}

function heldOut(rule: HoldoutRule): string {
  if (rule.kind === 'last') return `"_at" >= ${timestampOf(rule.from)}`;
  // The first 52 bits of SHA-256: a share in [0, 1) that is the same for a key for ever, and exact as a DOUBLE.
  const bits = `CAST('0x' || substr(sha256(coalesce(CAST(${identifier(rule.by)} AS VARCHAR), '')), 1, 13) AS UBIGINT)`;
  return `CAST(${bits} AS DOUBLE) / 4503599627370496 < ${rule.fraction}`;
}

function rowsOf(held: boolean, columns: readonly string[]): string {
  return `SELECT ${identifiers(columns)} FROM chosen WHERE "_held" = ${held}`;
}

async function columnsOf(database: Database): Promise<readonly string[]> {
  return (await database.rows('DESCRIBE chosen')).map((column) => String(column.column_name));
}

function noData({ from, to }: SplitWindow, reason: string): PerennialError {
  const window = `the window from ${from ?? 'the beginning'} to ${to ?? 'the end'}`;
  return new PerennialError(
    'no-data',
    `${window} cannot be split into training and holdout: ${reason}; ingest more data, or change data.window or build.holdout`,
    { from: from ?? null, to: to ?? null },
  );
}
