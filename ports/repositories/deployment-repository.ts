import type { MissingPolicy } from '../../contracts/configuration/serve-section.ts';
import type { Acknowledgement, GatewayLease, Generation, Slot } from '../../contracts/serving/deployment.ts';
import type { Id, Instant, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { ModelFormatName } from '../../contracts/model-format.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import type {
  ServingCount,
  ServingCountOfEpoch,
  ShadowCount,
  ShadowCountOfEpoch,
} from '../../contracts/serving/prediction.ts';
import type { Release } from '../../contracts/serving/release.ts';
import type { Finding } from '../../contracts/monitoring/report.ts';
import type { Head } from '../../contracts/pipelines/rollback-runs.ts';

export interface ServedAt {
  readonly at: Instant;
  /** How the decided generation differs from its entry in the ledger; null if it does not. */
  readonly mismatch: string | null;
  /** The generation that was decided at that instant; null before the first one. */
  readonly decided: Generation | null;
  /** The generation that each gateway had loaded at that instant. */
  readonly observed: readonly { readonly gatewayId: Id; readonly generation: number; readonly since: Instant }[];
}

/** A release that served and was then rolled back, by a person or automatically. */
export interface Withdrawal {
  readonly environment: string;
  readonly kind: 'rollback' | 'abort';
  readonly at: Instant;
  readonly by: string;
  readonly reason: string;
}

/**
 * Rollbacks and aborts of a version and findings against it, newest first. Only environments on the wall clock are
 * included.
 */
export interface PastOfVersion {
  readonly withdrawals: readonly Withdrawal[];
  readonly findings: readonly Pick<
    Finding,
    'environment' | 'kind' | 'subject' | 'value' | 'threshold' | 'openedAt' | 'closedAt'
  >[];
}

export interface DeploymentRepository {
  /**
   * Creates the Release of an evaluation: one per model and digest. Throws `not-a-candidate` if the version was
   * rejected or is withdrawn in the scope.
   */
  makeRelease(
    scope: Scope,
    evaluationId: Id,
    context: {
      readonly runId: Id;
      readonly by: Id;
      /**
       * Digest of the requested release. The new release must equal it, except that its evaluation may be a repeated
       * one; otherwise throws `configuration-differs`.
       */
      readonly expected?: Sha256;
    },
  ): Promise<Release>;
  /** Returns the past of every version with the same artifact. */
  pastOf(modelId: Id, artifact: Sha256): Promise<PastOfVersion>;
  release(id: Id): Promise<Release>;
  releaseByDigest(modelId: Id, digest: Sha256): Promise<Release>;
  /** The newest generation. */
  current(scope: Scope): Promise<Generation | undefined>;
  champion(scope: Scope): Promise<{ readonly slot: Slot; readonly release: Release } | undefined>;
  history(scope: Scope, limit: number): Promise<readonly Generation[]>;
  servedAt(scope: Scope, at: Instant): Promise<ServedAt>;

  /**
   * Gives the scope's rollout to this deploy run. Throws `unproven` if its request is not approved. Returns `taken` if
   * another run holds the rollout (retry later), `champion-changed` if the champion is not the one named in the request
   * (the gates and the approvers must decide again), or `superseded` if promotion is on hold for an automated run.
   */
  beginRollout(scope: Scope, runId: Id): Promise<'begun' | 'taken' | 'champion-changed' | 'superseded'>;
  /**
   * Raises the generation to the next step of the approved strategy: a shadow at weight 0, a canary, or the sole
   * champion at 100. Repeating the same run and weight returns the same generation. Errors: `unproven` if this is not
   * the next step; `step-not-due` while the previous step is not done; `rollout-superseded` if the run lost its
   * rollout.
   */
  raise(
    scope: Scope,
    request: {
      readonly runId: Id;
      readonly weight: number;
      /** The verdict just reached on this run's previous generation; null: the run has none yet. */
      readonly judged: {
        readonly generation: number;
        readonly verdict: 'pass' | 'insufficient' | 'abort';
        readonly reason: string;
      } | null;
      /** Text for the ledger in addition to the weight. */
      readonly remark?: string;
    },
  ): Promise<Generation>;
  /**
   * Restores what served before this run (possibly nothing) as a new generation and ends the rollout. Returns
   * `undefined` if the run does not hold the rollout or has raised no generation.
   */
  abort(scope: Scope, request: { readonly runId: Id; readonly reason: string }): Promise<Generation | undefined>;
  /**
   * Ends the rollout after its release serves alone or if nothing was raised. Throws `unproven` while its canary or
   * shadow is up.
   */
  endRollout(scope: Scope, runId: Id): Promise<void>;
  /**
   * Makes the target serve alone, withdraws everything else that served, holds promotion and ends rollouts, in one
   * transaction. Throws `nothing-to-roll-back` if there is no target.
   */
  rollback(
    scope: Scope,
    request: {
      readonly runId: Id;
      readonly toReleaseId?: Id;
      /** Heads of the environment to move back to the target's origins. */
      readonly heads?: readonly Head[];
      readonly reason: string;
      readonly by: Id;
    },
  ): Promise<{
    readonly generation: Generation;
    readonly from: Release;
    readonly to: Release;
    readonly changed: boolean;
  }>;

  keepLease(gateway: { readonly id: Id; readonly address: string }, leaseUntil: Instant): Promise<void>;
  endLease(gatewayId: Id): Promise<void>;
  liveGateways(): Promise<readonly GatewayLease[]>;
  acknowledge(acknowledgement: Omit<Acknowledgement, 'recordedAt'>): Promise<void>;
  /**
   * Groups live gateways by their state for `generation` or a later one: loaded, failed to load, or not yet reported.
   */
  acknowledgements(
    scope: Scope,
    generation: number,
  ): Promise<{
    readonly loaded: readonly Id[];
    readonly failed: readonly Acknowledgement[];
    readonly missing: readonly Id[];
  }>;
  /**
   * Returns the newest generation of every scope that the ledger confirms, with the artifacts and configuration that a
   * gateway needs.
   */
  servingTable(): Promise<ServingReading>;
  /** Replaces the recorded mismatches of a gateway, which must have a row. */
  noteMismatches(gatewayId: Id, mismatches: readonly ServingMismatch[]): Promise<void>;
  /** Returns the mismatches found by live gateways in all scopes: the first 100. */
  mismatches(): Promise<readonly (ServingMismatch & { readonly gatewayId: Id })[]>;
  /** Stores cumulative counts. Within an epoch the larger of the stored and the reported count is kept. */
  countServed(counts: readonly ServingCountOfEpoch[]): Promise<void>;
  /** Returns the counts summed over all epochs, by gateway and release. */
  served(scope: Scope, generation: number): Promise<readonly ServingCount[]>;
  /** Stores counts of shadow predictions, in the same way as `countServed`. */
  countShadow(counts: readonly ShadowCountOfEpoch[]): Promise<void>;
  shadowed(scope: Scope, generation: number): Promise<readonly ShadowCount[]>;
  /**
   * Calls back soon after a generation was raised or a key changed anywhere, through LISTEN/NOTIFY and a poll at least
   * every `pollMs`. Returns a function that stops it.
   */
  watch(onChange: () => void, pollMs: number): Promise<() => Promise<void>>;
  /** Calls back soon after a gateway reports loaded releases or leaves, and every few seconds. Returns a function that stops it. */
  watchAcknowledgements(onChange: () => void): Promise<() => Promise<void>>;
}

/** A generation that differs from its entry in the ledger. */
export interface ServingMismatch {
  readonly scope: Scope;
  readonly generation: number;
  readonly reason: string;
}

export interface ServingReading {
  /** The newest generation of each scope that serves and is confirmed by the ledger. */
  readonly entries: readonly ServingEntry[];
  /** Scopes in which nothing serves any more, according to the ledger. */
  readonly idle: readonly Scope[];
  readonly mismatches: readonly ServingMismatch[];
}

export interface ServingEntry {
  readonly scope: Scope;
  readonly generation: Generation;
  readonly routingKey: string | null;
  readonly log: { readonly sample: number; readonly onFull: 'drop-counted' | 'refuse' };
  /** From the shadow's configuration; 0 without a shadow. */
  readonly shadowTolerance: number;
  /**
   * How long a gateway may serve without reading the deployments, and what it does then: report staleness or refuse
   * requests.
   */
  readonly staleness: { readonly maxMs: number; readonly onStale: 'say' | 'refuse' };
  /**
   * True if the environment's clock is virtual. Event times are then accepted, and the times of records come from them.
   */
  readonly virtual: boolean;
  readonly versions: readonly {
    readonly id: Id;
    readonly number: number;
    readonly artifact: Sha256;
    readonly format: ModelFormatName;
    readonly signature: Signature;
    readonly releaseDigest: Sha256;
    /** From the configuration, if set there. */
    readonly missing?: MissingPolicy;
    /** `data.nulls` of the configuration, if set there. */
    readonly nulls?: readonly string[];
  }[];
}
