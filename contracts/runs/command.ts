import { z } from 'zod';
import type { Sha256 } from '../identifiers.ts';
import { Id, Instant, Scope } from '../identifiers.ts';
import { RunRequest } from './run.ts';
import { TriggerKind } from './trigger.ts';

/**
 * A request to change an environment. The row is committed before Temporal is notified, so that nothing is lost while
 * Temporal is unreachable. The lifecycle takes pending commands in the order of their ids.
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
  /**
   * For virtual clocks only: the period has ended and the clock reads `asOf`. Pending triggers coalesce into one build.
   */
  z.object({ kind: z.literal('settle'), schemaVersion: z.literal(1), asOf: Instant }),
]);
export type CommandBody = z.infer<typeof CommandBody>;

export const Command = z.object({
  id: Id,
  scope: Scope,
  body: CommandBody,
  /** The run that was created together with the command, if the command creates one. */
  runId: Id.nullable(),
  status: z.enum(['pending', 'accepted', 'refused']),
  refusal: z.string().nullable(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Command = z.infer<typeof Command>;

/**
 * Identifies a request by its Idempotency-Key. The same key, principal and route with a different body is a conflict.
 */
export interface Idempotency {
  readonly key: string;
  readonly route: string;
  /**
   * Digest of the request as it was sent, which decides whether two bodies differ. When absent, the command body's
   * digest is used. For some requests that digest is unsuitable: a default such as `asOf` is taken from the clock, so
   * it changes when the request is repeated.
   */
  readonly requestDigest?: Sha256;
}
