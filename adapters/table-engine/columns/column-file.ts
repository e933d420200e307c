import type { StoredKind } from '../../../contracts/data/column-batch.ts';

/**
 * Describes a file of typed columns: batches one after the other, and in each batch the columns one after the other. A
 * block of numbers or booleans has 8 bytes a row (float64, little-endian). A block of texts has a code of 4 bytes a row
 * (int32, little-endian), followed by the batch's distinct texts as a JSON array.
 */
export interface ColumnFile {
  readonly rows: number;
  readonly names: readonly string[];
  readonly kinds: readonly StoredKind[];
  readonly batches: readonly StoredBatch[];
}

export interface StoredBatch {
  readonly rows: number;
  /** Length in bytes of each column's block. */
  readonly bytes: readonly number[];
}

/** Bounds the memory of writer and reader. */
export const rowsOfBatch = 65_536;
