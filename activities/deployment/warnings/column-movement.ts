import type { ColumnReference } from '../../../contracts/models/model-version.ts';

/**
 * How a column's values changed between the rows before and the rows after. `missingBefore` is a share of the rows
 * before; the other shares are of the rows after.
 */
export interface ColumnMovement {
  /** Null if the column is not numeric, or if either set of rows has no numbers in it. */
  readonly numbers: {
    readonly meanBefore: number;
    readonly meanAfter: number;
    /** Change of the mean, in standard deviations of the rows before; null if those rows were constant. */
    readonly standardDeviations: number | null;
    /** Standard deviation after, divided by the one before; null if the rows before were constant. */
    readonly spread: number | null;
  } | null;
  /** Share of rows with a value that no row before had. */
  readonly unseen: number;
  readonly missingBefore: number;
  readonly missingAfter: number;
}

export function columnMovement(before: ColumnReference, after: ColumnReference): ColumnMovement {
  const [earlier, later] = [valuesOf(before), valuesOf(after)];
  const known = new Set(earlier.map(({ value }) => value));
  const unseen = later.filter(({ value }) => !known.has(value)).reduce((sum, { rows }) => sum + rows, 0);
  return {
    numbers: numbersMoved(earlier, later),
    unseen: share(unseen, after.count),
    missingBefore: missingIn(before),
    missingAfter: missingIn(after),
  };
}

/** References that older releases of Perennial stored do not record missing values. */
function missingIn({ count, missing = 0 }: ColumnReference): number {
  return share(missing, count + missing);
}

interface Counted {
  /** Text, because a reference stores the codes of a column with few values as text, and the values are compared. */
  readonly value: string;
  readonly rows: number;
}

function valuesOf(reference: ColumnReference): Counted[] {
  return reference.kind === 'numeric'
    ? reference.values.map((value, at) => ({ value: String(value), rows: reference.valueCounts[at] ?? 0 }))
    : reference.categories.map((value, at) => ({ value, rows: reference.counts[at] ?? 0 }));
}

function numbersMoved(before: readonly Counted[], after: readonly Counted[]): ColumnMovement['numbers'] {
  const [earlier, later] = [momentsOf(before), momentsOf(after)];
  if (earlier === null || later === null) return null;
  const isConstant = earlier.deviation === 0;
  return {
    meanBefore: earlier.mean,
    meanAfter: later.mean,
    standardDeviations: isConstant ? null : Math.abs(later.mean - earlier.mean) / earlier.deviation,
    spread: isConstant ? null : later.deviation / earlier.deviation,
  };
}

/** Returns null if there are no values, or if some of them are not numbers. */
function momentsOf(values: readonly Counted[]): { readonly mean: number; readonly deviation: number } | null {
  const numbers = values.map(({ value, rows }) => ({ value: value.trim() === '' ? Number.NaN : Number(value), rows }));
  const rows = numbers.reduce((sum, counted) => sum + counted.rows, 0);
  if (rows === 0 || numbers.some(({ value }) => !Number.isFinite(value))) return null;
  const mean = numbers.reduce((sum, counted) => sum + counted.value * (counted.rows / rows), 0);
  const variance = numbers.reduce((sum, counted) => sum + (counted.value - mean) ** 2 * (counted.rows / rows), 0);
  // Rounding errors give even a constant column a tiny deviation.
  return { mean, deviation: values.length === 1 ? 0 : Math.sqrt(variance) };
}

function share(some: number, all: number): number {
  return all === 0 ? 0 : some / all;
}
