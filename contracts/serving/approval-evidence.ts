import { z } from 'zod';
import { Approval } from './approval.ts';
import { ColumnShift, RowDifference } from '../data/dataset-difference.ts';
import { GateVerdict, Interval } from '../models/evaluation.ts';
import { Id, Instant, Sha256 } from '../identifiers.ts';
import { Metrics } from '../models/metrics.ts';
import { UnlabelledRows } from '../data/unlabelled-rows.ts';

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
  /** The challenger is a refit: it was trained on these rows, so that its answers to them measure nothing. Absent: it was not. */
  challengerTrainedOn: z.boolean().optional(),
  rows: z.array(ChangedRow),
});
export type ChangedRows = z.infer<typeof ChangedRows>;

/** The rows of the two, told apart by the key; and how the values of each column have moved, the widest first. */
export const RowsCompared = z.object({
  /** null: it is not unique, so rows were compared as wholes. */
  key: z.string().nullable(),
  rows: RowDifference.shape.rows,
  changedBy: RowDifference.shape.changedBy,
  shifts: z.array(
    ColumnShift.pick({ column: true, mean: true, standardisedDifference: true, nulls: true }).extend({
      /** Population stability index; null where either has no value. */
      psi: z.number().nullable(),
    }),
  ),
  /** Columns that both have: more than `shifts` where the widest alone are kept. */
  columns: z.number().int(),
});
export type RowsCompared = z.infer<typeof RowsCompared>;

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
  /** Row by row and column by column; absent where no part differs, or where `missing` says why. */
  compared: RowsCompared.optional(),
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
  trained: z.object({
    from: Instant,
    to: Instant,
    trainingRows: z.number().int(),
    holdoutRows: z.number().int(),
    unlabelled: UnlabelledRows.optional(),
  }),
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

const CalibrationBin = z.object({ predicted: z.number(), observed: z.number(), rows: z.number().int() });

/** Evidence of a request, in the order in which it is read. */
export const Evidence = z.object({
  schemaVersion: z.literal(1),
  /** Shown before all numbers. */
  warnings: Approval.shape.warnings,
  approval: Approval.omit({ evidence: true, subject: true, warnings: true }).extend({
    requestedByName: z.string(),
    policy: Approval.shape.subject.shape.policy,
    modelVersion: z.number().int(),
    championVersion: z.number().int().nullable(),
  }),
  gates: z.array(GateVerdict),
  comparison: z.object({
    metric: z.string(),
    challenger: Metrics,
    champion: Metrics.nullable(),
    challengerInterval: Interval.nullable(),
    /** Relative to the champion; more is better. */
    gain: z.number().nullable(),
    gainInterval: Interval.nullable(),
    /** Where the version is a refit, of which nothing could be measured: the version whose numbers these are. */
    measuredOf: z.number().int().optional(),
  }),
  /** By the metric of the comparison, the worst first. */
  slices: z.array(
    z.object({
      slice: z.string(),
      rows: z.number().int(),
      challenger: z.number().nullable(),
      champion: z.number().nullable(),
    }),
  ),
  /** null: the model gives no probabilities. */
  calibration: z
    .object({ challenger: z.array(CalibrationBin), champion: z.array(CalibrationBin).nullable() })
    .nullable(),
  changedRows: ChangedRows.nullable(),
  data: DataDifference.nullable(),
  code: EvidenceDetails.shape.code.nullable(),
  parameters: z.array(ValueDifference),
  dependencies: z.array(ValueDifference),
  configuration: z.array(ValueDifference),
  lineage: Lineage.nullable(),
  /** What serves again if it goes wrong; null: nothing would serve. */
  rollbackTarget: z.object({ release: Sha256, modelVersion: z.number().int() }).nullable(),
  /** Step by step, in words. */
  traffic: z.array(z.string()),
  /** What takes it back by itself within a step, in words. */
  stops: z.array(z.string()),
  missing: z.array(z.string()),
  /** How to decide: a POST with the decider's own key. */
  decide: z.object({ method: z.literal('POST'), path: z.string(), digest: Sha256, id: Id }),
});
export type Evidence = z.infer<typeof Evidence>;
