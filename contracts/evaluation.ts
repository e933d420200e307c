import { z } from 'zod';
import { Id, Instant, Sha256 } from './identifiers.ts';

export const RegressionMetrics = z.object({
  task: z.literal('regression'),
  rows: z.number().int(),
  rmse: z.number(),
  mae: z.number(),
  r2: z.number(),
  mape: z.number(),
  medianAbsoluteError: z.number(),
});
export type RegressionMetrics = z.infer<typeof RegressionMetrics>;

export const Interval = z.object({ confidence: z.number(), low: z.number(), high: z.number() });

export const GateVerdict = z.object({
  gate: z.string(),
  verdict: z.enum(['pass', 'fail', 'not-applicable', 'inconclusive']),
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  n: z.number().int(),
  /** Plain words, e.g. `no gain over the champion`. Empty when passed. */
  reason: z.string(),
});
export type GateVerdict = z.infer<typeof GateVerdict>;

/** What the platform measured on the holdout; a blob of its own named by digest, kept as a row too. */
export const EvaluationBody = z.object({
  schemaVersion: z.literal(1),
  modelVersionDigest: Sha256,
  championVersionDigest: Sha256.nullable(),
  holdout: Sha256,
  metric: z.string(),
  challenger: RegressionMetrics,
  challengerInterval: Interval.nullable(),
  champion: RegressionMetrics.nullable(),
  /** (champion − challenger) / champion for metrics that are better when small. */
  gain: z.number().nullable(),
  gainInterval: Interval.nullable(),
  slices: z.array(
    z.object({
      column: z.string(),
      value: z.string(),
      challenger: RegressionMetrics,
      champion: RegressionMetrics.nullable(),
    }),
  ),
  gates: z.array(GateVerdict),
  verdict: z.enum(['candidate', 'rejected']),
  reasons: z.array(z.string()),
});
export type EvaluationBody = z.infer<typeof EvaluationBody>;

export const Evaluation = z.object({
  id: Id,
  modelId: Id,
  environment: z.string(),
  modelVersionId: Id,
  championVersionId: Id.nullable(),
  digest: Sha256,
  body: EvaluationBody,
  runId: Id,
  recordedAt: Instant,
  effectiveAt: Instant,
  recordedBy: Id,
});
export type Evaluation = z.infer<typeof Evaluation>;
