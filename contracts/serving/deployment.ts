import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';

/** `weight` in percent of requests; the champion's is what the canary leaves. A shadow answers nobody. */
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
 * What serves, as decided: an immutable row a change. Weights add up to 100 over champion and canary; without a slot
 * nothing serves, because a first release was taken back or the model was archived.
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

/** A gateway that keeps its lease alive must have loaded a generation before it counts as deployed. */
export const GatewayLease = z.object({ id: Id, address: z.url(), startedAt: Instant, leaseUntil: Instant });
export type GatewayLease = z.infer<typeof GatewayLease>;

export const Acknowledgement = z.object({
  gatewayId: Id,
  modelId: Id,
  environment: Name,
  generation: z.number().int(),
  /** null: loaded; otherwise why it could not be. */
  error: z.string().nullable(),
  recordedAt: Instant,
});
export type Acknowledgement = z.infer<typeof Acknowledgement>;
