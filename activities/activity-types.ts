import type { Id, Scope, Sha256 } from '../contracts/identifiers.ts';
import type { LifecycleOrders } from '../contracts/runs/lifecycle-plan.ts';
import type { ServedPeriod } from '../contracts/runs/rehearsal.ts';
import type { RunFailure, RunOutcome } from '../contracts/runs/run.ts';

// What workflows see of activities: names, inputs and results. Results hold references and small facts only;
// whatever is larger is a blob, named by its digest.

/** Every pipeline activity knows its run, so that steps, attempts and logs can be told. */
export interface RunInput {
  readonly runId: Id;
  readonly scope: Scope;
}

export interface RolloutFacts {
  readonly approvalId: Id;
  readonly releaseId: Id;
  readonly releaseDigest: Sha256;
  /** null: the first release of the environment. */
  readonly championDigest: Sha256 | null;
  /** What the shadow step wants before the first step; null: there is none. */
  readonly shadow: { readonly bakeMs: number } | null;
  readonly steps: readonly number[];
  readonly bakeMs: number;
  readonly onInsufficient: 'extend' | 'proceed' | 'abort';
  readonly virtual: boolean;
  /** Whether anybody is to be told of the request. */
  readonly notify: boolean;
  /** Whether this request replaces one that was approved against an earlier champion. */
  readonly again: boolean;
}

export interface CanaryVerdict {
  readonly verdict: 'pass' | 'insufficient' | 'abort';
  readonly requests: number;
  readonly reason: string;
}

export interface LifecycleActivities {
  advanceLifecycle(input: { readonly scope: Scope; readonly reconcile: boolean }): Promise<LifecycleOrders>;
  recordScheduleTrigger(input: {
    readonly scope: Scope;
    readonly schedule: string;
    readonly firing: string;
  }): Promise<void>;
  beginRun(input: RunInput): Promise<{ readonly alreadyFinal: boolean }>;
  concludeRun(input: RunInput & { readonly conclusion: RunConclusion }): Promise<void>;
}

/** Asked on a queue that every worker polls, of builds that are for one that not every worker does. */
export interface QueueActivities {
  queueOfBuild(input: RunInput): Promise<{ readonly queue: string }>;
  /** The queue that measures a deployment's version again. null: the version was already measured against the current champion. */
  queueOfConfirmation(input: RunInput): Promise<{ readonly queue: string | null }>;
}

export type RunConclusion =
  | { readonly state: 'succeeded'; readonly outcome: RunOutcome }
  | { readonly state: 'failed'; readonly failure: RunFailure }
  | { readonly state: 'cancelled'; readonly reason: string };

export interface DataActivities {
  /** What was fetched, a blob; null: the run's files were uploaded. */
  fetchSource(input: RunInput): Promise<{ readonly fetched: Sha256 | null }>;
  prepareDataset(input: RunInput & { readonly fetched: Sha256 | null }): Promise<{ readonly staged: Sha256 }>;
  profileDataset(input: RunInput & { readonly staged: Sha256 }): Promise<{ readonly profile: Sha256 }>;
  commitDataset(input: RunInput & { readonly staged: Sha256; readonly profile: Sha256 }): Promise<RunOutcome>;
  commitCode(input: RunInput): Promise<RunOutcome>;
}

export interface CodeActivities {
  /** Its input is no RunInput: the run is over, so this is none of its steps. */
  reportCommitStatus(input: { readonly about: RunInput }): Promise<void>;
}

export interface ResolvedBuild {
  readonly plan: Sha256;
  /** A version with the same training key, if one was trained before. */
  readonly modelVersionId: Id | null;
  /** That version, or its refit, is the champion already. */
  readonly unchanged: boolean;
  /** With `build.refit`: what is trained again on the holdout too, once the version is a candidate; null: nothing is. */
  readonly refit: { readonly plan: Sha256; readonly modelVersionId: Id | null } | null;
}

export interface TrainActivities {
  materialiseEnvironment(input: RunInput): Promise<{ readonly interpreter: string; readonly platform: string }>;
  resolveBuild(input: RunInput & { readonly interpreter: string; readonly platform: string }): Promise<ResolvedBuild>;
  trainModel(input: RunInput & { readonly plan: Sha256 }): Promise<{ readonly trained: Sha256 }>;
  commitVersion(
    input: RunInput & { readonly plan: Sha256; readonly trained: Sha256 },
  ): Promise<{ readonly modelVersionId: Id }>;
  evaluateVersion(
    input: RunInput & {
      readonly plan: Sha256;
      readonly modelVersionId: Id;
      readonly reused: boolean;
      readonly unchanged: boolean;
    },
  ): Promise<BuildOutcome>;
  /** The refitted version with an evaluation that cites the other's: what is deployed is this one. */
  citeEvaluation(
    input: RunInput & { readonly evaluationId: Id; readonly modelVersionId: Id; readonly reused: boolean },
  ): Promise<BuildOutcome>;
  /** Measures a deployment's version against the current champion, unless that was already done. Returns the decision of the gates. */
  confirmEvaluation(input: RunInput): Promise<Confirmation>;
}

/** `reasons` are those of the gates that rejected the version. */
export interface Confirmation {
  readonly decision: 'candidate' | 'rejected';
  readonly reasons: string[];
}

export type BuildOutcome = Extract<RunOutcome, { kind: 'build' }>;

/** What retention asks for, once a run of its kind; nothing that a release pins is ever let go. */
export interface RetentionActivities {
  expirePredictions(input: RunInput): Promise<{ readonly segments: number }>;
  expireRejectedVersions(input: RunInput): Promise<{ readonly blobs: number }>;
}

/** Of no model and no run: garbage is the whole store's. */
export interface CollectionActivities {
  /** null: a schedule wants one; the one under way, if there is one, goes on. */
  beginCollection(input: { readonly collectionId: Id | null }): Promise<{ readonly collectionId: Id }>;
  markReachable(input: { readonly collectionId: Id }): Promise<void>;
  /** Looks at the next of what is stored; done when that was all. */
  sweepGarbage(input: { readonly collectionId: Id }): Promise<{ readonly done: boolean }>;
  endCollection(input: { readonly collectionId: Id; readonly failure: string | null }): Promise<void>;
}

/** Of no run: signing tells of every chain. */
export interface LedgerActivities {
  /** Signs the heads of some models, from the cursor on; null: from the first, and none are left. */
  signHeads(input: {
    readonly cursor: string | null;
  }): Promise<{ readonly next: string | null; readonly signed: number; readonly refused: number }>;
}

export interface DeployActivities {
  /**
   * null: no approval was requested, because the champion has changed since the version was measured.
   *
   * @param input.replaces id of the approved request that this request replaces.
   */
  requestApproval(input: RunInput & { readonly replaces?: Id }): Promise<RolloutFacts | null>;
  tallyApproval(input: RunInput & { readonly approvalId: Id }): Promise<{
    readonly status: 'pending' | 'approved' | 'rejected' | 'expired' | 'superseded';
    readonly expiresInMs: number | null;
    /** Until voters are to be reminded; null: they have been. */
    readonly remindInMs: number | null;
  }>;
  /** Never keeps the deployment from going on. */
  notifyOfApproval(
    input: RunInput & { readonly approvalId: Id; readonly about: 'requested' | 'requested-again' | 'reminded' },
  ): Promise<{ readonly told: readonly string[]; readonly failed: readonly string[] }>;
  beginRollout(input: RunInput): Promise<'begun' | 'taken' | 'champion-changed' | 'superseded'>;
  /** To the next step that was approved for the run: 0 is a shadow, 100 all of it. */
  raiseGeneration(input: RunInput & { readonly weight: number }): Promise<{ readonly generation: number }>;
  /** Waits for a few seconds at most. Throws `gateways-absent` once `waitedMs` reaches the time limit for loading. */
  awaitGateways(
    input: RunInput & { readonly generation: number; readonly waitedMs: number },
  ): Promise<{ readonly loaded: boolean }>;
  replayToCanary(input: RunInput & { readonly generation: number }): Promise<void>;
  /** `withMetric`: look at the labels too, which is more work than counting. */
  judgeCanary(
    input: RunInput & {
      readonly generation: number;
      readonly releaseDigest: Sha256;
      readonly withMetric: boolean;
    },
  ): Promise<CanaryVerdict>;
  /** `requests` are rows that were compared; `reason` is what there is to report, whatever the verdict. */
  judgeShadow(
    input: RunInput & { readonly generation: number; readonly releaseDigest: Sha256 },
  ): Promise<CanaryVerdict>;
  endRollout(input: RunInput): Promise<void>;
  abortRollout(input: RunInput & { readonly reason: string }): Promise<{ readonly generation: number | null }>;
  rollBack(input: RunInput): Promise<RunOutcome & { readonly kind: 'rollback' }>;
}

export interface MonitorActivities {
  collectWindow(input: RunInput): Promise<{ readonly window: Sha256 }>;
  reportWindow(input: RunInput & { readonly window: Sha256 }): Promise<RunOutcome>;
  /** Names of connections that were told of what the report opened and closed, and of those that could not be. */
  notifyOfReport(
    input: RunInput & { readonly reportId: Id },
  ): Promise<{ readonly told: readonly string[]; readonly failed: readonly string[] }>;
}

export interface PeriodInput extends RunInput {
  /** Of the period; −1 stands for what comes before the first. */
  readonly index: number;
}

export interface RehearsalActivities {
  /** `recorded`: the number of periods that an earlier execution of the run already recorded. */
  planRehearsal(input: RunInput): Promise<{
    readonly rehearsalId: Id;
    readonly periods: number;
    readonly recorded: number;
    readonly rows: Sha256;
  }>;
  /** Serves the period's rows and delivers the labels of those that were taken. */
  servePeriod(input: PeriodInput): Promise<{ readonly rows: number; readonly served: ServedPeriod }>;
  /** Sends one command of the period to the environment's lifecycle; the run that it makes, if it makes one. */
  commandPeriod(
    input: PeriodInput & { readonly command: 'ingest' | 'monitor' | 'trigger' | 'settle'; readonly rows: Sha256 },
  ): Promise<{ readonly commandedRunId: Id | null }>;
  /** Throws if the awaited run failed or was cancelled. */
  lookAtRun(input: RunInput & { readonly awaitedRunId: Id }): Promise<{ readonly over: boolean }>;
  /** Approves the pending requests of the environment. `quiet`: no run is under way and none is about to start. */
  settlePeriod(input: PeriodInput & { readonly rehearsalId: Id }): Promise<{ readonly quiet: boolean }>;
  /** `served`: the answer of `servePeriod`; a period that is recorded already needs none. */
  recordPeriod(input: PeriodInput & { readonly rehearsalId: Id; readonly served?: ServedPeriod }): Promise<void>;
  finishRehearsal(input: RunInput & { readonly rehearsalId: Id }): Promise<RunOutcome>;
}

export type Activities = LifecycleActivities &
  QueueActivities &
  DataActivities &
  CodeActivities &
  TrainActivities &
  DeployActivities &
  RetentionActivities &
  CollectionActivities &
  LedgerActivities &
  MonitorActivities &
  RehearsalActivities;
