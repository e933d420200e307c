import { z } from 'zod';
import { Column } from './data-types.ts';
import { CellValue } from './dataset-version.ts';
import { Sha256 } from '../identifiers.ts';

const Count = z.number().int();
const Pair = <Value extends z.ZodType>(value: Value) => z.object({ before: value, after: value });

/** How a column's values have moved between two versions of a dataset. */
export const ColumnShift = z.object({
  column: z.string(),
  /** Edges of the bins: the deciles of the version before, and a value that holds more than a tenth twice; null: by categories. */
  edges: z.array(z.number()).nullable(),
  /** The twenty most frequent values of the version before, and null for all others; null: by bins. */
  categories: z.array(CellValue).nullable(),
  /** Values in each bin or category. */
  counts: Pair(z.array(Count)),
  nulls: Pair(Count),
  /** Of numbers; of booleans the share of true. */
  mean: Pair(z.number().nullable()),
  /** The difference of the means in standard deviations of the version before. */
  standardisedDifference: z.number().nullable(),
});
export type ColumnShift = z.infer<typeof ColumnShift>;

/** What the table engine finds between two sets of parts. */
export const RowDifference = z.object({
  rows: z.object({
    added: Count,
    removed: Count,
    /** Rows of the same key with other values; null without a key, where such a row is one removed and one added. */
    changed: Count.nullable(),
    unchanged: Count,
  }),
  columns: z.object({
    added: z.array(Column),
    removed: z.array(Column),
    changed: z.array(z.object({ name: z.string(), before: Column, after: Column })),
  }),
  /** In how many of the changed rows each column differs; those where it does not are left out. */
  changedBy: z.array(z.object({ column: z.string(), rows: Count })),
  /** The first ten of each, by key; none without one. */
  examples: z.object({
    added: z.array(CellValue),
    removed: z.array(CellValue),
    changed: z.array(z.object({ key: CellValue, column: z.string(), before: CellValue, after: CellValue })),
  }),
  shifts: z.array(ColumnShift),
});
export type RowDifference = z.infer<typeof RowDifference>;

const Side = z.object({ number: Count, digest: Sha256, rows: Count });

/** `data diff`: what changed from one DatasetVersion to another. */
export const DatasetDifference = z.object({
  schemaVersion: z.literal(1),
  before: Side,
  after: Side,
  key: z.string().nullable(),
  ...RowDifference.shape,
  shifts: z.array(
    ColumnShift.extend({
      /** Population stability index over the bins or categories; null where a version has no value. */
      psi: z.number().nullable(),
    }),
  ),
});
export type DatasetDifference = z.infer<typeof DatasetDifference>;

/**
 * In any distribution, at most one row in nine is further than this from the mean (Chebyshev's inequality). A mean
 * that moved this far is not seasonal: it indicates another unit, a broken sensor, or other rows.
 */
export const farStandardDeviations = 3;

/** Shares below it are taken as it, so that an empty bin gives a large index and not an infinite one. */
const smallestShare = 1e-4;

/**
 * The population stability index of a shift, Σ (a − b) · ln(a / b) over the shares, by the conventions of
 * `statistics/drift/population-stability-index.ts`; null where either side has no values.
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
