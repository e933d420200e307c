import type { BatchLayout, ColumnBatch } from '../contracts/data/column-batch.ts';

/**
 * Typed columns of a file that the table engine wrote to the caller's folder. They are read in bounded pieces, as often
 * as needed, as long as the file exists.
 */
export interface StoredColumns {
  readonly rows: number;
  readonly layout: BatchLayout;
  /**
   * Yields the rows in order, in batches of at most 65,536.
   *
   * @param names the columns to read, in this order. Default: all.
   */
  batches(names?: readonly string[]): AsyncGenerator<ColumnBatch>;
  /** Returns a whole column of numbers or booleans, 8 bytes a row; a missing value is NaN. */
  numbers(name: string): Promise<Float64Array>;
}
