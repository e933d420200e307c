import { z } from 'zod';
import type { Sha256 } from '../identifiers.ts';
import { Id, Instant, Scope } from '../identifiers.ts';
import { RunRequest } from './run.ts';
import { TriggerKind } from './trigger.ts';

/**
 * What somebody asked of an environment. The row is written before Temporal is told, so nothing is lost while
 * Temporal is away; the lifecycle takes pending commands in the order of their ids.
 */
export const CommandBody = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('run'), schemaVersion: z.literal(1), request: RunRequest }),
  z.object({
    kind: z.literal('trigger'),
    schemaVersion: z.literal(1),
    trigger: TriggerKind,
    reason: z.string(),
    fingerprint: z.string(),
  }),
  z.object({ kind: z.literal('resume'), schemaVersion: z.literal(1), reason: z.string() }),
  z.object({ kind: z.literal('cancel'), schemaVersion: z.literal(1), runId: Id, reason: z.string() }),
  /** Virtual clocks only: the period is over, now is `asOf`; pending triggers coalesce into one build. */
  z.object({ kind: z.literal('settle'), schemaVersion: z.literal(1), asOf: Instant }),
]);
export type CommandBody = z.infer<typeof CommandBody>;

export const Command = z.object({
  id: Id,
  scope: Scope,
  body: CommandBody,
  /** The run that the command made, made with it. */
  runId: Id.nullable(),
  status: z.enum(['pending', 'accepted', 'refused']),
  refusal: z.string().nullable(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Command = z.infer<typeof Command>;

/** Scopes an Idempotency-Key: the same key, principal and route with another body is a conflict. */
export interface Idempotency {
  readonly key: string;
  readonly route: string;
  /**
   * Digest of the request as it was sent; what "another body" is judged by. Absent: the command body's digest. The command
   * itself would not do: a default such as `asOf` is filled in from the clock, and differs when the request is sent again.
   */
  readonly requestDigest?: Sha256;
}
