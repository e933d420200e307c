import type { Cell } from '../../contracts/data/data-types.ts';
import type { CategoricalReference, ColumnReference, NumericReference } from '../../contracts/models/model-version.ts';
import { binnedCounts } from '../../statistics/drift/bin-counts.ts';
import { condensedValues } from '../../statistics/drift/condensed-values.ts';
import { tieEdges } from '../../statistics/drift/tie-edges.ts';
import { valueCounts } from '../../statistics/drift/value-counts.ts';
import { categoryCounts, presentNumbers } from './column-values.ts';
import { areCodes } from './whole-number-codes.ts';

/**
 * Maximum number of distinct numbers that a reference keeps. With more, they are condensed; bins, missing values and range
 * stay exact, and the statistic of the Kolmogorov-Smirnov test differs by at most one in this number.
 */
export const mostValues = 100_000;

/**
 * Returns the distribution of a column, as the reference for windows of served rows. Text, booleans, and at most 25
 * consecutive whole numbers are categorical. Everything else is numeric, with separate bins for tied values. `kind`
 * overrides this: a regression's target and predictions are numeric even if they have few values, and a column that is
 * declared as a category is categorical. Missing values are left out.
 */
export function referenceOf(
  name: string,
  values: readonly Cell[],
  kind: ColumnReference['kind'] = kindOf(values),
): ColumnReference {
  return kind === 'categorical'
    ? categoricalReference(name, categoryCounts(values), values.length)
    : numericReference(name, presentNumbers(values), values.length);
}

function kindOf(values: readonly Cell[]): ColumnReference['kind'] {
  const numbers = new Set<number>();
  for (const value of values) {
    if (value === null) continue;
    if (typeof value !== 'number') return 'categorical';
    if (!Number.isInteger(value)) return 'numeric';
    numbers.add(value);
  }
  return areCodes(numbers) ? 'categorical' : 'numeric';
}

/**
 * @param sorted the values that are present, ascending.
 * @param rows number of rows with and without a value.
 */
export function numericReference(name: string, sorted: Float64Array, rows: number): NumericReference {
  const { values, counts } = valueCounts(sorted);
  const edges = tieEdges({ values, counts });
  const bins = binnedCounts({ values, counts }, edges);
  const kept = condensedValues({ values, counts }, mostValues);
  return {
    kind: 'numeric',
    name,
    count: sorted.length,
    edges,
    counts: bins,
    values: Array.from(kept.values),
    valueCounts: Array.from(kept.counts),
    missing: rows - sorted.length,
    ...(kept.values.length === values.length ? {} : { condensed: values.length }),
  };
}

/** @param rows number of rows with and without a value. */
export function categoricalReference(
  name: string,
  counted: ReadonlyMap<string, number>,
  rows: number,
): CategoricalReference {
  const categories = [...counted.keys()].toSorted(byNumberThenText);
  const counts = categories.map((category) => counted.get(category) ?? 0);
  const count = counts.reduce((sum, some) => sum + some, 0);
  return { kind: 'categorical', name, count, categories, counts, missing: rows - count };
}

function byNumberThenText(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  if (!Number.isNaN(difference) && difference !== 0) return difference;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
