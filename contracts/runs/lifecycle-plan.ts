import type { Configuration } from '../configuration/configuration.ts';
import type { Id, Instant } from '../identifiers.ts';
import type { RunKind, RunStateName } from './run.ts';
import type { Trigger } from './trigger.ts';

/** Everything that the lifecycle's decisions depend on, read in one transaction. */
export interface LifecycleSnapshot {
  readonly now: Instant;
  readonly clock: 'wall' | 'virtual';
  /** For virtual clocks: a settle command was taken, so builds no longer wait for the debounce. */
  readonly settled: boolean;
  readonly policy: Configuration['retrain'] | null;
  readonly monitorEvery: string | null;
  readonly timezone: string;
  readonly held: boolean;
  /** The model is archived: nothing new starts, and unfinished runs are cancelled. */
  readonly archived: boolean;
  readonly serving: boolean;
  readonly lastBuildAt: Instant | null;
  readonly lastMonitorAt: Instant | null;
  /** Automated builds that started in the current budget period. */
  readonly buildsInPeriod: number;
  readonly budgetRenewsAt: Instant;
  readonly triggers: readonly Pick<Trigger, 'id' | 'kind' | 'effectiveAt'>[];
  /** Runs that are not in a final state, oldest first. */
  readonly runs: readonly {
    readonly id: Id;
    readonly kind: RunKind;
    readonly state: RunStateName;
    readonly automated: boolean;
  }[];
  /** Candidates of automated builds that have no deploy run yet, oldest first. */
  readonly candidates: readonly { readonly evaluationId: Id; readonly buildRunId: Id }[];
}

/** The lifecycle's decisions. The repository carries them out in the same transaction. */
export interface LifecyclePlan {
  /** Queued runs that may start. */
  readonly start: readonly Id[];
  readonly build: { readonly triggerIds: readonly Id[]; readonly because: string } | null;
  readonly dropTriggers: readonly { readonly id: Id; readonly because: string }[];
  readonly deploy: readonly { readonly evaluationId: Id }[];
  /** Candidates that are not deployed, with the reason. */
  readonly passOver: readonly { readonly evaluationId: Id; readonly because: string }[];
  /** Deploy runs whose pending approval is superseded by a newer candidate. */
  readonly supersede: readonly Id[];
  /** Runs that a rollback preempts. */
  readonly cancel: readonly { readonly runId: Id; readonly because: string }[];
  readonly monitor: boolean;
  /**
   * When the lifecycle looks again if nothing wakes it earlier, on the environment's clock. null: only when it is
   * woken.
   */
  readonly wakeAt: Instant | null;
}

/** What the activity `advanceLifecycle` asks the workflow to do. */
export interface LifecycleOrders {
  readonly start: readonly {
    readonly runId: Id;
    readonly kind: RunKind;
    readonly workflowId: string;
    readonly because: string;
  }[];
  readonly cancel: readonly { readonly workflowId: string }[];
  /** Workflows to signal: deployments whose approval was superseded. */
  readonly nudge: readonly string[];
  /** Milliseconds on the wall clock until the lifecycle looks again without being woken; null for virtual clocks. */
  readonly wakeInMs: number | null;
  /** Nothing runs and no timer is due: the lifecycle workflow ends, and the next command starts it again. */
  readonly ended: boolean;
}
