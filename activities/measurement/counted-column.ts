import type { Cell } from '../../contracts/data/data-types.ts';
import type { ColumnReference, NumericReference } from '../../contracts/models/model-version.ts';
import { binnedCounts } from '../../statistics/drift/bin-counts.ts';
import { firstAbove, firstNotBelow, makePrecise } from '../../statistics/drift/one-precision.ts';
import { tieEdges } from '../../statistics/drift/tie-edges.ts';
import type { ValueCounts } from '../../statistics/drift/value-counts.ts';
import { valueCounts } from '../../statistics/drift/value-counts.ts';
import { categoryCounts, presentNumbers } from './column-values.ts';

/** A column's served values, counted for the comparison with its reference. */
export type CountedColumn = CountedNumbers | CountedCategories;

export interface CountedNumbers {
  readonly kind: 'numeric';
  /** With and without a value. */
  readonly rows: number;
  readonly present: number;
  /** Null if no row has a value. */
  readonly range: readonly [least: number, greatest: number] | null;
  /** Number of values below the least or above the greatest value of the reference. */
  readonly outside: number;
  /** Counts of the bins of the reference. */
  readonly bins: readonly number[];
  /** Null unless a test needs the values. */
  readonly values: ValueCounts | null;
}

export interface CountedCategories {
  readonly kind: 'categorical';
  readonly rows: number;
  /** Rows by category, without missing values. */
  readonly counts: ReadonlyMap<string, number>;
  /** Whether every value is a number. */
  readonly areNumbers: boolean;
  /** Number of values that are not in `counts`, because there are too many distinct ones. Absent: none. */
  readonly uncounted?: number;
}

/**
 * Returns the edges of a reference's bins, and its counts in them. They are computed from the values, so that old
 * references use the current rules too, unless the values are condensed.
 */
export function binsOf(reference: NumericReference): Pick<NumericReference, 'edges' | 'counts'> {
  if (reference.condensed !== undefined) return reference;
  const sample = { values: reference.values, counts: reference.valueCounts };
  const edges = tieEdges(sample);
  return { edges, counts: binnedCounts(sample, edges) };
}

/** Values of a column, or the counts of the values for a reference. */
export type ServedColumn = readonly Cell[] | CountedColumn;

export function countedColumn(reference: ColumnReference, served: ServedColumn): CountedColumn {
  return 'kind' in served ? served : countedCells(reference, served);
}

/** Whether the column has too many distinct values to be compared by category. */
export function isUncounted(column: CountedColumn): boolean {
  return column.kind === 'categorical' && column.uncounted !== undefined;
}

/** Returns the number of rows that have a value. */
export function presentIn(column: CountedColumn): number {
  if (column.kind === 'numeric') return column.present;
  let present = column.uncounted ?? 0;
  for (const count of column.counts.values()) present += count;
  return present;
}

/** Counts the served values of a column. */
export function countedCells(reference: ColumnReference, cells: readonly Cell[]): CountedColumn {
  if (reference.kind === 'categorical')
    return {
      kind: 'categorical',
      rows: cells.length,
      counts: categoryCounts(areTruthValues(reference.categories) ? withTruthValues(cells) : cells),
      areNumbers: cells.every((cell) => cell === null || typeof cell === 'number'),
    };
  return countedNumbers(reference, presentNumbers(cells), cells.length);
}

/**
 * Counts numbers of a column.
 *
 * @param sorted the values that are present, ascending. They are changed to the precision of the reference.
 * @param rows number of rows with and without a value.
 */
export function countedNumbers(reference: NumericReference, sorted: Float64Array, rows: number): CountedNumbers {
  const { edges } = binsOf(reference);
  const [least, greatest] = [sorted[0], sorted.at(-1)];
  const ends = [reference.values[0] ?? -Infinity, reference.values.at(-1) ?? Infinity] as const;
  const outside = firstNotBelow(sorted, ends[0]) + sorted.length - firstAbove(sorted, ends[1]);
  makePrecise(sorted, edges);
  const values = valueCounts(sorted);
  return {
    kind: 'numeric',
    rows,
    present: sorted.length,
    range: least === undefined || greatest === undefined ? null : [least, greatest],
    outside,
    bins: binnedCounts(values, edges),
    values,
  };
}

/** Converts 0 and 1 back to booleans. A boolean is served as a number if the model's input is a numeric matrix. */
export function withTruthValues(cells: readonly Cell[]): readonly Cell[] {
  return cells.map((cell) => (cell === 0 || cell === 1 ? cell === 1 : cell));
}

export function areTruthValues(categories: readonly string[]): boolean {
  return categories.length > 0 && categories.every((category) => category === 'true' || category === 'false');
}
