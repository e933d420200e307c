import { z } from 'zod';
import { Column } from './data-types.ts';
import { Id, Instant, Sha256 } from './identifiers.ts';

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

export const ColumnProfile = z.object({
  name: z.string(),
  count: z.number().int(),
  nulls: z.number().int(),
  distinct: z.number().int(),
  min: z.union([z.string(), z.number(), z.boolean(), z.null()]),
  max: z.union([z.string(), z.number(), z.boolean(), z.null()]),
  mean: z.number().nullable(),
  standardDeviation: z.number().nullable(),
  quantiles: z.array(z.number()).nullable(),
  top: z.array(z.object({ value: z.union([z.string(), z.number(), z.boolean(), z.null()]), count: z.number().int() })),
});
export const DatasetProfile = z.object({ schemaVersion: z.literal(1), columns: z.array(ColumnProfile) });
export type DatasetProfile = z.infer<typeof DatasetProfile>;

/** The verdict on one expectation over one batch. */
export const ExpectationResult = z.object({
  column: z.string(),
  check: z.enum(['type', 'notNull', 'unique', 'min', 'max', 'values']),
  severity: z.enum(['error', 'warn']),
  violations: z.number().int(),
  /** At most ten offending rows: line numbers of the batch (the first data row is 1) and what stood there. */
  examples: z.array(
    z.object({ row: z.number().int(), value: z.union([z.string(), z.number(), z.boolean(), z.null()]) }),
  ),
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
  rowsAdded: z.number().int(),
  rowsSkipped: z.number().int(),
  runId: Id,
  recordedAt: Instant,
  recordedBy: Id,
});
export type DatasetVersion = z.infer<typeof DatasetVersion>;

/** Files that a batch is made of, in the order of their names, already in the object store. */
export const BatchFile = z.object({
  name: z.string().min(1).max(500),
  sha256: Sha256,
  format: z.enum(['csv', 'parquet']),
});
export type BatchFile = z.infer<typeof BatchFile>;
