import type { Cell } from '../../../contracts/data/data-types.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';

/** The held-out rows of an evaluation. Every array has one entry per row, in the same order. */
export interface MeasuredRows {
  readonly challenger: Sample;
  /**
   * The champion's answers to the same rows; null if nothing serves yet or the champion cannot answer some of the rows.
   */
  readonly champion: Sample | null;
  /** Why the champion cannot answer some of the rows. */
  readonly championFailure?: string | undefined;
  /** The champion is the challenger itself under another configuration, so there is no gain to compute. */
  readonly isChampion?: boolean;
  /** The block of each row, for example its local day. Rows of one block are resampled together. */
  readonly blocks: ArrayLike<string | number>;
  /** The values of every column that a gate slices by, keyed by column. */
  readonly slices: Readonly<Record<string, readonly Cell[]>>;
  /** For each row, whether the challenger or the champion was trained on it. */
  readonly trainedOn: readonly boolean[];
}
