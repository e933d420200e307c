import { z } from 'zod';
import { Id, Instant, Name } from '../identifiers.ts';

export const TriggerKind = z.enum(['manual', 'schedule', 'new-data', 'new-code', 'drift', 'performance']);
export type TriggerKind = z.infer<typeof TriggerKind>;

export const Trigger = z.object({
  id: Id,
  modelId: Id,
  environment: Name,
  kind: TriggerKind,
  reason: z.string(),
  /**
   * Triggers with the same fingerprint count once. A fingerprint holds, for example, the finding and the champion, or
   * the dataset's digest.
   */
  fingerprint: z.string(),
  status: z.enum(['pending', 'consumed', 'dropped']),
  /** The build that the trigger led to. `droppedBecause` says why the trigger led to no build. */
  runId: Id.nullable(),
  droppedBecause: z.string().nullable(),
  recordedAt: Instant,
  effectiveAt: Instant,
  recordedBy: Id,
});
export type Trigger = z.infer<typeof Trigger>;
