import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from './identifiers.ts';

/** One answered row, as the gateway writes it to its local segment (one JSON line) before it answers. */
export const PredictionRecord = z.object({
  v: z.literal(1),
  id: z.string().min(1).max(200),
  /** When it happened in the world; equals recordedAt except in rehearsals. */
  eventTime: Instant,
  recordedAt: Instant,
  release: Sha256,
  modelVersion: z.number().int(),
  generation: z.number().int(),
  role: z.enum(['champion', 'canary', 'shadow', 'pinned']),
  replay: z.boolean(),
  features: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
  /** Of a classifier the label. */
  prediction: z.union([z.number(), z.string(), z.boolean()]),
  /** Of a classifier that gives them: one a class, in the order of the version's signature. */
  probabilities: z.array(z.number()).optional(),
});
export type PredictionRecord = z.infer<typeof PredictionRecord>;

/**
 * A sealed segment in the object store, Parquet with one row a prediction:
 * `id, event_time, recorded_at (TIMESTAMP, UTC), release, model_version, generation, role, replay`, `prediction` (DOUBLE, or of
 * a classifier's labels BOOLEAN or VARCHAR), `probabilities` (DOUBLE[]) where the model gives some,
 * and one column `f_<feature>` a feature.
 */
export const PredictionSegment = z.object({
  /** Made by the gateway when it opens the segment, so that an upload that runs twice is one row. */
  id: Id,
  gatewayId: Id,
  modelId: Id,
  environment: Name,
  sha256: Sha256,
  rows: z.number().int(),
  /** Requests that were refused or went unlogged because the disk was full, since the segment before. */
  dropped: z.number().int(),
  from: Instant,
  to: Instant,
  recordedAt: Instant,
});
export type PredictionSegment = z.infer<typeof PredictionSegment>;

export const LabelInput = z.object({
  id: z.string().min(1).max(200),
  /** A number, or of a classifier the class. */
  value: z.union([z.number(), z.string().max(1000), z.boolean()]),
  at: Instant.optional(),
});
export type LabelInput = z.infer<typeof LabelInput>;

/** Requests that the gateways have answered by release in a generation; what a canary is judged by. */
export const ServingCount = z.object({
  gatewayId: Id,
  modelId: Id,
  environment: Name,
  generation: z.number().int(),
  releaseDigest: Sha256,
  requests: z.number().int(),
  errors: z.number().int(),
  /** How many took how long, by the buckets of latency.ts; empty where an older gateway did not say. */
  latency: z.array(z.number().int()).default([]),
});
export type ServingCount = z.infer<typeof ServingCount>;

/** How the answers of a shadow differ from the champion's, as one gateway has compared them; counts are of rows. */
export const ShadowCount = z.object({
  gatewayId: Id,
  modelId: Id,
  environment: Name,
  generation: z.number().int(),
  /** The shadow's. */
  releaseDigest: Sha256,
  compared: z.number().int(),
  /** Rows that the champion answered and the shadow could not. */
  failed: z.number().int(),
  /** Rows that it was not asked, because it was behind. */
  dropped: z.number().int(),
  /** Sum of the absolute differences of the rows compared. */
  absoluteDifference: z.number(),
  /** Rows that differ by more than the tolerance. */
  beyond: z.number().int(),
});
export type ShadowCount = z.infer<typeof ShadowCount>;
