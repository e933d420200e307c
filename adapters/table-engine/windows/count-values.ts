import { PerennialError } from '../../../contracts/errors.ts';
import type { CountedValues, WantedCounts } from '../../../ports/segment-summary.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { identifier } from '../sql.ts';

/** Of a column with more distinct values, they are not returned. */
export const mostDistinct = 1_000_000;

/** One query counts this many columns of numbers, because each needs buffers. */
const columnsAtOnce = 50;

interface CountedColumnOf {
  readonly name: string;
  readonly type: string;
  readonly wanted: WantedCounts;
}

/**
 * Counts the values of columns.
 *
 * @param from SQL that follows FROM.
 * @param most of a column with more distinct values, they are not returned.
 */
export async function countValuesOf(
  database: LockedDatabase,
  from: string,
  columns: readonly CountedColumnOf[],
  most = mostDistinct,
): Promise<CountedValues[]> {
  const counted: CountedValues[] = [];
  const numeric = columns.flatMap(({ name, type, wanted }, at) =>
    wanted.kind === 'numeric' ? [{ at, sql: numberOf(name, type), bounds: wanted.bounds }] : [],
  );
  for (let start = 0; start < numeric.length; start += columnsAtOnce) {
    const some = numeric.slice(start, start + columnsAtOnce);
    for (const [place, values] of (await countNumbers(database, from, some)).entries())
      counted[some[place]?.at ?? 0] = values;
  }
  for (const [at, { name, wanted }] of columns.entries())
    if (wanted.kind === 'categorical') counted[at] = await countCategories(database, from, name, most);
  return counted;
}

const greatest = Number.MAX_VALUE;
const numberText = String.raw`'[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?'`;

/**
 * Returns the SQL of a value as a finite DOUBLE: infinities become the greatest number of the same sign, NaN and texts
 * that are no number become NULL.
 */
export function numberOf(name: string, type: string): string {
  const column = identifier(name);
  const number =
    type === 'VARCHAR'
      ? `CASE WHEN regexp_full_match(trim(${column}), ${numberText}) THEN TRY_CAST(trim(${column}) AS DOUBLE) END`
      : `CAST(${type === 'BOOLEAN' ? `CAST(${column} AS INTEGER)` : column} AS DOUBLE)`;
  return `CASE WHEN isfinite(${number}) THEN ${number} WHEN ${number} > 0 AND NOT isnan(${number}) THEN ${doubleOf(greatest)} WHEN ${number} < 0 THEN ${doubleOf(-greatest)} END`;
}

interface Binned {
  readonly sql: string;
  readonly bounds: readonly number[];
}

async function countNumbers(
  database: LockedDatabase,
  from: string,
  columns: readonly Binned[],
): Promise<CountedValues[]> {
  const selected = columns.map(({ sql }, at) => `${sql} AS c${at}`).join(', ');
  const measures = columns.flatMap(({ bounds }, at) => [
    `count(c${at}) AS n${at}`,
    `min(c${at}) AS low${at}`,
    `max(c${at}) AS high${at}`,
    // In the order of the bounds. A last entry counts the numbers above all of them, if there are any.
    ...(bounds.length === 0
      ? []
      : [`CAST(map_values(histogram(c${at}, [${bounds.map(doubleOf).join(', ')}])) AS VARCHAR) AS counts${at}`]),
  ]);
  const found = await database.row(`SELECT ${measures.join(', ')} FROM (SELECT ${selected} FROM ${from})`);
  return columns.map(({ bounds }, at): CountedValues => {
    const present = Number(found[`n${at}`]);
    const within =
      bounds.length === 0 || present === 0 ? bounds.map(() => 0) : listOf(found[`counts${at}`]).slice(0, bounds.length);
    const [low, high] = [found[`low${at}`], found[`high${at}`]];
    return {
      kind: 'numeric',
      present,
      range: typeof low === 'number' && typeof high === 'number' ? [low, high] : null,
      counts: [...within, present - within.reduce((sum, count) => sum + count, 0)],
    };
  });
}

function listOf(text: unknown): number[] {
  const list: unknown = JSON.parse(String(text));
  if (Array.isArray(list)) return list.map(Number);
  throw new PerennialError('internal', `the engine counted ${String(text)}`, {});
}

/** The shortest notation of a double, which reads back as the same double. */
function doubleOf(value: number): string {
  return `'${value}'::DOUBLE`;
}

async function countCategories(
  database: LockedDatabase,
  from: string,
  name: string,
  most: number,
): Promise<CountedValues> {
  const column = identifier(name);
  const { present, many } = await database.row(
    `SELECT coalesce(sum(n), 0)::BIGINT AS present, count(*) AS many FROM (SELECT count(*) AS n FROM ${from} WHERE ${column} IS NOT NULL GROUP BY ${column})`,
  );
  if (Number(many) > most) return { kind: 'categorical', present: Number(present), values: null };
  const rows = await database.rows(
    `SELECT ${column} AS v, count(*) AS n FROM ${from} WHERE ${column} IS NOT NULL GROUP BY ${column} ORDER BY n DESC, ${column}`,
  );
  return {
    kind: 'categorical',
    present: Number(present),
    values: rows.map(({ v, n }) => [v ?? null, Number(n)] as const),
  };
}
