import type { Id, Instant, Scope } from '../contracts/identifiers.ts';
import type { ScheduleInput } from '../contracts/runs/schedule.ts';

/**
 * Temporal client for the API and activities. Throws `temporal-unavailable` if Temporal does not answer within a few
 * seconds.
 */
export interface WorkflowClient {
  /**
   * Sends an update-with-start to the scope's lifecycle workflow. Resolves when the lifecycle has acted on the state of
   * the database.
   */
  advance(scope: Scope): Promise<void>;
  /** Signals a workflow. Does nothing if the workflow has ended. */
  nudge(workflowId: string): Promise<void>;
  cancel(workflowId: string): Promise<void>;
  /** Returns the workflow ids of running lifecycles. One started moments ago may be missing. */
  runningLifecycles(): Promise<ReadonlySet<string>>;
  describe(
    workflowId: string,
  ): Promise<{ readonly state: 'running' | 'absent' } | { readonly state: 'closed'; readonly status: string }>;
  /**
   * Asks Temporal, not the execution itself, which execution continued as this one. Returns null if a client started or
   * reset this execution.
   */
  continuedFrom(workflowId: string, executionId: string): Promise<string | null>;
  setSchedule(scope: Scope, name: string, schedule: ScheduleInput): Promise<void>;
  removeSchedule(scope: Scope, name: string): Promise<void>;
  /** Returns how Temporal's schedule differs from this one, or `undefined` if it does not. */
  scheduleDifference(scope: Scope, name: string, schedule: ScheduleInput): Promise<string | undefined>;
  /** Returns at most 10,000 ids of schedules made by `setSchedule`. Other schedules in the namespace are left out. */
  scheduleIds(): Promise<readonly string[]>;
  /**
   * Removes the schedule of a model or environment that no longer exists. Does nothing if there is no such schedule.
   */
  removeScheduleById(id: string): Promise<void>;
  /** Starts the workflow for the schedule's firing at that instant, unless it has been started already. */
  fireSchedule(scope: Scope, name: string, at: Instant): Promise<void>;
  /** Starts the garbage collection's workflow. Does nothing if it is running already. */
  startCollection(collectionId: Id): Promise<void>;
  /** Sets when garbage collections start automatically; null: never. */
  scheduleCollections(cron: string | null): Promise<void>;
  /** Sets when ledger heads are signed automatically; null: never. */
  scheduleSigning(cron: string | null): Promise<void>;
  check(): Promise<void>;
}
