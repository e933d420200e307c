import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';

/** One answered row, as the gateway writes it to its local segment (one JSON line) before it answers. */
export const PredictionRecord = z.object({
  v: z.literal(1),
  id: z.string().min(1).max(200),
  /** The id that the caller gave the request, and the row's place in it; absent if there was none. */
  request: z.string().min(1).max(200).optional(),
  row: z.number().int().optional(),
  /** When it happened in the world; equals recordedAt except in rehearsals. */
  eventTime: Instant,
  recordedAt: Instant,
  release: Sha256,
  modelVersion: z.number().int(),
  generation: z.number().int(),
  role: z.enum(['champion', 'canary', 'shadow', 'pinned']),
  replay: z.boolean(),
  features: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
  /** The label, for a classifier; null if the model had no answer for the row. */
  prediction: z.union([z.number(), z.string(), z.boolean(), z.null()]),
  /** Why there is no prediction. */
  error: z.string().optional(),
  /** Of a classifier that gives them: one a class, in the order of the version's signature. */
  probabilities: z.array(z.number()).optional(),
  /** The values of the model's other outputs, by name; null for numbers that are not finite. Wide outputs are omitted. */
  vectors: z.record(z.string(), z.array(z.number().nullable())).optional(),
});
export type PredictionRecord = z.infer<typeof PredictionRecord>;

/**
 * A sealed segment in the object store, Parquet with one row a prediction:
 * `id, event_time, recorded_at (TIMESTAMP, UTC), release, model_version, generation, role, replay`, `prediction` (DOUBLE, or of
 * a classifier's labels BOOLEAN or VARCHAR; NULL where `error` says why there is none), `probabilities` (DOUBLE[]) and `vectors` (MAP(VARCHAR, DOUBLE[])) where the model gives some,
 * one column `f_<feature>` a feature, and `request` and `request_row` where a caller gave an id.
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

/**
 * What the database keeps of each prediction that counts, so that labels find theirs. Pages of such rows travel from the table
 * engine to the database as the text of a JSON list, without an object for each row.
 */
export interface IndexedPrediction {
  readonly id: string;
  readonly request: string | null;
  readonly row: number | null;
  readonly version: number;
  readonly happened: Instant;
  readonly recorded: Instant;
}

/** Identifies what is counted. */
const CountKey = z.object({
  gatewayId: Id,
  modelId: Id,
  environment: Name,
  generation: z.number().int(),
  releaseDigest: Sha256,
});
export type CountKey = z.infer<typeof CountKey>;

/** The epoch of counts from before epochs were introduced. */
const firstEpoch = '00000000-0000-0000-0000-000000000000';

/**
 * Within an epoch a gateway's counts only grow, so the larger of two reports is the later one. A gateway that restarts
 * from zero begins a new epoch, and the database sums the epochs.
 */
const InEpoch = z.object({ epoch: Id.default(firstEpoch) });
export type InEpoch = z.infer<typeof InEpoch>;

/** Requests that gateways have answered, by release in a generation. Canaries are judged by these counts. */
export const ServingCount = CountKey.extend({
  requests: z.number().int(),
  /** Requests with a row that the model failed on. Refused requests count neither as requests nor as errors. */
  errors: z.number().int(),
  /** Errors on requests that the step's other release could answer: the champion for a canary, and vice versa. */
  ownErrors: z.number().int().default(0),
  /** How many took how long, by the buckets of latency.ts; empty where an older gateway did not say. */
  latency: z.array(z.number().int()).default([]),
});
export type ServingCount = z.infer<typeof ServingCount>;

/** What a gateway reports. */
export const ServingCountOfEpoch = ServingCount.extend(InEpoch.shape);
export type ServingCountOfEpoch = z.infer<typeof ServingCountOfEpoch>;

/** How the answers of a shadow (`releaseDigest`) differ from the champion's, as one gateway has compared them; counts are of rows. */
export const ShadowCount = CountKey.extend({
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

export const ShadowCountOfEpoch = ShadowCount.extend(InEpoch.shape);
export type ShadowCountOfEpoch = z.infer<typeof ShadowCountOfEpoch>;
