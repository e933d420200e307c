import type { Cell } from '../../contracts/data/data-types.ts';
import type { CategoricalReference, ColumnReference, NumericReference } from '../../contracts/models/model-version.ts';
import { binCounts } from '../../statistics/drift/bin-counts.ts';
import { tieEdges } from '../../statistics/drift/tie-edges.ts';
import { valueCounts } from '../../statistics/drift/value-counts.ts';
import { categoryCounts, presentNumbers } from './column-values.ts';
import { areCodes } from './whole-number-codes.ts';

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
  return kind === 'categorical' ? categorical(name, values) : numeric(name, values);
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

function numeric(name: string, cells: readonly Cell[]): NumericReference {
  const sorted = presentNumbers(cells);
  const { values, counts } = valueCounts(sorted);
  const edges = tieEdges({ values, counts });
  return {
    kind: 'numeric',
    name,
    count: sorted.length,
    edges,
    counts: binCounts(sorted, edges),
    values: [...values],
    valueCounts: [...counts],
    missing: cells.length - sorted.length,
  };
}

function categorical(name: string, cells: readonly Cell[]): CategoricalReference {
  const counted = categoryCounts(cells);
  const categories = [...counted.keys()].toSorted(byNumberThenText);
  const counts = categories.map((category) => counted.get(category) ?? 0);
  const count = counts.reduce((sum, some) => sum + some, 0);
  return { kind: 'categorical', name, count, categories, counts, missing: cells.length - count };
}

function byNumberThenText(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  if (!Number.isNaN(difference) && difference !== 0) return difference;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
