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
  /** As decided; null before the first. */
  readonly decided: Generation | null;
  /** As each gateway had it loaded at that instant. */
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

/** Findings against a version since its first deployment, newest first; only in environments on the wall clock. */
export interface PastOfVersion {
  readonly withdrawals: readonly Withdrawal[];
  readonly findings: readonly Pick<
    Finding,
    'environment' | 'kind' | 'subject' | 'value' | 'threshold' | 'openedAt' | 'closedAt'
  >[];
}

export interface DeploymentRepository {
  /** Makes the Release of an evaluation: one per model and digest. `not-a-candidate` if it was rejected or is withdrawn in the scope. */
  makeRelease(
    scope: Scope,
    evaluationId: Id,
    context: {
      readonly runId: Id;
      readonly by: Id;
      /** The release that must result, except for a repeated evaluation; otherwise `configuration-differs`. */
      readonly expected?: Sha256;
    },
  ): Promise<Release>;
  /** Covers every version with the same artifact. */
  pastOf(modelId: Id, artifact: Sha256): Promise<PastOfVersion>;
  release(id: Id): Promise<Release>;
  releaseByDigest(modelId: Id, digest: Sha256): Promise<Release>;
  /** The newest generation. */
  current(scope: Scope): Promise<Generation | undefined>;
  champion(scope: Scope): Promise<{ readonly slot: Slot; readonly release: Release } | undefined>;
  history(scope: Scope, limit: number): Promise<readonly Generation[]>;
  servedAt(scope: Scope, at: Instant): Promise<ServedAt>;

  /**
   * Takes the scope's rollout for this deploy run, whose request is approved, else `unproven`. `taken`: another run has it
   * (look again later). `champion-changed`: the champion is not the one that the request was about, so that the gates and
   * the people are to be asked again. `superseded`: promotion is on hold for an automated run.
   */
  beginRollout(scope: Scope, runId: Id): Promise<'begun' | 'taken' | 'champion-changed' | 'superseded'>;
  /**
   * Raises the generation to the next step of the approved strategy: a shadow at 0, a canary, or champion alone at 100. The
   * same run and weight again answer the same generation. `unproven` if it is not the next step, `step-not-due` while the
   * one before is not done, `rollout-superseded` if the run lost its rollout.
   */
  raise(
    scope: Scope,
    request: {
      readonly runId: Id;
      readonly weight: number;
      /** How the generation before, of this run, was judged just now; null: there is none. */
      readonly judged: {
        readonly generation: number;
        readonly verdict: 'pass' | 'insufficient' | 'abort';
        readonly reason: string;
      } | null;
      /** What there is to say besides the weight. */
      readonly remark?: string;
    },
  ): Promise<Generation>;
  /** What served before this run alone again (nothing, if nothing did), if the run has raised anything; gives the rollout back. undefined: it had not. */
  abort(scope: Scope, request: { readonly runId: Id; readonly reason: string }): Promise<Generation | undefined>;
  /** Gives the rollout back once the release serves alone, or nothing was raised; `unproven` while a canary or a shadow is up. */
  endRollout(scope: Scope, runId: Id): Promise<void>;
  /** The target serves alone, whatever else served is withdrawn, promotion is on hold, rollouts lose their place: one transaction. `nothing-to-roll-back`. */
  rollback(
    scope: Scope,
    request: {
      readonly runId: Id;
      readonly toReleaseId?: Id;
      /** Heads of the environment that go back to what the target was made of. */
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

  // gateways
  keepLease(gateway: { readonly id: Id; readonly address: string }, leaseUntil: Instant): Promise<void>;
  endLease(gatewayId: Id): Promise<void>;
  liveGateways(): Promise<readonly GatewayLease[]>;
  acknowledge(acknowledgement: Omit<Acknowledgement, 'recordedAt'>): Promise<void>;
  /** Of the live gateways, those that have loaded `generation` or a later one, those that failed, and those that have not said. */
  acknowledgements(
    scope: Scope,
    generation: number,
  ): Promise<{
    readonly loaded: readonly Id[];
    readonly failed: readonly Acknowledgement[];
    readonly missing: readonly Id[];
  }>;
  /** Newest generation of every scope, with the artifacts and configurations a gateway needs, as far as the ledger bears it out. */
  servingTable(): Promise<ServingReading>;
  /** These, and no others, are what the gateway finds that the ledger does not bear out. The gateway has a row. */
  noteMismatches(gatewayId: Id, mismatches: readonly ServingMismatch[]): Promise<void>;
  /** What live gateways find, of all scopes; the first hundred. */
  mismatches(): Promise<readonly (ServingMismatch & { readonly gatewayId: Id })[]>;
  /** Counts are cumulative within an epoch, where the larger of the stored and the reported count is kept. Epochs are summed. */
  countServed(counts: readonly ServingCountOfEpoch[]): Promise<void>;
  /** The sums over all epochs, by gateway and release. */
  served(scope: Scope, generation: number): Promise<readonly ServingCount[]>;
  /** As `countServed`, for what shadows would have answered. */
  countShadow(counts: readonly ShadowCountOfEpoch[]): Promise<void>;
  shadowed(scope: Scope, generation: number): Promise<readonly ShadowCount[]>;
  /** Calls back soon after any generation was raised or key changed anywhere (LISTEN/NOTIFY, and a poll at least every `pollMs`). Returns how to stop. */
  watch(onChange: () => void, pollMs: number): Promise<() => Promise<void>>;
  /** Calls back soon after a gateway reports loaded releases or leaves, and every few seconds. Returns a function that stops it. */
  watchAcknowledgements(onChange: () => void): Promise<() => Promise<void>>;
}

/** A scope's generation that is not what its entry in the ledger says. */
export interface ServingMismatch {
  readonly scope: Scope;
  readonly generation: number;
  readonly reason: string;
}

export interface ServingReading {
  /** Of each scope that serves, the newest generation that the ledger bears out. */
  readonly entries: readonly ServingEntry[];
  /** Scopes of which the ledger says that nothing serves there any more. */
  readonly idle: readonly Scope[];
  readonly mismatches: readonly ServingMismatch[];
}

export interface ServingEntry {
  readonly scope: Scope;
  readonly generation: Generation;
  readonly routingKey: string | null;
  readonly log: { readonly sample: number; readonly onFull: 'drop-counted' | 'refuse' };
  /** Of the shadow's configuration, where there is a shadow; else 0. */
  readonly shadowTolerance: number;
  /** Beyond it a gateway that cannot read what is deployed says so, or refuses. */
  readonly staleness: { readonly maxMs: number; readonly onStale: 'say' | 'refuse' };
  /** The environment's clock is virtual: event times are taken, and times of records come from them. */
  readonly virtual: boolean;
  readonly versions: readonly {
    readonly id: Id;
    readonly number: number;
    readonly artifact: Sha256;
    readonly format: ModelFormatName;
    readonly signature: Signature;
    readonly releaseDigest: Sha256;
    /** From the configuration, if it is set there. */
    readonly missing?: MissingPolicy;
    /** `data.nulls`, if it is set there. */
    readonly nulls?: readonly string[];
  }[];
}
