import type { Cell, Column } from '../../../contracts/data/data-types.ts';
import type { ColumnShift } from '../../../contracts/data/dataset-difference.ts';
import { countBins } from './counted-bins.ts';
import { type Facts, countValues, filledOf, momentsOf, rowsByColumn } from './counted-values.ts';
import { type Slice, columnsPerQuery, sliceOf, storedIn } from './long-form.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { countRows } from '../reading/source.ts';

const categoryLimit = 20;

/** Columns that have one stored type in the view `before` and one in the view `after`. The two types may differ. */
interface Pair {
  readonly before: Slice;
  readonly after: Slice;
  /** Whether the columns hold numbers in both views. */
  readonly isNumeric: boolean;
}

/** Counts the values of each column in the views `before` and `after`, in the same bins or categories for both. */
export async function columnShifts(
  database: LockedDatabase,
  columns: readonly Column[],
  columnsAfter: readonly Column[],
): Promise<ColumnShift[]> {
  const shifts = new Map<string, ColumnShift>();
  for (const pair of await pairsOf(database, columns, columnsAfter))
    for (const shift of await shiftsOf(database, pair)) shifts.set(shift.column, shift);
  return columns.flatMap(({ name }) => shifts.get(name) ?? []);
}

async function pairsOf(
  database: LockedDatabase,
  columns: readonly Column[],
  columnsAfter: readonly Column[],
): Promise<readonly Pair[]> {
  const [then, now] = [await storedIn(database, '"before"'), await storedIn(database, '"after"')];
  const rows = { before: await countRows(database, 'before'), after: await countRows(database, 'after') };
  const typesAfter = new Map(columnsAfter.map(({ name, type }) => [name, type]));
  const size = columnsPerQuery(Math.max(rows.before, rows.after));
  const alike = Map.groupBy(columns, ({ name, type }) =>
    [type, typesAfter.get(name), then.get(name), now.get(name)].join('/'),
  );
  return [...alike.values()].flatMap((group) => {
    const { name = '', type } = group[0] ?? {};
    const isNumeric = [type, typesAfter.get(name)].every((kind) => kind === 'integer' || kind === 'number');
    // The columns of a view without rows have no stored type.
    const [storedThen, storedNow] = [then.get(name) ?? 'VARCHAR', now.get(name) ?? 'VARCHAR'];
    return Array.from({ length: Math.ceil(group.length / size) }, (_, at) => {
      const chosen = group.slice(at * size, (at + 1) * size);
      return {
        before: sliceOf('"before"', chosen, storedThen, rows.before),
        after: sliceOf('"after"', chosen, storedNow, rows.after),
        isNumeric,
      };
    });
  });
}

/**
 * Returns the shifts of the columns of one pair. Creates the tables `counted_before` and `counted_after`, each value
 * with its row count.
 */
async function shiftsOf(database: LockedDatabase, { before, after, isNumeric }: Pair): Promise<readonly ColumnShift[]> {
  const facts = {
    before: await countValues(database, 'counted_before', before),
    after: await countValues(database, 'counted_after', after),
  };
  const then = await momentsOf(database, before, facts.before);
  const now = await momentsOf(database, after, facts.after);
  const counted = isNumeric
    ? await countBins(database, before.columns.length, facts)
    : await countCategories(database, facts);
  return before.columns.map(({ name }, at) => ({
    column: name,
    ...counted(at),
    nulls: { before: before.count - filledOf(facts.before, at), after: after.count - filledOf(facts.after, at) },
    mean: { before: then(at).mean, after: now(at).mean },
    standardisedDifference: standardised(then(at).mean, now(at).mean, then(at).deviation),
  }));
}

/**
 * Returns the difference of the means in standard deviations of `before`; null if it is undefined or overflows a
 * double.
 */
function standardised(then: number | null, now: number | null, deviation: number | null): number | null {
  if (then === null || now === null || deviation === null || deviation === 0) return null;
  const difference = now / deviation - then / deviation;
  const direct = (now - then) / deviation;
  return [direct, difference].find(Number.isFinite) ?? null;
}

type Count = (column: number) => Pick<ColumnShift, 'edges' | 'categories' | 'counts'>;

/** Counts the most frequent values of `before`, each as one category, and all other values as one more category. */
async function countCategories(
  database: LockedDatabase,
  facts: { readonly before: Facts; readonly after: Facts },
): Promise<Count> {
  const text = 'CAST(v AS VARCHAR)';
  await database.run(
    `CREATE OR REPLACE TEMP TABLE categories AS SELECT c, top.t AS t, top.v AS v, top.n AS n
      FROM (SELECT c, unnest(min({ m: -n, t: ${text}, v: v, n: n }, ${categoryLimit})) AS top FROM counted_before GROUP BY c)`,
  );
  const then = await rowsByColumn(database, 'SELECT c, t, v, n FROM categories');
  const now = await rowsByColumn(
    database,
    `SELECT c, t, sum(counted_after.n)::BIGINT AS n FROM counted_after JOIN categories USING (c) WHERE CAST(counted_after.v AS VARCHAR) = t GROUP BY c, t`,
  );
  return (at) => {
    const categories = then.get(at) ?? [];
    const after = new Map<Cell | undefined, number>(now.get(at)?.map(({ t, n }) => [t, Number(n)]));
    const countsBefore = categories.map(({ n }) => Number(n));
    const countsAfter = categories.map(({ t }) => after.get(t) ?? 0);
    return {
      edges: null,
      categories: [...categories.map(({ v }) => v ?? null), null],
      counts: {
        before: withOthers(countsBefore, filledOf(facts.before, at)),
        after: withOthers(countsAfter, filledOf(facts.after, at)),
      },
    };
  };
}

function withOthers(counts: readonly number[], filled: number): number[] {
  return [...counts, filled - counts.reduce((sum, count) => sum + count, 0)];
}
