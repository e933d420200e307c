import type { Instant, Sha256 } from '../contracts/identifiers.ts';
import type { RepeatedIds } from '../contracts/monitoring/report.ts';
import type { CountedValues, SegmentSummary, WantedCounts } from './segment-summary.ts';
import type { StoredColumns } from './stored-columns.ts';

export interface ReadServed {
  readonly segments: readonly string[];
  readonly from: Instant;
  readonly to: Instant;
  /** Features whose values are counted, by name. */
  readonly counts?: Readonly<Record<string, WantedCounts>>;
  readonly prediction?: WantedCounts;
  /** Features whose values are stored with the rows. */
  readonly features?: readonly string[];
  /**
   * Summaries of segments, by path, with the counts that are wanted here. A segment whose summary can be used is read
   * only for what the summary does not contain.
   */
  readonly summaries?: Readonly<Record<string, SegmentSummary>>;
  /** Whether no id occurs twice in the segments. Default: repeated ids are searched for. */
  readonly distinctIds?: boolean;
  /** Whether rows are stored. Default: true. */
  readonly storesRows?: boolean;
  /** Whether the ids are stored with the rows. Default: true. */
  readonly withIds?: boolean;
  /** Number of equal parts of the window whose rows are counted by event time. Default: 0. */
  readonly parts?: number;
  /**
   * Creates files of segments. Without it, all of them must exist. With it, none need exist: the engine asks for those
   * that it reads, each at most once.
   */
  readonly supply?: (paths: readonly string[]) => Promise<void>;
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
  /** Rows in each part of the window. */
  readonly volume: readonly number[];
  /** Number of probabilities that an answer has at most; 0 if no answer has any. */
  readonly width: number;
  /**
   * One row per prediction, or none if no rows were to be stored: `id`, if ids were to be stored; `at`, its event time in milliseconds since 1970 in UTC; `release`, an index of
   * `releases`; `prediction`; `shares`, its number of probabilities, and `share 0` and so on, the probabilities; and
   * `feature ` with its name for each stored feature.
   */
  readonly stored: StoredColumns;
}
