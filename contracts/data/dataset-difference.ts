import { z } from 'zod';
import { Column } from './data-types.ts';
import { CellValue } from './dataset-version.ts';
import { Sha256 } from '../identifiers.ts';

const Count = z.number().int();
const Pair = <Value extends z.ZodType>(value: Value) => z.object({ before: value, after: value });

/** How the values of a column changed between two versions of a dataset. */
export const ColumnShift = z.object({
  column: z.string(),
  /**
   * Bin edges: the deciles of the earlier version; a value that makes up more than a tenth of the rows is an edge
   * twice, which gives it a bin of its own. null for columns compared by category.
   */
  edges: z.array(z.number()).nullable(),
  /**
   * The twenty most frequent values of the earlier version, and null for all others. null for columns compared by bins.
   */
  categories: z.array(CellValue).nullable(),
  /** Number of values in each bin or category. */
  counts: Pair(z.array(Count)),
  nulls: Pair(Count),
  /** For numbers; for booleans, the share of true. */
  mean: Pair(z.number().nullable()),
  /** Difference of the means, in standard deviations of the earlier version. */
  standardisedDifference: z.number().nullable(),
});
export type ColumnShift = z.infer<typeof ColumnShift>;

/** The difference between the rows of two sets of parts, computed by the table engine. */
export const RowDifference = z.object({
  rows: z.object({
    added: Count,
    removed: Count,
    /**
     * Rows with the same key and other values. null without a key: such a row then counts as one removed and one added.
     */
    changed: Count.nullable(),
    unchanged: Count,
  }),
  columns: z.object({
    added: z.array(Column),
    removed: z.array(Column),
    changed: z.array(z.object({ name: z.string(), before: Column, after: Column })),
  }),
  /** For each column that differs in a changed row, the number of changed rows in which it differs. */
  changedBy: z.array(z.object({ column: z.string(), rows: Count })),
  /** The first ten of each in the order of the key; empty without a key. */
  examples: z.object({
    added: z.array(CellValue),
    removed: z.array(CellValue),
    changed: z.array(z.object({ key: CellValue, column: z.string(), before: CellValue, after: CellValue })),
  }),
  shifts: z.array(ColumnShift),
});
export type RowDifference = z.infer<typeof RowDifference>;

const Side = z.object({ number: Count, digest: Sha256, rows: Count });

/** Result of `data diff`: the changes from one DatasetVersion to another. */
export const DatasetDifference = z.object({
  schemaVersion: z.literal(1),
  before: Side,
  after: Side,
  key: z.string().nullable(),
  ...RowDifference.shape,
  shifts: z.array(
    ColumnShift.extend({
      /** Population stability index over the bins or categories; null if one of the versions has no value. */
      psi: z.number().nullable(),
    }),
  ),
});
export type DatasetDifference = z.infer<typeof DatasetDifference>;

/**
 * In any distribution, at most one row in nine is further than this from the mean (Chebyshev's inequality). A mean that
 * moved this far is unlikely to be seasonal; it indicates a changed unit, a broken sensor, or other rows.
 */
export const farStandardDeviations = 3;

/** Smaller shares are raised to this one, so that an empty bin gives a large index instead of an infinite one. */
const smallestShare = 1e-4;

/**
 * Returns the population stability index of a shift, Σ (a − b) · ln(a / b) over the shares, by the conventions of
 * `statistics/drift/population-stability-index.ts`; null if either side has no values.
 */
export function stabilityIndexOf({ before, after }: ColumnShift['counts']): number | null {
  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  const [rowsBefore, rowsAfter] = [total(before), total(after)];
  if (rowsBefore === 0 || rowsAfter === 0) return null;
  return before.reduce((sum, count, at) => {
    const earlier = Math.max(count / rowsBefore, smallestShare);
    const later = Math.max((after[at] ?? 0) / rowsAfter, smallestShare);
    return sum + (later - earlier) * Math.log(later / earlier);
  }, 0);
}
