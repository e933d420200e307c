import { z } from 'zod';
import { DataFormat } from './data-format.ts';
import { DataWarning } from './data-warning.ts';
import type { Cell } from './data-types.ts';
import { Column } from './data-types.ts';
import { ExpectationCheck } from './expectation.ts';
import { Id, Instant, Sha256 } from '../identifiers.ts';

/** One content-addressed Parquet file of a dataset. `from`/`to` bound its rows' instants, both inclusive; absent without a timestamp. */
export const DatasetPart = z.object({
  sha256: Sha256,
  bytes: z.number().int(),
  rows: z.number().int(),
  from: Instant.optional(),
  to: Instant.optional(),
});
export type DatasetPart = z.infer<typeof DatasetPart>;

/**
 * The manifest: what a DatasetVersion is. Its canonical JSON is a blob, whose digest is the version's identity.
 * Besides the source's columns every part has `_at` (TIMESTAMP, UTC; absent without `timestamp`), the row's instant.
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

/** Bins of equal width from the smallest value to the largest: `counts[i]` values are in `[edges[i], edges[i + 1])`, the last bin with its end. */
export const Histogram = z.object({
  /** Numbers, or text for days and timestamps. */
  edges: z.array(z.union([z.number(), z.string()])),
  counts: z.array(z.number().int()),
});
export type Histogram = z.infer<typeof Histogram>;

export const ColumnProfile = z.object({
  name: z.string(),
  /** Rows, those without a value among them. */
  count: z.number().int(),
  nulls: z.number().int(),
  distinct: z.number().int(),
  min: CellValue,
  max: CellValue,
  /** Of numbers; of booleans the share of true. */
  mean: z.number().nullable(),
  /** Of the sample (n − 1). */
  standardDeviation: z.number().nullable(),
  /** At 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 and 0.99; of days and timestamps as text. */
  quantiles: z.array(z.union([z.number(), z.string()])).nullable(),
  /** Of numbers, days and timestamps; absent in profiles of older versions. */
  histogram: Histogram.nullable().optional(),
  /** The ten most frequent values. */
  top: z.array(z.object({ value: CellValue, count: z.number().int() })),
});
export type ColumnProfile = z.infer<typeof ColumnProfile>;
export const DatasetProfile = z.object({ schemaVersion: z.literal(1), columns: z.array(ColumnProfile) });
export type DatasetProfile = z.infer<typeof DatasetProfile>;

/** The verdict on one expectation over one batch. */
export const ExpectationResult = z.object({
  /** null: the expectation is about the whole dataset. */
  column: z.string().nullable(),
  check: ExpectationCheck,
  severity: z.enum(['error', 'warn']),
  /** Rows that break it; 1 where the whole dataset does. */
  violations: z.number().int(),
  /** What was found, of checks of the whole: rows, the newest instant, a share of nulls, the dataset referred to. */
  observed: z.union([z.string(), z.number(), z.null()]).optional(),
  /** At most ten offending rows: line numbers of the batch (the first data row is 1) and what stood there. */
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
  /** Warnings and guesses about the batch that made it. */
  warnings: z.array(DataWarning),
  rowsAdded: z.number().int(),
  /** Rows of the batch that were known and equal. */
  rowsSkipped: z.number().int(),
  /** Known rows that took other values (upsert, snapshot). */
  rowsReplaced: z.number().int(),
  /** Known rows that the batch no longer has (snapshot). */
  rowsRemoved: z.number().int(),
  runId: Id,
  recordedAt: Instant,
  recordedBy: Id,
});
export type DatasetVersion = z.infer<typeof DatasetVersion>;

/** Files that a batch is made of, in the order of their names, already in the object store. */
export const BatchFile = z.object({
  name: z.string().min(1).max(500),
  sha256: Sha256,
  /** csv and ndjson may be compressed by gzip, which their first bytes say. */
  format: DataFormat,
});
export type BatchFile = z.infer<typeof BatchFile>;
