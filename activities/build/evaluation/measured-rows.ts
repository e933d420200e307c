import type { Cell } from '../../../contracts/data/data-types.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';

/** The held-out rows that an evaluation is made of; every array has one entry a row, in the same order. */
export interface MeasuredRows {
  readonly challenger: Sample;
  /** On the same rows; null: nothing serves yet, or the champion has no answer to some of them. */
  readonly champion: Sample | null;
  /** Why the champion has no answer to some of the rows. */
  readonly championFailure?: string | undefined;
  /** The champion is the challenger itself under another configuration, so there is no gain to compute. */
  readonly isChampion?: boolean;
  /** Which rows belong together, e.g. the local day of each. */
  readonly blocks: readonly (string | number)[];
  /** By column: every column that a gate slices by. */
  readonly slices: Readonly<Record<string, readonly Cell[]>>;
  /** Rows that the challenger or the champion was trained on. */
  readonly trainedOn: readonly boolean[];
}
