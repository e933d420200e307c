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
  /** The configuration and the heads that a build began with: read at the first call and fixed from then on. */
  inputs(scope: Scope, id: Id): Promise<RunInputs>;
  /** queued → running; running again is free; a final run stays final (answers its state). */
  begin(id: Id): Promise<Run>;
  /**
   * Queues a run that is under way again, to be carried out by a new execution; its steps have left what they did.
   * False if it is over, was asked to be cancelled, or was begun again often enough.
   */
  beginAgain(id: Id): Promise<boolean>;
  /** awaiting-approval → running. */
  resume(id: Id): Promise<void>;
  succeed(id: Id, outcome: RunOutcome): Promise<void>;
  fail(id: Id, failure: RunFailure): Promise<void>;
  cancel(id: Id, reason: string): Promise<void>;
  /**
   * Proves that this execution of Temporal's carries out the run, else `unproven`: it has the run's workflow id, and is the
   * first that did once the lifecycle had ordered the start, or the one that this one continued as. The run is of the scope
   * and of one of the kinds, and it is under way, or in another state that the claim allows.
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
  /** Notes, by its digest, what a step of the run answered. */
  keepResult(id: Id, step: string, result: JsonValue): Promise<void>;
  /** Whether a step of the run has answered this. */
  hasResult(id: Id, step: string, result: JsonValue): Promise<boolean>;
  progress(id: Id, fraction: number, message: string): Promise<void>;
  /** Upserts {run, name, attempt}. */
  step(
    id: Id,
    step: {
      readonly name: string;
      readonly attempt: number;
      readonly state: 'running' | 'succeeded' | 'failed';
      readonly detail?: string;
      readonly isolation: Isolation;
    },
  ): Promise<void>;
  appendLogs(id: Id, lines: readonly Pick<LogLine, 'stream' | 'line'>[]): Promise<void>;
  /** Lines after `sequence`, oldest first, at most `limit`. */
  logs(id: Id, after: number, limit: number): Promise<readonly LogLine[]>;
  /** Runs of a scope that are not final. */
  unfinished(scope: Scope): Promise<readonly Run[]>;
  /** The newest holder has it; earlier holders then fail with `lease-lost` where they commit. */
  takeLease(name: string, holder: string, until: Instant, by: Id): Promise<void>;
  holdsLease(name: string, holder: string): Promise<boolean>;
}
