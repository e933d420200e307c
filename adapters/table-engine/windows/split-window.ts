import { dirname } from 'node:path';
import { PerennialError } from '../../../contracts/errors.ts';
import { largestMeasured } from '../../../contracts/monitoring/label-value.ts';
import type { TrainedRows } from '../../../contracts/models/model-version.ts';
import type { HoldoutRule, SplitWindow } from '../../../ports/table-engine.ts';
import { hasTarget } from './has-target.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Operations } from '../process/operations.ts';
import { writeParquet } from '../preparing/parquet-file.ts';
import { identifier, identifiers, literal, parquetRows, timestampOf, within } from '../sql.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';

export async function splitWindow(
  request: SplitWindow,
  workplace: TableWorkplace,
): Promise<Operations['splitWindow']['result']> {
  const { parts, features, target, trainPath, holdoutPath, validationPath, allPath } = request;
  if (parts.length === 0) throw noData(request, 'there are no parts');
  const written = [trainPath, holdoutPath, validationPath, allPath].filter((path) => path !== undefined);
  const database = await workplace.open({ readable: parts, writable: [...new Set(written.map(dirname))] });
  const counted = await selectWindow(database, request);
  await refuseUnmeasurable(database, target);
  const { training, holdout, unlabelled } = counted;
  refuseEmptySide(request, counted);
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
  const isAnyLeftOut = unlabelled.training + unlabelled.holdout > 0;
  const rows = { trainingRows: training, holdoutRows: holdout, ...(isAnyLeftOut ? { unlabelled } : {}) };
  return fills.size === 0 ? rows : { ...rows, filled: await missingIn(database, [...fills.keys()]) };
}

/** Returns, for each feature with a fill value, the SQL that replaces its missing values. */
async function fillsOf(
  database: LockedDatabase,
  { fill = {}, features }: SplitWindow,
): Promise<ReadonlyMap<string, string>> {
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
        `data.fill replaces a missing "${name}" with ${JSON.stringify(value)}, but the column has type ${type}; use a value of that type`,
        { column: name },
      );
    fills.set(name, `coalesce(${identifier(name)}, ${typed}) AS ${identifier(name)}`);
  }
  return fills;
}

async function missingIn(database: LockedDatabase, names: readonly string[]): Promise<TrainedRows['filled']> {
  const counts = names.flatMap((name, at) => [
    `count(*) FILTER (${identifier(name)} IS NULL AND NOT "_held") AS rows${at}`,
    `count(*) FILTER (${identifier(name)} IS NULL AND "_held") AS held${at}`,
  ]);
  const found = await database.row(`SELECT ${counts.join(', ')} FROM chosen`);
  return names.map((name, at) => ({ name, rows: Number(found[`rows${at}`]), heldOut: Number(found[`held${at}`]) }));
}

/** How many rows of each side have a target, and how many were left out because they have none. */
interface SideCounts {
  readonly training: number;
  readonly holdout: number;
  readonly unlabelled: NonNullable<TrainedRows['unlabelled']>;
}

/**
 * Creates the table `chosen`: the window's rows that have a target, in a stable order, with `_held` true for rows of
 * the holdout. Returns the counts of both sides.
 */
async function selectWindow(
  database: LockedDatabase,
  { parts, from, to, holdout, key, features, target, carried }: SplitWindow,
): Promise<SideCounts> {
  await database.run(`CREATE VIEW parts AS SELECT * FROM ${parquetRows(parts)}`);
  const types = new Map(
    (await database.rows('DESCRIBE parts')).map((column) => [String(column.column_name), String(column.column_type)]),
  );
  const there = [...types.keys()];
  const wanted = [
    ...features,
    target,
    ...carried,
    ...(key === undefined ? [] : [key]),
    ...(holdout.kind === 'fraction' ? [holdout.by] : []),
  ];
  const missing = wanted.find((name) => name !== '_at' && !there.includes(name));
  if (missing !== undefined)
    throw new PerennialError(
      'schema-changed',
      `the dataset has no column "${missing}"; its columns are ${there.join(', ')}`,
      {
        column: missing,
      },
    );
  const timed = there.includes('_at');
  if (!timed && (from !== undefined || to !== undefined || holdout.kind === 'last'))
    throw new PerennialError(
      'no-data',
      'the dataset has no timestamp, so no time window can be cut from it; set data.timestamp',
      {},
    );
  // Rows with the same instant and key are ordered by all of their other values.
  const order = [
    ...(timed ? ['_at'] : []),
    ...(key === undefined ? [] : [key]),
    ...there.filter((name) => name !== '_at' && name !== key),
  ];
  const inWindow = `FROM parts WHERE ${within('_at', from, to)}`;
  const labelled = hasTarget(target, types.get(target) ?? '');
  const held = heldOut(holdout);
  await database.run(
    `CREATE TABLE chosen AS SELECT *, ${held} AS "_held" ${inWindow} AND ${labelled} ORDER BY ${identifiers(order)}`,
  );
  return countSides(database, `SELECT ${held} AS held, ${labelled} AS labelled ${inWindow}`);
}

/** Refuses targets that are too large: a single one makes every metric infinite, and it is not counted as missing. */
async function refuseUnmeasurable(database: LockedDatabase, target: string): Promise<void> {
  const value = identifier(target);
  const [described] = await database.rows(`DESCRIBE SELECT ${value} FROM chosen`);
  if (described?.column_type !== 'DOUBLE') return;
  const { rows, example } = await database.row(
    `SELECT count(*) AS rows, arg_max(${value}, abs(${value})) AS example FROM chosen WHERE abs(${value}) > ${largestMeasured}`,
  );
  if (Number(rows) === 0) return;
  throw new PerennialError(
    'data-unreadable',
    `the target "${target}" is beyond ±${largestMeasured} in ${Number(rows)} of the window's rows, such as ${Number(example)}, so no metric can be computed with it; correct these rows, remove their target, or refuse such rows with an expectation on "${target}" (min, max)`,
    { column: target },
  );
}

async function countSides(database: LockedDatabase, rows: string): Promise<SideCounts> {
  const counts = await database.row(
    `SELECT count(*) FILTER (labelled AND NOT held) AS training, count(*) FILTER (labelled AND held) AS holdout,
      count(*) FILTER (NOT labelled AND NOT held) AS unlabelled_training, count(*) FILTER (NOT labelled AND held) AS unlabelled_holdout
      FROM (${rows})`,
  );
  return {
    training: Number(counts.training),
    holdout: Number(counts.holdout),
    unlabelled: { training: Number(counts.unlabelled_training), holdout: Number(counts.unlabelled_holdout) },
  };
}

function refuseEmptySide(request: SplitWindow, { training, holdout, unlabelled }: SideCounts): void {
  if (training > 0 && holdout > 0) return;
  const target = JSON.stringify(request.target);
  const all = unlabelled.training + unlabelled.holdout;
  if (training + holdout === 0 && all > 0)
    throw noData(request, `none of its ${all} rows has a target (${target})`, `ingest rows with a target${later}`);
  if (holdout === 0 && unlabelled.holdout > 0)
    throw noData(
      request,
      `none of the ${unlabelled.holdout} rows held out has a target (${target}), so nothing can be measured`,
      `hold out a longer part (build.holdout), build as of an earlier instant, or ingest the targets${later}`,
    );
  if (training === 0 && unlabelled.training > 0)
    throw noData(
      request,
      `none of the ${unlabelled.training} rows to train on has a target (${target})`,
      `hold out less (build.holdout), widen data.window, or ingest the targets${later}`,
    );
  throw noData(request, `it has ${training} training rows and ${holdout} held-out rows`);
}

const later = ' (with data.mode: upsert, targets can be added later)';

function heldOut(rule: HoldoutRule): string {
  if (rule.kind === 'last') return `"_at" >= ${timestampOf(rule.from)}`;
  // The first 52 bits of SHA-256, as a share in [0, 1). It never changes for a key and is exact as a DOUBLE.
  const bits = `CAST('0x' || substr(sha256(coalesce(CAST(${identifier(rule.by)} AS VARCHAR), '')), 1, 13) AS UBIGINT)`;
  return `CAST(${bits} AS DOUBLE) / 4503599627370496 < ${rule.fraction}`;
}

function rowsOf(held: boolean, columns: string): string {
  return `SELECT ${columns} FROM chosen WHERE "_held" = ${held}`;
}

async function columnsOf(database: LockedDatabase): Promise<readonly string[]> {
  return (await database.rows('DESCRIBE chosen')).map((column) => String(column.column_name));
}

function noData(
  { from, to }: SplitWindow,
  reason: string,
  wayOut = 'ingest more data, or change data.window or build.holdout',
): PerennialError {
  const window = `the window from ${from ?? 'the beginning'} to ${to ?? 'the end'}`;
  return new PerennialError('no-data', `${window} cannot be split into training and holdout: ${reason}; ${wayOut}`, {
    from: from ?? null,
    to: to ?? null,
  });
}
