import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';

export const RehearsalPlan = z.object({
  schemaVersion: z.literal(1),
  /** First period's first instant and last period's end, half-open, on period boundaries in the model's zone. */
  from: Instant,
  to: Instant,
  every: z.enum(['day', 'week', 'month']),
  /** The dataset to rehearse on; its digest is resolved when it starts. */
  datasetVersionId: Id,
  codeVersionId: Id,
  configurationId: Id,
  /** Dataset rows and schedules come from this environment. */
  sourceEnvironment: Name,
});
export type RehearsalPlan = z.infer<typeof RehearsalPlan>;

/** Rows that the gateway refused because of a value, most often a missing one. They are not answered, logged or labelled. */
export const RefusedRows = z.object({
  rows: z.number().int(),
  /** The features with the most such rows. A row counts once, under the feature that the gateway named. */
  features: z.array(z.object({ name: z.string(), rows: z.number().int() })),
});
export type RefusedRows = z.infer<typeof RefusedRows>;

/** What became of the rows of a period when they were served. Absent: none. */
const served = {
  refusedRows: RefusedRows.optional(),
  /** Rows that the model had no finite answer to. */
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

/** Means over the periods that have a metric, counts of the builds, and counts of the rows of all periods. */
export const RehearsalSummary = z.object({
  /** null: no period has one. */
  metricAsServed: z.number().nullable(),
  metricNeverReplaced: z.number().nullable(),
  promoted: z.number().int(),
  refused: z.number().int(),
  unchanged: z.number().int(),
  /** Rows that the gateway refused, and rows without a finite answer. Absent: none. */
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
