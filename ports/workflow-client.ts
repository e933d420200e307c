import type { Id, Instant, Scope } from '../contracts/identifiers.ts';
import type { ScheduleInput } from '../contracts/runs/schedule.ts';

/** Temporal as the API and activities see it. `temporal-unavailable` when it does not answer within a few seconds. */
export interface WorkflowClient {
  /** Update-with-start of the scope's lifecycle: resolves once it has acted on what is in the database. */
  advance(scope: Scope): Promise<void>;
  /** Signals a workflow; one that has ended is no error. */
  nudge(workflowId: string): Promise<void>;
  cancel(workflowId: string): Promise<void>;
  /** Workflow ids of the lifecycles that run; one that began some moments ago may be missing. */
  runningLifecycles(): Promise<ReadonlySet<string>>;
  describe(
    workflowId: string,
  ): Promise<{ readonly state: 'running' | 'absent' } | { readonly state: 'closed'; readonly status: string }>;
  /** The execution that continued as this one; null: it was started or reset by a client. Temporal says so, not the execution. */
  continuedFrom(workflowId: string, executionId: string): Promise<string | null>;
  setSchedule(scope: Scope, name: string, schedule: ScheduleInput): Promise<void>;
  removeSchedule(scope: Scope, name: string): Promise<void>;
  /** How Temporal's schedule differs from this one; undefined if it does not. */
  scheduleDifference(scope: Scope, name: string, schedule: ScheduleInput): Promise<string | undefined>;
  /** Ids of the schedules that `setSchedule` made, 10,000 at most; whoever shares the namespace may have others. */
  scheduleIds(): Promise<readonly string[]>;
  /** By its id: one of a model or an environment that is gone. One that is not there is no error. */
  removeScheduleById(id: string): Promise<void>;
  /** Starts the workflow of the schedule's firing at that instant, unless it has been started already. */
  fireSchedule(scope: Scope, name: string, at: Instant): Promise<void>;
  /** Has a collection of garbage carried out; one that is being carried out already is no error. */
  startCollection(collectionId: Id): Promise<void>;
  /** When collections begin by themselves; null: never. */
  scheduleCollections(cron: string | null): Promise<void>;
  /** When heads of the ledger are signed by themselves; null: never. */
  scheduleSigning(cron: string | null): Promise<void>;
  check(): Promise<void>;
}
