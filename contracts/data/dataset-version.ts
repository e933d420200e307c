import { z } from 'zod';
import { DataFormat } from './data-format.ts';
import { DataWarning } from './data-warning.ts';
import type { Cell } from './data-types.ts';
import { Column } from './data-types.ts';
import { ExpectationCheck } from './expectation.ts';
import { Id, Instant, Sha256 } from '../identifiers.ts';

/**
 * One content-addressed Parquet file of a dataset. `from` and `to` are the earliest and latest instant of its rows,
 * both inclusive; absent for datasets without a timestamp.
 */
export const DatasetPart = z.object({
  sha256: Sha256,
  bytes: z.number().int(),
  rows: z.number().int(),
  from: Instant.optional(),
  to: Instant.optional(),
});
export type DatasetPart = z.infer<typeof DatasetPart>;

/**
 * The manifest of a DatasetVersion. Its canonical JSON is a blob, whose digest is the version's identity. In addition
 * to the source's columns every part has the column `_at` (TIMESTAMP, UTC) with the row's instant, unless the dataset
 * has no timestamp.
 */
export const DatasetManifest = z.object({
  schemaVersion: z.literal(1),
  columns: z.array(Column),
  key: z.string().optional(),
  timestamp: z.string().optional(),
  timezone: z.string(),
  rows: z.number().int(),
  parts: z.array(DatasetPart),
});
export type DatasetManifest = z.infer<typeof DatasetManifest>;

export const CellValue: z.ZodType<Cell> = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/**
 * Bins of equal width from the smallest to the largest value. `counts[i]` values lie in `[edges[i], edges[i + 1])`; the
 * last bin includes its upper edge.
 */
export const Histogram = z.object({
  /** Numbers; text for dates and timestamps. */
  edges: z.array(z.union([z.number(), z.string()])),
  counts: z.array(z.number().int()),
});
export type Histogram = z.infer<typeof Histogram>;

export const ColumnProfile = z.object({
  name: z.string(),
  /** Number of rows, including rows without a value. */
  count: z.number().int(),
  nulls: z.number().int(),
  distinct: z.number().int(),
  min: CellValue,
  max: CellValue,
  /** For numbers; for booleans, the share of true. */
  mean: z.number().nullable(),
  /** Sample standard deviation (n − 1). */
  standardDeviation: z.number().nullable(),
  /** Quantiles at 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 and 0.99; text for dates and timestamps. */
  quantiles: z.array(z.union([z.number(), z.string()])).nullable(),
  /** For numbers, dates and timestamps; absent in profiles of older versions. */
  histogram: Histogram.nullable().optional(),
  /** The ten most frequent values. */
  top: z.array(z.object({ value: CellValue, count: z.number().int() })),
});
export type ColumnProfile = z.infer<typeof ColumnProfile>;
export const DatasetProfile = z.object({
  schemaVersion: z.literal(1),
  columns: z.array(ColumnProfile),
  /**
   * Says that `distinct`, `quantiles`, `histogram` and `top` come from the last full profile, which covered the rows of
   * the version `number`; `rowsChangedSince` counts the rows added or replaced since. All other fields cover every row.
   * Absent if every row was profiled.
   */
  asOf: z.object({ number: z.number().int(), rowsChangedSince: z.number().int() }).optional(),
});
export type DatasetProfile = z.infer<typeof DatasetProfile>;

/** The result of one expectation on one batch. */
export const ExpectationResult = z.object({
  /** null: the expectation concerns the whole dataset. */
  column: z.string().nullable(),
  check: ExpectationCheck,
  severity: z.enum(['error', 'warn']),
  /** Number of rows that violate the expectation; 1 if the whole dataset does. */
  violations: z.number().int(),
  /**
   * The observed value of a check on the whole column or dataset: the number of rows, the newest instant, a share of
   * nulls, or the referenced dataset.
   */
  observed: z.union([z.string(), z.number(), z.null()]).optional(),
  /** At most ten violating rows: their row numbers in the batch (the first data row is 1) and their values. */
  examples: z.array(z.object({ row: z.number().int(), value: CellValue })),
});
export type ExpectationResult = z.infer<typeof ExpectationResult>;

export const DatasetVersion = z.object({
  id: Id,
  modelId: Id,
  number: z.number().int(),
  digest: Sha256,
  manifest: DatasetManifest,
  profile: DatasetProfile.nullable(),
  expectations: z.array(ExpectationResult),
  /** Warnings and guesses about the batch that led to the version. */
  warnings: z.array(DataWarning),
  rowsAdded: z.number().int(),
  /** Rows of the batch that the dataset already had with equal values. */
  rowsSkipped: z.number().int(),
  /** Existing rows that the batch replaced by other values (upsert, snapshot). */
  rowsReplaced: z.number().int(),
  /** Existing rows that are not in the batch (snapshot). */
  rowsRemoved: z.number().int(),
  runId: Id,
  recordedAt: Instant,
  recordedBy: Id,
});
export type DatasetVersion = z.infer<typeof DatasetVersion>;

/** A file of a batch, already in the object store. The files of a batch are in the order of their names. */
export const BatchFile = z.object({
  name: z.string().min(1).max(500),
  sha256: Sha256,
  /** csv and ndjson files may be compressed with gzip, which is detected from their first bytes. */
  format: DataFormat,
});
export type BatchFile = z.infer<typeof BatchFile>;
