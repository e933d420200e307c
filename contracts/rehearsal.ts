import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from './identifiers.ts';

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

export const RehearsalPeriod = z.object({
  index: z.number().int(),
  label: z.string(),
  from: Instant,
  to: Instant,
  rows: z.number().int(),
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
  summary: z
    .object({
      metricAsServed: z.number(),
      metricNeverReplaced: z.number(),
      promoted: z.number().int(),
      refused: z.number().int(),
      unchanged: z.number().int(),
    })
    .nullable(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Rehearsal = z.infer<typeof Rehearsal>;
