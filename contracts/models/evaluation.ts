import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';
import { Metrics } from './metrics.ts';

export const Interval = z.object({ confidence: z.number(), low: z.number(), high: z.number() });

export const GateVerdict = z.object({
  gate: z.string(),
  verdict: z.enum(['pass', 'fail', 'not-applicable', 'inconclusive']),
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  n: z.number().int(),
  /** The reason in plain words, for example `no gain over the champion`. Empty if the gate passed. */
  reason: z.string(),
});
export type GateVerdict = z.infer<typeof GateVerdict>;

/** Latency of single-row calls, made one after another in a separate process. The figures depend on the machine. */
export const LatencyMeasurement = z.object({
  calls: z.number().int(),
  p50Ms: z.number(),
  p95Ms: z.number(),
  p99Ms: z.number(),
  machine: z.string(),
});
export type LatencyMeasurement = z.infer<typeof LatencyMeasurement>;

/**
 * Metrics measured by the platform on the holdout. The body is stored as a blob, identified by its digest, and in a
 * table row.
 */
export const EvaluationBody = z.object({
  schemaVersion: z.literal(1),
  modelVersionDigest: Sha256,
  championVersionDigest: Sha256.nullable(),
  holdout: Sha256,
  metric: z.string(),
  challenger: Metrics,
  challengerInterval: Interval.nullable(),
  champion: Metrics.nullable(),
  /**
   * Relative gain over the champion: (champion − challenger) / champion for metrics that are better when small. null if
   * there is no champion, or if a metric is undefined on these rows.
   */
  gain: z.number().nullable(),
  gainInterval: Interval.nullable(),
  slices: z.array(
    z.object({
      column: z.string(),
      value: z.string(),
      challenger: Metrics,
      champion: Metrics.nullable(),
    }),
  ),
  gates: z.array(GateVerdict),
  verdict: z.enum(['candidate', 'rejected']),
  reasons: z.array(z.string()),
  /** Number of held-out rows without a target, which were excluded. Absent if every row has a target. */
  unlabelled: z.number().int().optional(),
  /** Present if a gate needs the latency. */
  latency: LatencyMeasurement.optional(),
  /** Digest of a PermutationImportance blob (`importance.ts`). */
  importance: Sha256.optional(),
  /**
   * Present for a refitted version. It was trained on every row, so no row is left to measure it on; the numbers here
   * come from the cited evaluation of the version that was refitted.
   */
  cites: z.object({ evaluation: Sha256, modelVersion: z.number().int(), artifact: Sha256 }).optional(),
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
