import type { Command, CommandBody, Idempotency } from '../../contracts/runs/command.ts';
import type { Id, Instant, Page, PageRequest, Scope } from '../../contracts/identifiers.ts';
import type { LifecycleOrders, LifecyclePlan, LifecycleSnapshot } from '../../contracts/runs/lifecycle-plan.ts';
import type { Trigger } from '../../contracts/runs/trigger.ts';

export interface LifecycleRepository {
  /**
   * Writes the command, and the queued run of a `run` command. If the same principal used the same idempotency key on
   * the same route before, returns that first command; throws `idempotency-conflict` if its request
   * (`idempotency.requestDigest`, else the body's digest) differs. Does not wake the lifecycle: call
   * `WorkflowClient.advance` afterwards.
   */
  submit(scope: Scope, body: CommandBody, by: Id, idempotency?: Idempotency): Promise<Command>;
  /**
   * Writes the `schedule` trigger of one firing, once. Throws `unproven` if no schedule of the scope is due at that
   * instant.
   */
  fire(
    scope: Scope,
    firing: { readonly schedule: string; readonly firedAt: Instant; readonly by: Id },
  ): Promise<Command>;
  command(id: Id): Promise<Command>;
  /** Reads the state on which the lifecycle would decide now. Locks, takes and writes nothing. */
  snapshot(scope: Scope): Promise<LifecycleSnapshot>;
  /** Newest first. */
  triggers(scope: Scope, page: PageRequest): Promise<Page<Trigger>>;
  /**
   * Returns scopes with commands pending for longer than `olderThanMs`, which happens when Temporal was unavailable.
   */
  stranded(olderThanMs: number): Promise<readonly Scope[]>;
  /**
   * Runs in one transaction under the scope's lock: takes pending commands, reads the snapshot, calls `plan`, carries
   * the plan out (new runs, consumed triggers, supersession, cancellation marks) and returns what the workflow must do.
   * An order to start a run is repeated until the run has begun, so a lost result does no harm.
   */
  advance(scope: Scope, plan: (snapshot: LifecycleSnapshot) => LifecyclePlan): Promise<LifecycleOrders>;
}
