import type { Configuration } from '../configuration/configuration.ts';
import type { Id, Instant } from '../identifiers.ts';
import type { RunKind, RunStateName } from './run.ts';
import type { Trigger } from './trigger.ts';

/** All that the lifecycle decides by, read in one transaction. */
export interface LifecycleSnapshot {
  readonly now: Instant;
  readonly clock: 'wall' | 'virtual';
  /** Virtual clocks: a settle command was taken, so debounce is over. */
  readonly settled: boolean;
  readonly policy: Configuration['retrain'] | null;
  readonly monitorEvery: string | null;
  readonly timezone: string;
  readonly held: boolean;
  /** Nothing is begun any more, and what runs is ended. */
  readonly archived: boolean;
  readonly serving: boolean;
  readonly lastBuildAt: Instant | null;
  readonly lastMonitorAt: Instant | null;
  /** Automated builds begun in the current budget period. */
  readonly buildsInPeriod: number;
  readonly budgetRenewsAt: Instant;
  readonly triggers: readonly Pick<Trigger, 'id' | 'kind' | 'effectiveAt'>[];
  /** Runs that are not final, oldest first. */
  readonly runs: readonly {
    readonly id: Id;
    readonly kind: RunKind;
    readonly state: RunStateName;
    readonly automated: boolean;
  }[];
  /** Candidates of automated builds that have no deploy run yet, oldest first. */
  readonly candidates: readonly { readonly evaluationId: Id; readonly buildRunId: Id }[];
}

/** What is to happen now. The repository carries it out in the same transaction. */
export interface LifecyclePlan {
  /** Queued runs that may start. */
  readonly start: readonly Id[];
  readonly build: { readonly triggerIds: readonly Id[]; readonly because: string } | null;
  readonly dropTriggers: readonly { readonly id: Id; readonly because: string }[];
  readonly deploy: readonly { readonly evaluationId: Id }[];
  /** Candidates that get no deployment, and why. */
  readonly passOver: readonly { readonly evaluationId: Id; readonly because: string }[];
  /** Deploy runs whose pending approval a newer candidate takes the place of. */
  readonly supersede: readonly Id[];
  /** Runs that a rollback preempts. */
  readonly cancel: readonly { readonly runId: Id; readonly because: string }[];
  readonly monitor: boolean;
  /** When to look again if nothing wakes it, on the environment's clock; null: only when woken. */
  readonly wakeAt: Instant | null;
}

/** What `advanceLifecycle` tells the workflow to do. */
export interface LifecycleOrders {
  readonly start: readonly {
    readonly runId: Id;
    readonly kind: RunKind;
    readonly workflowId: string;
    readonly because: string;
  }[];
  readonly cancel: readonly { readonly workflowId: string }[];
  /** Workflows to nudge: deployments whose approval was superseded. */
  readonly nudge: readonly string[];
  /** Milliseconds until the next look by itself, by the wall clock; null for virtual clocks. */
  readonly wakeInMs: number | null;
  /** Nothing runs and nothing falls due by itself: the lifecycle ends, and begins again when it is asked. */
  readonly ended: boolean;
}
