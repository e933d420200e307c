import type { Cell } from '../contracts/data/data-types.ts';
import type { Instant, Sha256 } from '../contracts/identifiers.ts';
import type { RepeatedIds } from '../contracts/monitoring/report.ts';
import type { StoredColumns } from './stored-columns.ts';

/** Says how the values of a feature or of the prediction are counted. */
export type WantedCounts =
  /** Numbers between ascending bounds. A bound belongs to the numbers below it. */
  { readonly kind: 'numeric'; readonly bounds: readonly number[] } | { readonly kind: 'categorical' };

export type CountedValues =
  | {
      readonly kind: 'numeric';
      readonly present: number;
      /** Null if there is no value. */
      readonly range: readonly [least: number, greatest: number] | null;
      /** One more than the bounds: the last counts the numbers above all of them. */
      readonly counts: readonly number[];
    }
  | {
      readonly kind: 'categorical';
      readonly present: number;
      /** The distinct values with their rows, the most frequent first; null if there are more than a million. */
      readonly values: readonly (readonly [Cell, number])[] | null;
    };

export interface ReadServed {
  readonly segments: readonly string[];
  readonly from: Instant;
  readonly to: Instant;
  /** Features whose values are counted, by name. */
  readonly counts?: Readonly<Record<string, WantedCounts>>;
  readonly prediction?: WantedCounts;
  /** Features whose values are stored with the rows. */
  readonly features?: readonly string[];
  /** The file that the rows are stored in. */
  readonly path: string;
}

/**
 * The predictions served in a window by event time, without replays and shadows. Of the predictions with one id, only the
 * first recorded one is part of the window.
 */
export interface ServedWindow {
  readonly rows: number;
  /** Rows to which the model had no answer. */
  readonly failed: number;
  /** Predictions of the window that repeat the id of an earlier one; null if there are none. */
  readonly repeatedIds: RepeatedIds | null;
  /** The releases that answered, in the order of their first predictions. */
  readonly releases: readonly {
    readonly release: Sha256;
    readonly modelVersion: number;
    readonly predictions: number;
  }[];
  /** By feature. A feature that no segment has is absent. */
  readonly counts: Readonly<Record<string, CountedValues>>;
  readonly prediction: CountedValues | null;
  /** Number of probabilities that an answer has at most; 0 if no answer has any. */
  readonly width: number;
  /**
   * One row per prediction: `id`; `at`, its event time in milliseconds since 1970 in UTC; `release`, an index of
   * `releases`; `prediction`; `shares`, its number of probabilities, and `share 0` and so on, the probabilities; and
   * `feature ` with its name for each stored feature.
   */
  readonly stored: StoredColumns;
}
