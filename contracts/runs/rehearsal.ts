import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';

export const RehearsalPlan = z.object({
  schemaVersion: z.literal(1),
  /**
   * The start of the first period and the end of the last one, half-open, on period boundaries in the model's time
   * zone.
   */
  from: Instant,
  to: Instant,
  every: z.enum(['day', 'week', 'month']),
  /** The dataset to rehearse on. Its digest is resolved when the rehearsal starts. */
  datasetVersionId: Id,
  codeVersionId: Id,
  configurationId: Id,
  /** The environment that dataset rows and schedules are taken from. */
  sourceEnvironment: Name,
});
export type RehearsalPlan = z.infer<typeof RehearsalPlan>;

/**
 * Rows that the gateway refused because of a value, most often a missing one. They are neither answered nor logged nor
 * labelled.
 */
export const RefusedRows = z.object({
  rows: z.number().int(),
  /** The features with the most refused rows. A row counts once, for the feature that the gateway named. */
  features: z.array(z.object({ name: z.string(), rows: z.number().int() })),
});
export type RefusedRows = z.infer<typeof RefusedRows>;

/** Rows of a period that could not be served. Absent fields mean none. */
const served = {
  refusedRows: RefusedRows.optional(),
  /** Rows for which the model gave no finite answer. */
  unansweredRows: z.number().int().optional(),
};
export const ServedPeriod = z.object(served);
export type ServedPeriod = z.infer<typeof ServedPeriod>;

export const RehearsalPeriod = z.object({
  index: z.number().int(),
  label: z.string(),
  from: Instant,
  to: Instant,
  /** Rows with an answer and a label. */
  rows: z.number().int(),
  ...served,
  metricAsServed: z.number().nullable(),
  metricNeverReplaced: z.number().nullable(),
  findings: z.array(z.string()),
  triggers: z.array(z.string()),
  build: z
    .object({
      decision: z.enum(['promoted', 'refused', 'unchanged', 'failed']),
      reasons: z.array(z.string()),
      runId: Id,
      modelVersion: z.number().int().nullable(),
      artifact: Sha256.nullable(),
      dataset: Sha256.nullable(),
      evaluation: Sha256.nullable(),
      release: Sha256.nullable(),
      challengerMetric: z.number().nullable(),
      championMetric: z.number().nullable(),
      gain: z.number().nullable(),
      trainingRows: z.number().int().nullable(),
      holdoutRows: z.number().int().nullable(),
    })
    .nullable(),
});
export type RehearsalPeriod = z.infer<typeof RehearsalPeriod>;

/** Mean metrics of the periods that have one, the number of builds by decision, and row counts over all periods. */
export const RehearsalSummary = z.object({
  /** null if no period has this metric. */
  metricAsServed: z.number().nullable(),
  metricNeverReplaced: z.number().nullable(),
  promoted: z.number().int(),
  refused: z.number().int(),
  unchanged: z.number().int(),
  /** Rows that the gateway refused, and rows without a finite answer. Absent fields mean none. */
  refusedRows: z.number().int().optional(),
  unansweredRows: z.number().int().optional(),
});
export type RehearsalSummary = z.infer<typeof RehearsalSummary>;

export const Rehearsal = z.object({
  id: Id,
  modelId: Id,
  project: Name,
  model: Name,
  environment: Name,
  runId: Id,
  plan: RehearsalPlan,
  metric: z.string(),
  periods: z.array(RehearsalPeriod),
  summary: RehearsalSummary.nullable(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Rehearsal = z.infer<typeof Rehearsal>;
