import { z } from 'zod';
import { Instant, Sha256 } from './identifiers.ts';

const Cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** A held-out row on which champion and challenger disagree most. */
export const ChangedRow = z.object({
  /** The row's instant and key, where the data has them. */
  at: Instant.nullable(),
  key: Cell,
  truth: Cell,
  champion: Cell,
  challenger: Cell,
  features: z.record(z.string(), Cell),
});
export type ChangedRow = z.infer<typeof ChangedRow>;

export const ChangedRows = z.object({
  /** difference: the rows whose prediction moves most; flip: rows whose decision is another. */
  kind: z.enum(['difference', 'flip']),
  /** Held-out rows that were compared. */
  compared: z.number().int(),
  /** Of these, how many change at all. */
  changed: z.number().int(),
  /** Mean absolute difference for `difference`; null for flips. */
  meanDifference: z.number().nullable(),
  rows: z.array(ChangedRow),
});
export type ChangedRows = z.infer<typeof ChangedRows>;

/** By manifests, so of parts: rows of the parts that only one of the two has. */
export const DataDifference = z.object({
  from: z.number().int().nullable(),
  to: z.number().int(),
  rowsBefore: z.number().int().nullable(),
  rows: z.number().int(),
  rowsAdded: z.number().int(),
  rowsRemoved: z.number().int(),
  columnsAdded: z.array(z.string()),
  columnsRemoved: z.array(z.string()),
  columnsChanged: z.array(z.string()),
});
export type DataDifference = z.infer<typeof DataDifference>;

export const FileDifference = z.object({
  path: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  /** In unified form; null where the file is no text, or is too long to be shown. */
  lines: z.array(z.string()).nullable(),
});
export type FileDifference = z.infer<typeof FileDifference>;

/** Values as JSON text; null: not there. */
export const ValueDifference = z.object({
  name: z.string(),
  before: z.string().nullable(),
  after: z.string().nullable(),
});
export type ValueDifference = z.infer<typeof ValueDifference>;

export const Lineage = z.object({
  dataset: z.object({ number: z.number().int(), digest: Sha256 }),
  code: z.object({ number: z.number().int(), digest: Sha256, recordedBy: z.string(), commit: z.string().nullable() }),
  configuration: z.object({ number: z.number().int(), digest: Sha256 }),
  modelVersion: z.object({ number: z.number().int(), artifact: Sha256, trainingKey: Sha256, seed: z.number().int() }),
  trained: z.object({ from: Instant, to: Instant, trainingRows: z.number().int(), holdoutRows: z.number().int() }),
  evaluation: z.object({ digest: Sha256, environment: z.string() }),
});
export type Lineage = z.infer<typeof Lineage>;

/** What a request shows besides its evaluation, gathered when it was made; against what the champion was made of. */
export const EvidenceDetails = z.object({
  schemaVersion: z.literal(1),
  /** null: there is no champion, or it could not be asked about the same rows, as `missing` says. */
  changedRows: ChangedRows.nullable(),
  data: DataDifference,
  code: z.object({ from: z.number().int().nullable(), to: z.number().int(), files: z.array(FileDifference) }),
  parameters: z.array(ValueDifference),
  dependencies: z.array(ValueDifference),
  configuration: z.array(ValueDifference),
  lineage: Lineage,
  /** What could not be gathered, and why. */
  missing: z.array(z.string()),
});
export type EvidenceDetails = z.infer<typeof EvidenceDetails>;
