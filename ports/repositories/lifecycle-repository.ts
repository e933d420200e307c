import type { Command, CommandBody, Idempotency } from '../../contracts/runs/command.ts';
import type { Id, Instant, Page, PageRequest, Scope } from '../../contracts/identifiers.ts';
import type { LifecycleOrders, LifecyclePlan, LifecycleSnapshot } from '../../contracts/runs/lifecycle-plan.ts';
import type { Trigger } from '../../contracts/runs/trigger.ts';

export interface LifecycleRepository {
  /**
   * Writes the command (and the queued run of a `run` command). The same Idempotency-Key, principal and route answer
   * the first command again; with another request (`idempotency.requestDigest`, else the body's digest) `idempotency-conflict`. Nobody has been told yet: call WorkflowClient.advance.
   */
  submit(scope: Scope, body: CommandBody, by: Id, idempotency?: Idempotency): Promise<Command>;
  /** Writes the `schedule` trigger of one firing, once; `unproven` if the scope has no schedule that is due then. */
  fire(
    scope: Scope,
    firing: { readonly schedule: string; readonly firedAt: Instant; readonly by: Id },
  ): Promise<Command>;
  command(id: Id): Promise<Command>;
  /** What the lifecycle would decide by if it looked now; nothing is locked, taken or written. */
  snapshot(scope: Scope): Promise<LifecycleSnapshot>;
  /** Newest first. */
  triggers(scope: Scope, page: PageRequest): Promise<Page<Trigger>>;
  /** Scopes with commands that have been pending for longer than `olderThanMs`: Temporal was away. */
  stranded(olderThanMs: number): Promise<readonly Scope[]>;
  /**
   * One transaction under the scope's lock: takes pending commands, reads the snapshot, asks `plan`, carries the plan
   * out (new runs, consumed triggers, supersession, cancellation marks) and answers what the workflow must do.
   * Orders are repeated until the runs that they start have begun, so losing an answer loses nothing.
   */
  advance(scope: Scope, plan: (snapshot: LifecycleSnapshot) => LifecyclePlan): Promise<LifecycleOrders>;
}
