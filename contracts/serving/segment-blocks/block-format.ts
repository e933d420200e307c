import type { ColumnBatch } from '../../data/column-batch.ts';
import type { Sha256 } from '../../identifiers.ts';
import type { ClassValue } from '../../models/signature.ts';
import type { PredictionRecord } from '../prediction.ts';

/*
 * A segment of the prediction log is a sequence of blocks: one per request, or several for a request of many rows, which
 * may lie in several segments. Requests that a shadow answers together share one block. Each block stands alone:
 *
 *   u32 length of the block, u32 its complement, u32 CRC-32 of everything after these three words, u32 version
 *   u32 rows, u32 flags
 *   f64 recordedAt, in milliseconds since 1970
 *   context: texts (one, the JSON of `BlockContext`)
 *   event times: f64 × rows, in milliseconds since 1970                         (flag eventTimes)
 *   request id: texts (one)                                                    (flag request)
 *   u32 row of the request that is the block's first row, u32 0                (flag continued, version 2)
 *   prediction ids: texts (one per row)
 *   u32 number and boolean columns, u32 text columns
 *   numbers: f64 × rows × columns, column by column; NaN: missing
 *   per text column: texts (distinct), i32 × rows (codes; -1: missing)
 *   predictions: f64 × rows, or with the flag labels: texts (distinct labels as JSON), i32 × rows (codes)
 *   probabilities: u32 width, u32 0, f64 × rows × width                        (flag probabilities)
 *   per vector of the context: u32 width, u32 0, f64 × rows × width; width 0: absent
 *   rows without an answer: texts (a reason each), i32 each (row)              (flag failures)
 *
 * `texts` is u32 count, u32 bytes, u32 × count (the length of each in bytes), and the texts in UTF-8. Each section is
 * padded with zeros to a multiple of 8 bytes. A change of this layout needs a new version. Only blocks with the
 * flag `continued` have version 2.
 */
export const blockVersion = 1;
export const continuedVersion = 2;
/** Bytes before the CRC-32's range: the length, its complement and the CRC-32. */
export const uncheckedBytes = 12;
export const headerBytes = 16;

export const blockFlags = {
  replay: 1,
  eventTimes: 2,
  request: 4,
  labels: 8,
  probabilities: 16,
  failures: 32,
  continued: 64,
};
/** The role is an index into `blockRoles`, in the flags from this bit on. */
export const roleShift = 8;
export const blockRoles = ['champion', 'canary', 'shadow', 'pinned'] as const satisfies PredictionRecord['role'][];

/** What is the same in all requests that one slot of one generation answers. */
export interface BlockContext {
  readonly release: Sha256;
  readonly modelVersion: number;
  readonly generation: number;
  /** Names of the model's other outputs that are logged. */
  readonly vectors: readonly string[];
}

/** A model's answers to the rows of a block, as in `ports/model-format.ts`. */
export interface BlockAnswers {
  readonly values: Float64Array | readonly ClassValue[];
  readonly probabilities: Float64Array | null;
  readonly vectors: Readonly<Record<string, Float64Array>>;
  readonly failures: readonly { readonly row: number; readonly reason: string }[];
}

/** Rows of one request with their answers; without a request id, possibly of several requests. */
export interface BlockRows {
  readonly role: PredictionRecord['role'];
  readonly replay: boolean;
  /** Milliseconds since 1970. */
  readonly recordedAt: number;
  /** Milliseconds since 1970, one per row; `undefined`: `recordedAt`. */
  readonly eventTimes: Float64Array | undefined;
  /** The id that the caller gave the request. */
  readonly request: string | undefined;
  /** Row of the request that is the first of these rows. */
  readonly firstRow: number;
  readonly ids: readonly string[];
  readonly batch: ColumnBatch;
  readonly answers: BlockAnswers;
}
