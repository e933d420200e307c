import { dirname } from 'node:path';
import { PerennialError } from '../../contracts/errors.ts';
import type { TrainedRows } from '../../contracts/model-version.ts';
import type { HoldoutRule, SplitWindow } from '../../ports/table-engine.ts';
import type { Database } from './lockedDatabase.ts';
import type { Operations } from './operations.ts';
import { writeParquet } from './parquetFile.ts';
import { identifier, identifiers, literal, parquetRows, timestampOf, within } from './sql.ts';
import type { Workplace } from './workplace.ts';

export async function splitWindow(
  request: SplitWindow,
  workplace: Workplace,
): Promise<Operations['splitWindow']['result']> {
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
  const fills = await fillsOf(database, request);
  const given = [...features.map((name) => fills.get(name) ?? identifier(name)), identifier(target)].join(', ');
  await writeParquet(database, rowsOf(false, given), trainPath);
  await writeParquet(
    database,
    rowsOf(true, identifiers([...instant, ...new Set(carried), ...features, target])),
    holdoutPath,
  );
  if (validationPath !== undefined) {
    const asked = features.map((name) => fills.get(name) ?? identifier(name)).join(', ');
    await writeParquet(database, rowsOf(true, asked), validationPath);
  }
  if (allPath !== undefined) await writeParquet(database, `SELECT ${given} FROM chosen`, allPath);
  const rows = { trainingRows: Number(training), holdoutRows: Number(holdout) };
  return fills.size === 0 ? rows : { ...rows, filled: await missingIn(database, [...fills.keys()]) };
}

/** SQL of each feature that has a fill. */
async function fillsOf(database: Database, { fill = {}, features }: SplitWindow): Promise<ReadonlyMap<string, string>> {
  const described = await database.rows('DESCRIBE chosen');
  const types = new Map(described.map((column) => [String(column.column_name), String(column.column_type)]));
  const fills = new Map<string, string>();
  for (const [name, value] of Object.entries(fill)) {
    if (!features.includes(name)) continue;
    const type = types.get(name) ?? 'VARCHAR';
    const typed = `TRY_CAST(${literal(String(value))} AS ${type})`;
    const { fits } = await database.row(`SELECT ${typed} IS NOT NULL AS fits`);
    if (fits !== true)
      throw new PerennialError(
        'invalid-configuration',
        `data.fill says that a missing "${name}" is ${JSON.stringify(value)}, and the column holds ${type}; give a value of that type`,
        { column: name },
      );
    fills.set(name, `coalesce(${identifier(name)}, ${typed}) AS ${identifier(name)}`);
  }
  return fills;
}

async function missingIn(database: Database, names: readonly string[]): Promise<TrainedRows['filled']> {
  const counts = names.flatMap((name, at) => [
    `count(*) FILTER (${identifier(name)} IS NULL AND NOT "_held") AS rows${at}`,
    `count(*) FILTER (${identifier(name)} IS NULL AND "_held") AS held${at}`,
  ]);
  const found = await database.row(`SELECT ${counts.join(', ')} FROM chosen`);
  return names.map((name, at) => ({ name, rows: Number(found[`rows${at}`]), heldOut: Number(found[`held${at}`]) }));
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

function rowsOf(held: boolean, columns: string): string {
  return `SELECT ${columns} FROM chosen WHERE "_held" = ${held}`;
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
