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
  /** Plain words, e.g. `no gain over the champion`. Empty when passed. */
  reason: z.string(),
});
export type GateVerdict = z.infer<typeof GateVerdict>;

/** How long calls of one row took, one after the other, in a process of its own; of the machine that it was measured on. */
export const LatencyMeasurement = z.object({
  calls: z.number().int(),
  p50Ms: z.number(),
  p95Ms: z.number(),
  p99Ms: z.number(),
  machine: z.string(),
});
export type LatencyMeasurement = z.infer<typeof LatencyMeasurement>;

/** What the platform measured on the holdout; a blob of its own named by digest, kept as a row too. */
export const EvaluationBody = z.object({
  schemaVersion: z.literal(1),
  modelVersionDigest: Sha256,
  championVersionDigest: Sha256.nullable(),
  holdout: Sha256,
  metric: z.string(),
  challenger: Metrics,
  challengerInterval: Interval.nullable(),
  champion: Metrics.nullable(),
  /** (champion − challenger) / champion for metrics that are better when small; null also where a metric is not defined on these rows. */
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
  /** Held-out rows without a target, which were left out; absent where every row has one. */
  unlabelled: z.number().int().optional(),
  /** Where a gate asked for it. */
  latency: LatencyMeasurement.optional(),
  /** The blob of a PermutationImportance (importance.ts). */
  importance: Sha256.optional(),
  /**
   * Of a refitted version: nothing was measured of it, as no row is left that it was not trained on. The numbers are
   * those of this evaluation, of the version that it is the refit of.
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
