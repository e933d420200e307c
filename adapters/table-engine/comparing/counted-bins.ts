import type { ColumnShift } from '../../../contracts/data/dataset-difference.ts';
import { type Facts, byColumn, factsOf, filledOf, quantilesIn, rowsByColumn } from './counted-values.ts';
import type { LockedDatabase } from '../process/locked-database.ts';

const tenths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** A single value that makes up more than this share of all values gets its own bin. */
const binShare = 0.1;
/** If the other values make up less than this share of all values, they are not divided further. */
const smallestRest = 0.01;

interface Counted {
  readonly before: Facts;
  readonly after: Facts;
}

/**
 * Counts the numbers of `counted_before` and `counted_after` in the same bins. The edges are computed from
 * `counted_before` by the rule of `statistics/drift/tie-edges.ts`: `(-∞, e0) [e0, e1) … [eLast, ∞)`, where an edge that
 * occurs twice encloses the bin of that one value.
 */
export async function countBins(
  database: LockedDatabase,
  columns: number,
  facts: Counted,
): Promise<(column: number) => Pick<ColumnShift, 'edges' | 'categories' | 'counts'>> {
  const edges = await tieEdges(database, columns, facts.before);
  const below = {
    before: await countBelow(database, 'counted_before', edges),
    after: await countBelow(database, 'counted_after', edges),
  };
  const binsOf = (side: keyof Counted, at: number): number[] => {
    const sums = [...below[side](at), filledOf(facts[side], at)];
    return sums.map((sum, bin) => sum - (sums[bin - 1] ?? 0));
  };
  return (at) => ({
    edges: [...(edges[at] ?? [])],
    categories: null,
    counts: { before: binsOf('before', at), after: binsOf('after', at) },
  });
}

/**
 * Returns the bin edges of each column in ascending order: each tied value twice, and the inner deciles of the other
 * values.
 */
async function tieEdges(
  database: LockedDatabase,
  columns: number,
  before: Facts,
): Promise<readonly (readonly number[])[]> {
  const isTied = `n > ${binShare} * sum(n) OVER (PARTITION BY c)`;
  const tied = await rowsByColumn(
    database,
    `SELECT c, CAST(v AS DOUBLE) AS v FROM counted_before QUALIFY ${isTied} ORDER BY c, v`,
  );
  await database.run(
    `CREATE OR REPLACE TEMP TABLE untied AS SELECT * FROM counted_before QUALIFY NOT (${isTied}) ORDER BY c, v`,
  );
  const rest = await factsOf(database, 'untied');
  const deciles = await quantilesIn(database, 'untied', rest, { shares: tenths, isNumber: true });
  return Array.from({ length: columns }, (_, at) => {
    const points = (tied.get(at) ?? []).map(({ v }) => Number(v));
    const isDivided = filledOf(rest, at) >= smallestRest * filledOf(before, at);
    const between = new Set(isDivided ? deciles(at).map(Number) : []);
    for (const point of points) between.delete(point);
    return [...points, ...points, ...between].toSorted((a, b) => a - b);
  });
}

/**
 * Counts, for each edge of each column, the values below the edge; for the second of two equal edges, the values below
 * or equal to it.
 */
async function countBelow(
  database: LockedDatabase,
  table: string,
  edges: readonly (readonly number[])[],
): Promise<(column: number) => readonly number[]> {
  const most = Math.max(...edges.map((own) => own.length));
  if (most <= 0) return () => [];
  const names = Array.from({ length: most }, (_, at) => `e${at}`);
  const rows = edges.map((own, c) => {
    const bounds = own.map((edge, at) => (edge === own[at - 1] ? numberAbove(edge) : edge));
    return `(${[c, ...names.map((_, at) => (bounds[at] === undefined ? 'NULL' : `'${bounds[at]}'`))].join(', ')})`;
  });
  const below = names.map((name) => `(sum(n) FILTER (WHERE v < ${name}))::BIGINT AS ${name}`).join(', ');
  const found = await byColumn(
    database,
    `SELECT c, ${below} FROM ${table} JOIN (SELECT c, ${names.map((name) => `CAST(${name} AS DOUBLE) AS ${name}`).join(', ')}
      FROM (VALUES ${rows.join(', ')}) AS given(c, ${names.join(', ')})) AS edges USING (c) GROUP BY c`,
  );
  return (column) => (edges[column] ?? []).map((_, at) => Number(found.get(column)?.[`e${at}`] ?? 0));
}

/** Returns the next larger double. */
function numberAbove(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  const bits = new BigInt64Array(Float64Array.of(value).buffer);
  bits[0] = (bits[0] ?? 0n) + (value > 0 ? 1n : -1n);
  return new Float64Array(bits.buffer)[0] ?? value;
}
