import type { Cell } from '../../contracts/data-types.ts';
import type { CategoricalReference, ColumnReference, NumericReference } from '../../contracts/model-version.ts';
import { binCounts } from '../../statistics/bin-counts.ts';
import { decileEdges } from '../../statistics/decile-edges.ts';
import { valueCounts } from '../../statistics/value-counts.ts';
import { categoryCounts, presentNumbers } from './column-values.ts';

/** A whole-number column with more distinct values is a quantity; with at most these, a code such as the hour or a season. */
const mostCodes = 25;

/**
 * The distribution of a column, for windows of served rows to be compared with. Text, booleans, and whole numbers with at most 25
 * distinct values are categorical; all else is numeric, with bins at its deciles. `kind` overrules that: a regression's target and
 * predictions are quantities however few values they have. Missing values are left out.
 */
export function referenceOf(
  name: string,
  values: readonly Cell[],
  kind: ColumnReference['kind'] = kindOf(values),
): ColumnReference {
  return kind === 'categorical' ? categorical(name, values) : numeric(name, values);
}

function kindOf(values: readonly Cell[]): ColumnReference['kind'] {
  const codes = new Set<number>();
  for (const value of values) {
    if (value === null) continue;
    if (typeof value !== 'number') return 'categorical';
    if (!Number.isInteger(value)) return 'numeric';
    if (codes.size <= mostCodes) codes.add(value);
  }
  return codes.size > 0 && codes.size <= mostCodes ? 'categorical' : 'numeric';
}

function numeric(name: string, cells: readonly Cell[]): NumericReference {
  const sorted = presentNumbers(cells);
  const edges = decileEdges(sorted);
  const { values, counts } = valueCounts(sorted);
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
