import type { Cell } from '../contracts/data/data-types.ts';
import type { Sha256 } from '../contracts/identifiers.ts';

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

/** Says how the features and the predictions of segments are counted. */
export interface Counting {
  /** By name. */
  readonly features: Readonly<Record<string, WantedCounts>>;
  readonly prediction: WantedCounts;
}

/** A counting with the digest of its canonical JSON. */
export interface KeyedCounting {
  readonly key: Sha256;
  readonly counting: Counting;
}

export interface SummarisedColumn {
  /** Type of the segment's column in the table engine. */
  readonly type: string;
  /** Null if they are not counted, or too many to be kept. They must then be counted from the rows. */
  readonly values: CountedValues | null;
}

export interface AnsweringRelease {
  readonly release: Sha256;
  readonly modelVersion: number;
  readonly predictions: number;
  /** Time of its first prediction, in microseconds since 1970 in UTC. */
  readonly first: number;
}

/** Summary of the predictions that a segment has, without replays and shadows. Summaries of several segments can be added. */
export interface SegmentSummary {
  readonly schemaVersion: 1;
  readonly rows: number;
  /** Rows to which the model had no answer. */
  readonly failed: number;
  /** Event times in microseconds since 1970 in UTC; null if there is no row. */
  readonly times: readonly [least: number, greatest: number] | null;
  readonly releases: readonly AnsweringRelease[];
  /** Features that the segment has, by name. */
  readonly features: Readonly<Record<string, SummarisedColumn>>;
  readonly prediction: SummarisedColumn;
}
