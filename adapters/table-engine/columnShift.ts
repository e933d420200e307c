import type { Cell, Column } from '../../contracts/data-types.ts';
import type { ColumnShift } from '../../contracts/dataset-difference.ts';
import type { Database } from './lockedDatabase.ts';
import { interpolatedQuantiles } from './sortedQuantiles.ts';
import { identifier } from './sql.ts';

const tenths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const categoryLimit = 20;

type Counted = Pick<ColumnShift, 'edges' | 'categories' | 'counts'>;

/** Values of a column of the views `before` and `after`, counted in the same bins or categories. */
export async function columnShift(
  database: Database,
  { name, type }: Column,
  columnsAfter: readonly Column[],
): Promise<ColumnShift> {
  const column = identifier(name);
  const after = columnsAfter.find((other) => other.name === name);
  const isNumeric = [type, after?.type].every((kind) => kind === 'integer' || kind === 'number');
  const value = valueOf(column, type);
  const summary = async (view: string) => {
    const found = await database.row(
      `SELECT count(*) - count(${column}) AS nulls, ${value === null ? 'NULL AS mean, NULL AS deviation' : `avg(${value}) AS mean, stddev_samp(${value}) AS deviation`} FROM "${view}"`,
    );
    return { nulls: Number(found.nulls), mean: numberOrNull(found.mean), deviation: numberOrNull(found.deviation) };
  };
  const [then, now] = [await summary('before'), await summary('after')];
  const counted = isNumeric ? await countBins(database, column) : await countCategories(database, column);
  return {
    column: name,
    ...counted,
    nulls: { before: then.nulls, after: now.nulls },
    mean: { before: then.mean, after: now.mean },
    standardisedDifference:
      then.mean === null || now.mean === null || then.deviation === null || then.deviation === 0
        ? null
        : (now.mean - then.mean) / then.deviation,
  };
}

function valueOf(column: string, type: Column['type']): string | null {
  if (type === 'integer' || type === 'number') return `CAST(${column} AS DOUBLE)`;
  return type === 'boolean' ? `CAST(${column} AS INTEGER)` : null;
}

/** Bins by the inner deciles before, duplicates dropped, with open ends: `(-∞, e0) [e0, e1) … [eLast, ∞)`. */
async function countBins(database: Database, column: string): Promise<Counted> {
  const deciles = await interpolatedQuantiles(database, {
    value: `CAST(${column} AS DOUBLE)`,
    from: '"before"',
    shares: tenths,
  });
  const edges = [...new Set(deciles)];
  const count = async (view: string): Promise<number[]> => {
    const below = edges.map((edge, at) => `count(*) FILTER (WHERE ${column} < CAST('${edge}' AS DOUBLE)) AS b${at}`);
    const row = await database.row(`SELECT ${[...below, `count(${column}) AS all`].join(', ')} FROM "${view}"`);
    const sums = [...edges.map((_, at) => Number(row[`b${at}`])), Number(row.all)];
    return sums.map((sum, at) => sum - (sums[at - 1] ?? 0));
  };
  return { edges, categories: null, counts: { before: await count('before'), after: await count('after') } };
}

/** The most frequent values before, each a category, and one for all others. */
async function countCategories(database: Database, column: string): Promise<Counted> {
  const text = `CAST(${column} AS VARCHAR)`;
  const top = await database.rows(
    `SELECT ${text} AS text, any_value(${column}) AS value FROM "before" WHERE ${column} IS NOT NULL GROUP BY text ORDER BY count(*) DESC, text LIMIT ${categoryLimit}`,
  );
  const count = async (view: string): Promise<number[]> => {
    const rows = await database.rows(
      `SELECT ${text} AS text, count(*) AS count FROM "${view}" WHERE ${column} IS NOT NULL AND ${text} IN (SELECT ${text} FROM "before" WHERE ${column} IS NOT NULL GROUP BY ${text} ORDER BY count(*) DESC, ${text} LIMIT ${categoryLimit}) GROUP BY text`,
    );
    const counts = new Map(rows.map((row) => [row.text, Number(row.count)]));
    const named = top.map((row) => counts.get(row.text ?? null) ?? 0);
    const all = Number((await database.row(`SELECT count(${column}) AS n FROM "${view}"`)).n);
    return [...named, all - named.reduce((sum, n) => sum + n, 0)];
  };
  return {
    edges: null,
    categories: [...top.map((row) => row.value ?? null), null],
    counts: { before: await count('before'), after: await count('after') },
  };
}

function numberOrNull(cell: Cell | undefined): number | null {
  return typeof cell === 'number' ? cell : null;
}
