import type { JsonValue } from '../../contracts/canonical.ts';
import type { Id, Instant, Page, PageRequest, Scope } from '../../contracts/identifiers.ts';
import type { Isolation } from '../../contracts/runs/isolation.ts';
import type { Viewer } from '../../contracts/access/principal.ts';
import type {
  LogLine,
  Run,
  RunFailure,
  RunInputs,
  RunKind,
  RunOutcome,
  RunStateName,
} from '../../contracts/runs/run.ts';

export interface RecordedStep {
  readonly name: string;
  readonly attempt: number;
  readonly state: 'running' | 'succeeded' | 'failed';
  readonly detail?: string;
  readonly isolation: Isolation;
  /** How long ago the step began; only the first record of a step counts. Default: 0. */
  readonly begunMsAgo?: number;
  /** Results that later steps may take as input. Their digests are kept. */
  readonly results?: readonly JsonValue[];
}

export interface RunRepository {
  get(id: Id): Promise<Run>;
  list(
    viewer: Viewer,
    filter: {
      readonly project: string;
      readonly model?: string;
      readonly environment?: string;
      readonly kind?: RunKind;
      readonly state?: RunStateName;
    },
    page: PageRequest,
  ): Promise<Page<Run>>;
  /** Returns the configuration and heads of a build. They are read at the first call and stay fixed afterwards. */
  inputs(scope: Scope, id: Id): Promise<RunInputs>;
  /**
   * Sets a queued run to running, or to awaiting-approval if a restarted run has a pending request. Leaves a run in any
   * other state as it is. Returns the run.
   */
  begin(id: Id): Promise<Run>;
  /**
   * Queues an unfinished run again for a new execution, which reuses the results of finished steps. Returns false if
   * the run has ended, was asked to cancel, or was restarted too often.
   */
  beginAgain(id: Id): Promise<boolean>;
  /** Sets a run from awaiting-approval to running. */
  resume(id: Id): Promise<void>;
  succeed(id: Id, outcome: RunOutcome): Promise<void>;
  fail(id: Id, failure: RunFailure): Promise<void>;
  cancel(id: Id, reason: string): Promise<void>;
  /**
   * Throws `unproven` unless this Temporal execution carries out the run. It must have the run's workflow id and be
   * either the first execution after the lifecycle ordered the start, or the continuation (continue-as-new) of the
   * execution that has carried out the run so far. The run must belong to the scope, be of one of the kinds, and be in
   * progress or in another state that the claim allows.
   */
  prove(
    id: Id,
    claim: {
      readonly scope: Scope;
      readonly kinds: readonly RunKind[];
      readonly execution: {
        readonly workflowId: string;
        readonly executionId: string;
        /** Asks Temporal which execution continued as this one; null: none. */
        continuedFrom(): Promise<string | null>;
      };
      readonly allows: readonly ('queued' | 'ended')[];
    },
  ): Promise<void>;
  /** Returns whether a step of the run has returned this result. */
  hasResult(id: Id, step: string, result: JsonValue): Promise<boolean>;
  progress(id: Id, fraction: number, message: string): Promise<void>;
  /** Inserts or updates the step identified by {run, name, attempt}, together with its results. */
  step(id: Id, step: RecordedStep): Promise<void>;
  appendLogs(id: Id, lines: readonly Pick<LogLine, 'stream' | 'line'>[]): Promise<void>;
  /** Lines after `sequence`, oldest first, at most `limit`. */
  logs(id: Id, after: number, limit: number): Promise<readonly LogLine[]>;
  /** Returns the scope's runs that are not final. */
  unfinished(scope: Scope): Promise<readonly Run[]>;
  /** Gives the lease to this holder. A previous holder then fails with `lease-lost` when it commits. */
  takeLease(name: string, holder: string, until: Instant, by: Id): Promise<void>;
  holdsLease(name: string, holder: string): Promise<boolean>;
}
