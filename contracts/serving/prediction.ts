import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';

/**
 * One answered row. Gateways up to 0.2 wrote it to their local segment as one JSON line; later ones write blocks of rows
 * (`segment-blocks/block-format.ts`).
 */
export const PredictionRecord = z.object({
  v: z.literal(1),
  id: z.string().min(1).max(200),
  /** The request id given by the caller, and the row's index in the request; absent if the caller gave no id. */
  request: z.string().min(1).max(200).optional(),
  row: z.number().int().optional(),
  /** When the predicted event happened. Equal to `recordedAt` except in rehearsals. */
  eventTime: Instant,
  recordedAt: Instant,
  release: Sha256,
  modelVersion: z.number().int(),
  generation: z.number().int(),
  role: z.enum(['champion', 'canary', 'shadow', 'pinned']),
  replay: z.boolean(),
  features: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
  /** For a classifier, the predicted label. null if the model had no answer for the row. */
  prediction: z.union([z.number(), z.string(), z.boolean(), z.null()]),
  /** Why there is no prediction. */
  error: z.string().optional(),
  /** For a classifier that returns probabilities: one per class, in the order of the version's signature. */
  probabilities: z.array(z.number()).optional(),
  /** The values of the model's other outputs, by name; null for numbers that are not finite. Wide outputs are omitted. */
  vectors: z.record(z.string(), z.array(z.number().nullable())).optional(),
});
export type PredictionRecord = z.infer<typeof PredictionRecord>;

/**
 * A sealed segment in the object store: a Parquet file with one row per prediction. Its columns are
 * `id, event_time, recorded_at (TIMESTAMP, UTC), release, model_version, generation, role, replay`;
 * `prediction` (DOUBLE; for a classifier's labels possibly BOOLEAN or VARCHAR), which is NULL if `error` gives a
 * reason;
 * `probabilities` (DOUBLE[]) and `vectors` (MAP(VARCHAR, DOUBLE[])), if the model returns them;
 * `f_<feature>`, one column per feature; and `request` and `request_row`, if callers gave request ids.
 */
export const PredictionSegment = z.object({
  /** Assigned by the gateway when it opens the segment, so that a repeated upload does not add a second row. */
  id: Id,
  gatewayId: Id,
  modelId: Id,
  environment: Name,
  sha256: Sha256,
  rows: z.number().int(),
  /**
   * Rows that were refused or not logged since the previous segment, because the local log was full or could not be
   * written.
   */
  dropped: z.number().int(),
  from: Instant,
  to: Instant,
  recordedAt: Instant,
});
export type PredictionSegment = z.infer<typeof PredictionSegment>;

/**
 * The fields of a logged prediction that the database keeps to match labels with predictions. Pages of such rows go
 * from the table engine to the database as the text of a JSON array, without an object per row.
 */
export interface IndexedPrediction {
  readonly id: string;
  readonly request: string | null;
  readonly row: number | null;
  readonly version: number;
  readonly happened: Instant;
  readonly recorded: Instant;
}

/** Identifies what the counts belong to. */
const CountKey = z.object({
  gatewayId: Id,
  modelId: Id,
  environment: Name,
  generation: z.number().int(),
  releaseDigest: Sha256,
});
export type CountKey = z.infer<typeof CountKey>;

/** The epoch of counts that were recorded before epochs existed. */
const firstEpoch = '00000000-0000-0000-0000-000000000000';

/**
 * Within an epoch, a gateway's counts only grow, so the larger of two reports is the later one. A gateway that restarts
 * counts from zero in a new epoch, and the database sums the epochs.
 */
const InEpoch = z.object({ epoch: Id.default(firstEpoch) });
export type InEpoch = z.infer<typeof InEpoch>;

/**
 * Requests that gateways have answered, per release and generation. The rollout of a canary is decided by these counts.
 */
export const ServingCount = CountKey.extend({
  requests: z.number().int(),
  /** Requests with a row that the model failed on. Refused requests count neither as requests nor as errors. */
  errors: z.number().int(),
  /**
   * Errors on requests that the other release of the rollout step could answer: for a canary the champion, and vice
   * versa.
   */
  ownErrors: z.number().int().default(0),
  /** Number of requests per latency bucket (see `latency.ts`); empty if an older gateway did not report it. */
  latency: z.array(z.number().int()).default([]),
});
export type ServingCount = z.infer<typeof ServingCount>;

/** The counts that a gateway reports. */
export const ServingCountOfEpoch = ServingCount.extend(InEpoch.shape);
export type ServingCountOfEpoch = z.infer<typeof ServingCountOfEpoch>;

/**
 * How the answers of a shadow (`releaseDigest`) differ from the champion's, as measured by one gateway. All counts are
 * of rows.
 */
export const ShadowCount = CountKey.extend({
  compared: z.number().int(),
  /** Rows that the champion answered and the shadow could not. */
  failed: z.number().int(),
  /** Rows that were not sent to the shadow because it lagged behind. */
  dropped: z.number().int(),
  /** Sum of the absolute differences over the compared rows. */
  absoluteDifference: z.number(),
  /** Rows that differ by more than the tolerance. */
  beyond: z.number().int(),
});
export type ShadowCount = z.infer<typeof ShadowCount>;

export const ShadowCountOfEpoch = ShadowCount.extend(InEpoch.shape);
export type ShadowCountOfEpoch = z.infer<typeof ShadowCountOfEpoch>;
