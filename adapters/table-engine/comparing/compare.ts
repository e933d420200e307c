import type { Column } from '../../../contracts/data/data-types.ts';
import type { RowDifference } from '../../../contracts/data/dataset-difference.ts';
import type { CompareDatasets, ComparedDataset } from '../../../ports/table-engine.ts';
import { columnShifts } from './column-shifts.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { identifier, identifiers, parquetRows } from '../sql.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';

/**
 * Compares two dataset versions. Rows are matched by the key if both versions have it and its values are unique;
 * otherwise whole rows are compared. Parts that both versions share hold the same rows, so the row comparison reads
 * only the other parts.
 */
export async function compare(request: CompareDatasets, workplace: TableWorkplace): Promise<RowDifference> {
  const { before, after } = request;
  const database = await workplace.open({
    readable: [...before.parts, ...after.parts].map(({ path }) => path),
    columns: Math.max(before.columns.length, after.columns.length),
  });
  const shared = before.columns.filter(({ name }) => after.columns.some((column) => column.name === name));
  const columns = schemaChanges(before.columns, after.columns);
  const isShared = (parts: ComparedDataset['parts'], sha256: string): boolean =>
    parts.some((part) => part.sha256 === sha256);
  await viewRows(database, 'before', before.columns, before.parts);
  await viewRows(database, 'after', after.columns, after.parts);
  await viewRows(
    database,
    'left',
    before.columns,
    before.parts.filter(({ sha256 }) => !isShared(after.parts, sha256)),
  );
  await viewRows(
    database,
    'right',
    after.columns,
    after.parts.filter(({ sha256 }) => !isShared(before.parts, sha256)),
  );
  const key = shared.some(({ name }) => name === request.key) ? request.key : undefined;
  const names = shared.map(({ name }) => name);
  const isKeyed =
    key !== undefined && (await isUnique(database, 'left', key)) && (await isUnique(database, 'right', key));
  const rows = isKeyed ? await compareByKey(database, key, names) : await compareWhole(database, names);
  const total = Number((await database.row('SELECT count(*) AS rows FROM before')).rows);
  const { removed, changed } = rows.rows;
  const shifts = await columnShifts(database, shared, after.columns);
  return { ...rows, rows: { ...rows.rows, unchanged: total - removed - (changed ?? 0) }, columns, shifts };
}

async function viewRows(
  database: LockedDatabase,
  view: string,
  columns: readonly Column[],
  parts: ComparedDataset['parts'],
): Promise<void> {
  const rows =
    parts.length === 0
      ? `SELECT ${columns.map(({ name }) => `NULL AS ${identifier(name)}`).join(', ')} WHERE false`
      : `SELECT ${identifiers(columns.map(({ name }) => name))} FROM ${parquetRows(parts.map(({ path }) => path))}`;
  await database.run(`CREATE VIEW "${view}" AS ${rows}`);
}

function schemaChanges(before: readonly Column[], after: readonly Column[]): RowDifference['columns'] {
  const twin = (column: Column, columns: readonly Column[]): Column | undefined =>
    columns.find(({ name }) => name === column.name);
  return {
    added: after.filter((column) => twin(column, before) === undefined),
    removed: before.filter((column) => twin(column, after) === undefined),
    changed: before.flatMap((column) => {
      const now = twin(column, after);
      return now === undefined || (now.type === column.type && now.nullable === column.nullable)
        ? []
        : [{ name: column.name, before: column, after: now }];
    }),
  };
}

async function isUnique(database: LockedDatabase, view: string, key: string): Promise<boolean> {
  const { unique } = await database.row(
    `SELECT count(*) = count(DISTINCT ${identifier(key)}) AS unique FROM "${view}"`,
  );
  return unique === true;
}

type Rows = Pick<RowDifference, 'changedBy' | 'examples'> & { readonly rows: Omit<RowDifference['rows'], 'unchanged'> };

const exampleLimit = 10;

async function compareByKey(database: LockedDatabase, key: string, names: readonly string[]): Promise<Rows> {
  const column = identifier(key);
  const others = names.filter((name) => name !== key);
  const pair = `"left" AS l JOIN "right" AS r ON l.${column} = r.${column}`;
  const differs = (name: string): string => `l.${identifier(name)} IS DISTINCT FROM r.${identifier(name)}`;
  const only = async (from: string, than: string) => {
    const query = `SELECT ${column} AS key FROM "${from}" ANTI JOIN "${than}" USING (${column})`;
    const { rows } = await database.row(`SELECT count(*) AS rows FROM (${query})`);
    const examples = await database.rows(`${query} ORDER BY key LIMIT ${exampleLimit}`);
    return { rows: Number(rows), keys: examples.map((row) => row.key ?? null) };
  };
  const [added, removed] = [await only('right', 'left'), await only('left', 'right')];
  const changedBy: { column: string; rows: number }[] = [];
  await database.run(`CREATE OR REPLACE TEMP TABLE changed_rows AS SELECT ${column} AS key FROM "left" LIMIT 0`);
  for (const chosen of inSlices(others)) {
    const differing = chosen.map((name, at) => `${differs(name)} AS c${at}`).join(', ');
    const anyDiffers = chosen.map((_, at) => `c${at}`).join(' OR ');
    await database.run(
      `CREATE OR REPLACE TEMP TABLE differing AS SELECT * FROM (SELECT l.${column} AS key, ${differing} FROM ${pair}) WHERE ${anyDiffers}`,
    );
    const counts = chosen.map((_, at) => `count(*) FILTER (WHERE c${at}) AS c${at}`).join(', ');
    const counted = await database.row(`SELECT ${counts} FROM differing`);
    const found = chosen.map((name, at) => ({ column: name, rows: Number(counted[`c${at}`]) }));
    changedBy.push(...found.filter(({ rows }) => rows > 0));
    await database.run('INSERT INTO changed_rows SELECT key FROM differing');
  }
  const changedRows = await database.row('SELECT count(DISTINCT key) AS rows FROM changed_rows');
  const changed = [];
  for (const { column: name } of changedBy) {
    if (changed.length >= exampleLimit) break;
    const value = identifier(name);
    const found = await database.rows(
      `SELECT l.${column} AS key, l.${value} AS before, r.${value} AS after FROM ${pair} WHERE ${differs(name)} ORDER BY l.${column} LIMIT ${exampleLimit - changed.length}`,
    );
    for (const row of found)
      changed.push({ key: row.key ?? null, column: name, before: row.before ?? null, after: row.after ?? null });
  }
  return {
    rows: { added: added.rows, removed: removed.rows, changed: Number(changedRows.rows) },
    changedBy,
    examples: { added: added.keys, removed: removed.keys, changed },
  };
}

/**
 * Maximum number of columns compared in one query: its memory grows with that number, and its planning time grows
 * faster.
 */
const columnsAtOnce = 200;

function inSlices(names: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(names.length / columnsAtOnce) }, (_, at) =>
    names.slice(at * columnsAtOnce, (at + 1) * columnsAtOnce),
  );
}

/** Compares whole rows and counts duplicates: a row that occurs once more than before counts as one added row. */
async function compareWhole(database: LockedDatabase, names: readonly string[]): Promise<Rows> {
  const columns = names.length === 0 ? '1' : identifiers(names);
  const counted = (from: string, than: string): string =>
    `(SELECT count(*) FROM (SELECT ${columns} FROM "${from}" EXCEPT ALL SELECT ${columns} FROM "${than}"))`;
  const { added, removed } = await database.row(
    `SELECT ${counted('right', 'left')} AS added, ${counted('left', 'right')} AS removed`,
  );
  return {
    rows: { added: Number(added), removed: Number(removed), changed: null },
    changedBy: [],
    examples: { added: [], removed: [], changed: [] },
  };
}
