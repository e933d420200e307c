import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';

/**
 * A release that serves. `weight` is in percent of requests; the champion gets the requests that the canary does not.
 * The answers of a shadow are not returned to callers.
 */
export const Slot = z.object({
  role: z.enum(['champion', 'canary', 'shadow']),
  releaseId: Id,
  releaseDigest: Sha256,
  modelVersionId: Id,
  modelVersionNumber: z.number().int(),
  weight: z.number().min(0).max(100),
});
export type Slot = z.infer<typeof Slot>;

/**
 * What serves in an environment. Each change adds one immutable row. The weights of champion and canary add up to 100.
 * Without slots nothing serves, because a first release was undone or the model was archived.
 */
export const Generation = z.object({
  modelId: Id,
  environment: Name,
  generation: z.number().int().min(1),
  slots: z.array(Slot),
  change: z.enum(['first', 'shadow', 'canary', 'promote', 'abort', 'rollback', 'archive', 'restore']),
  reason: z.string(),
  runId: Id,
  recordedAt: Instant,
  effectiveAt: Instant,
  recordedBy: Id,
});
export type Generation = z.infer<typeof Generation>;

/** A gateway. A generation counts as deployed only when every gateway with a live lease has loaded it. */
export const GatewayLease = z.object({ id: Id, address: z.url(), startedAt: Instant, leaseUntil: Instant });
export type GatewayLease = z.infer<typeof GatewayLease>;

export const Acknowledgement = z.object({
  gatewayId: Id,
  modelId: Id,
  environment: Name,
  generation: z.number().int(),
  /** null if the gateway has loaded the generation; otherwise why it could not. */
  error: z.string().nullable(),
  recordedAt: Instant,
});
export type Acknowledgement = z.infer<typeof Acknowledgement>;
