import { z } from 'zod';
import { Approval } from './approval.ts';
import { ColumnShift, RowDifference } from '../data/dataset-difference.ts';
import { GateVerdict, Interval } from '../models/evaluation.ts';
import { Id, Instant, Sha256 } from '../identifiers.ts';
import { Metrics } from '../models/metrics.ts';
import { UnlabelledRows } from '../data/unlabelled-rows.ts';

const Cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** One of the held-out rows on which the champion and the challenger disagree most. */
export const ChangedRow = z.object({
  /** The row's instant and key, if the data has them. */
  at: Instant.nullable(),
  key: Cell,
  truth: Cell,
  champion: Cell,
  challenger: Cell,
  features: z.record(z.string(), Cell),
});
export type ChangedRow = z.infer<typeof ChangedRow>;

export const ChangedRows = z.object({
  /** `difference`: the rows whose predictions differ most. `flip`: rows whose decisions differ. */
  kind: z.enum(['difference', 'flip']),
  /** Number of held-out rows that were compared. */
  compared: z.number().int(),
  /** Number of the compared rows whose prediction or decision differs. */
  changed: z.number().int(),
  /** Mean absolute difference for `difference`; null for `flip`. */
  meanDifference: z.number().nullable(),
  /**
   * True if the challenger is a refit. A refit was trained on these rows, so its answers to them do not measure its
   * quality.
   */
  challengerTrainedOn: z.boolean().optional(),
  rows: z.array(ChangedRow),
});
export type ChangedRows = z.infer<typeof ChangedRows>;

/**
 * Comparison of two datasets: their rows, matched by the key, and how the values of each column have shifted, largest
 * shift first.
 */
export const RowsCompared = z.object({
  /** null if the key is not unique; rows were then compared as a whole. */
  key: z.string().nullable(),
  rows: RowDifference.shape.rows,
  changedBy: RowDifference.shape.changedBy,
  shifts: z.array(
    ColumnShift.pick({ column: true, mean: true, standardisedDifference: true, nulls: true }).extend({
      /** Population stability index; null if either dataset has no value in the column. */
      psi: z.number().nullable(),
    }),
  ),
  /** Number of columns that both datasets have. `shifts` may hold fewer, namely those with the largest shifts. */
  columns: z.number().int(),
});
export type RowsCompared = z.infer<typeof RowsCompared>;

/**
 * Difference of two datasets by their manifests. Whole parts are compared: the rows of a part count as added or removed
 * if only one dataset has that part.
 */
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
  /** Comparison by row and column. Absent if no part differs, or if `missing` says why it could not be made. */
  compared: RowsCompared.optional(),
});
export type DataDifference = z.infer<typeof DataDifference>;

export const FileDifference = z.object({
  path: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  /** Lines of a unified diff; null if the file is not text or is too long to be shown. */
  lines: z.array(z.string()).nullable(),
});
export type FileDifference = z.infer<typeof FileDifference>;

/** Values as JSON text; null where the value does not exist. */
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

/**
 * Evidence of an approval request in addition to its evaluation, compared with the champion. It is collected when the
 * request is made.
 */
export const EvidenceDetails = z.object({
  schemaVersion: z.literal(1),
  /** null if there is no champion, or if it could not predict the same rows; `missing` then says why. */
  changedRows: ChangedRows.nullable(),
  data: DataDifference,
  code: z.object({ from: z.number().int().nullable(), to: z.number().int(), files: z.array(FileDifference) }),
  parameters: z.array(ValueDifference),
  dependencies: z.array(ValueDifference),
  configuration: z.array(ValueDifference),
  lineage: Lineage,
  /** The parts of the evidence that could not be collected, with the reasons. */
  missing: z.array(z.string()),
});
export type EvidenceDetails = z.infer<typeof EvidenceDetails>;

const CalibrationBin = z.object({ predicted: z.number(), observed: z.number(), rows: z.number().int() });

/** The evidence of an approval request, in the order in which it is displayed. */
export const Evidence = z.object({
  schemaVersion: z.literal(1),
  /** Displayed before all numbers. */
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
    /** Gain relative to the champion; a larger gain is better. */
    gain: z.number().nullable(),
    gainInterval: Interval.nullable(),
    /** For a refit, on which nothing could be measured: the number of the version that the metrics were measured on. */
    measuredOf: z.number().int().optional(),
  }),
  /** Ordered by the metric of the comparison, worst slice first. */
  slices: z.array(
    z.object({
      slice: z.string(),
      rows: z.number().int(),
      challenger: z.number().nullable(),
      champion: z.number().nullable(),
    }),
  ),
  /** null if the model gives no probabilities. */
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
  /** The release that a rollback would restore; null if nothing would serve. */
  rollbackTarget: z.object({ release: Sha256, modelVersion: z.number().int() }).nullable(),
  /** The steps of the rollout, in words. */
  traffic: z.array(z.string()),
  /** The conditions that stop the rollout automatically during a step, in words. */
  stops: z.array(z.string()),
  missing: z.array(z.string()),
  /** The request that casts a vote: a POST authenticated with the voter's own key. */
  decide: z.object({ method: z.literal('POST'), path: z.string(), digest: Sha256, id: Id }),
});
export type Evidence = z.infer<typeof Evidence>;
