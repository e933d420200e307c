import type { Cell } from '../../contracts/data-types.ts';

/** The held-out rows that an evaluation is made of; every array has one entry a row, in the same order. */
export interface MeasuredRows {
  readonly truth: ArrayLike<number>;
  readonly challenger: ArrayLike<number>;
  /** null: nothing serves yet. */
  readonly champion: ArrayLike<number> | null;
  /** Which rows belong together, e.g. the local day of each. */
  readonly blocks: readonly (string | number)[];
  /** By column: every column that a gate slices by. */
  readonly slices: Readonly<Record<string, readonly Cell[]>>;
  /** Rows that the challenger or the champion was trained on. */
  readonly trainedOn: readonly boolean[];
}

/** Picks the entries of `rows`, in their order. */
export function pick(values: ArrayLike<number>, rows: readonly number[]): Float64Array {
  return Float64Array.from(rows, (row) => values[row] ?? Number.NaN);
}
