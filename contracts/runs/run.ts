import { z } from 'zod';
import { DataFormat } from '../data/data-format.ts';
import { RemoteSource } from '../data/remote-source.ts';
import { DataWarning } from '../data/data-warning.ts';
import { GitSource } from '../code/git-source.ts';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';
import { Isolation } from './isolation.ts';
import { RehearsalSummary } from './rehearsal.ts';
import { UnlabelledRows } from '../data/unlabelled-rows.ts';

export const RunKind = z.enum(['data', 'code', 'build', 'deploy', 'rollback', 'monitor', 'rehearsal']);
export type RunKind = z.infer<typeof RunKind>;

/** A build's default inputs: the environment's configuration and heads at its first step. */
export interface RunInputs {
  readonly configurationId: Id | null;
  readonly datasetVersionId: Id | null;
  readonly codeVersionId: Id | null;
}

export const RunFailure = z.object({
  code: z.string(),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()),
});
export type RunFailure = z.infer<typeof RunFailure>;

/** What a rollback may take back with the release. */
export const Head = z.enum(['data', 'code', 'config']);
export type Head = z.infer<typeof Head>;

export const RunOutcome = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('data'),
    datasetVersionId: Id,
    number: z.number().int(),
    digest: Sha256,
    rows: z.number().int(),
    added: z.number().int(),
    skipped: z.number().int(),
    /** Known rows that took other values, and that are no more; absent in runs of older versions. */
    replaced: z.number().int().optional(),
    removed: z.number().int().optional(),
    /** Warnings and guesses about the batch; absent in runs of older versions. */
    warnings: z.array(DataWarning).optional(),
    unchanged: z.boolean(),
  }),
  z.object({
    kind: z.literal('code'),
    codeVersionId: Id,
    number: z.number().int(),
    digest: Sha256,
    unchanged: z.boolean(),
  }),
  z.object({
    kind: z.literal('build'),
    decision: z.enum(['candidate', 'rejected', 'unchanged']),
    modelVersionId: Id,
    number: z.number().int(),
    evaluationId: Id.nullable(),
    /** The training was found by its key, not run. */
    reused: z.boolean(),
    reasons: z.array(z.string()),
    /** Rows of the window without a target, which were left out; absent where every row has one. */
    unlabelled: UnlabelledRows.optional(),
  }),
  z.object({
    kind: z.literal('deploy'),
    /** refused: by the gates, measured against what serves; rejected: by a vote. */
    decision: z.enum(['promoted', 'refused', 'rejected', 'expired', 'superseded', 'aborted']),
    /** null: the run was refused before a release existed. */
    releaseId: Id.nullable(),
    releaseDigest: Sha256.nullable(),
    generation: z.number().int().nullable(),
    reasons: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('rollback'),
    fromReleaseId: Id,
    toReleaseId: Id,
    /** The version that serves again; absent in runs of older versions. */
    modelVersion: z.number().int().optional(),
    generation: z.number().int(),
    /** Heads that were moved back with it. */
    heads: z.array(Head).optional(),
  }),
  z.object({ kind: z.literal('monitor'), reportId: Id, opened: z.number().int(), closed: z.number().int() }),
  z.object({
    kind: z.literal('rehearsal'),
    rehearsalId: Id,
    ...RehearsalSummary.shape,
  }),
]);
export type RunOutcome = z.infer<typeof RunOutcome>;

const Queued = z.object({ state: z.literal('queued') });
const Running = z.object({ state: z.literal('running'), startedAt: Instant });
/** A deploy run that waits for votes; it holds no slot. */
const AwaitingApproval = z.object({ state: z.literal('awaiting-approval'), startedAt: Instant, approvalId: Id });
const Succeeded = z.object({
  state: z.literal('succeeded'),
  startedAt: Instant,
  endedAt: Instant,
  outcome: RunOutcome,
});
const Failed = z.object({
  state: z.literal('failed'),
  startedAt: Instant.nullable(),
  endedAt: Instant,
  failure: RunFailure,
});
const Cancelled = z.object({
  state: z.literal('cancelled'),
  startedAt: Instant.nullable(),
  endedAt: Instant,
  reason: z.string(),
});

/** A failed run carries its failure, a finished one its outcome; no other state can. */
export const RunState = z.discriminatedUnion('state', [
  Queued,
  Running,
  AwaitingApproval,
  Succeeded,
  Failed,
  Cancelled,
]);
export type RunState = z.infer<typeof RunState>;
export type RunStateName = RunState['state'];

export const unfinishedStates = ['queued', 'running', 'awaiting-approval'] as const satisfies readonly RunStateName[];
export const finalStates = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly RunStateName[];
export const runStates = [...unfinishedStates, ...finalStates] as const;

export function isFinal(state: RunStateName): boolean {
  return finalStates.some((final) => final === state);
}

// What a run was asked to do, versioned, one shape a kind.
export const RunRequest = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('data'),
    schemaVersion: z.literal(1),
    files: z
      .array(z.object({ name: z.string(), sha256: Sha256, format: DataFormat }))
      .min(1)
      .max(1000)
      .optional(),
    /** In the place of files: what the run fetches. */ source: RemoteSource.optional(),
    /** Rows at or after it are left out (rehearsals). */ before: Instant.optional(),
    /** Rows before it are left out. */ from: Instant.optional(),
  }),
  z.object({
    kind: z.literal('code'),
    schemaVersion: z.literal(1),
    archive: Sha256.optional(),
    /** In the place of an archive: what the run fetches; its ref is the commit where a push named one. */
    git: GitSource.optional(),
    /** The branch or tag that was pushed, where it was a push that asked. */ pushedRef: z.string().optional(),
    command: z.array(z.string()),
    environmentPath: z.string().nullable(),
    /** Absent where it is false. */ allowBuilds: z.literal(true).optional(),
    network: z.boolean(),
    validation: z.boolean(),
    gitCommit: z.string().optional(),
    dirty: z.boolean().optional(),
    /** The version does not become the environment's code until a configuration is applied with it. Absent: false. */
    staged: z.literal(true).optional(),
  }),
  z.object({
    kind: z.literal('build'),
    schemaVersion: z.literal(1),
    datasetVersionId: Id.optional(),
    codeVersionId: Id.optional(),
    params: z.record(z.string(), z.json()).optional(),
    asOf: Instant,
    /** Automated builds go on to a deployment when they end as a candidate. */ automated: z.boolean(),
  }),
  z.object({
    kind: z.literal('deploy'),
    schemaVersion: z.literal(1),
    evaluationId: Id,
    automated: z.boolean(),
    /** The release that it must be, as it was approved for another environment. */ release: Sha256.optional(),
  }),
  z.object({
    kind: z.literal('rollback'),
    schemaVersion: z.literal(1),
    toReleaseId: Id.optional(),
    /** Heads that go back to what that release was made of. */ with: z.array(Head).optional(),
    reason: z.string(),
  }),
  z.object({ kind: z.literal('monitor'), schemaVersion: z.literal(1), asOf: Instant, window: z.string().optional() }),
  z.object({ kind: z.literal('rehearsal'), schemaVersion: z.literal(1), rehearsalId: Id }),
]);
export type RunRequest = z.infer<typeof RunRequest>;

/** What an activity did, attempt by attempt. */
export const RunStep = z.object({
  name: z.string(),
  attempt: z.number().int().min(1),
  state: z.enum(['running', 'succeeded', 'failed']),
  startedAt: Instant,
  endedAt: Instant.nullable(),
  detail: z.string(),
  /** What kept apart what it ran; null in steps of older versions. */
  isolation: Isolation.nullable(),
});
export type RunStep = z.infer<typeof RunStep>;

/** What a run has in every state. */
const AnyRun = z.object({
  id: Id,
  modelId: Id,
  project: Name,
  model: Name,
  environment: Name,
  request: RunRequest,
  workflowId: z.string(),
  /** Why it was started, for people: `manual`, `drift, new-data`, … */
  because: z.string(),
  /** 0 to 1 with a word for it, as the training script or a step reports. */
  progress: z.object({ fraction: z.number(), message: z.string() }).nullable(),
  steps: z.array(RunStep),
  recordedAt: Instant,
  effectiveAt: Instant,
  recordedBy: Id,
});

// A union of whole objects and not an intersection of two: each half of that would forbid the other's fields in the
// published schema, which then admits no run at all.
export const Run = z.discriminatedUnion('state', [
  AnyRun.extend(Queued.shape),
  AnyRun.extend(Running.shape),
  AnyRun.extend(AwaitingApproval.shape),
  AnyRun.extend(Succeeded.shape),
  AnyRun.extend(Failed.shape),
  AnyRun.extend(Cancelled.shape),
]);
export type Run = z.infer<typeof Run>;

export const LogLine = z.object({
  sequence: z.number().int(),
  at: Instant,
  stream: z.enum(['stdout', 'stderr', 'system']),
  line: z.string(),
});
export type LogLine = z.infer<typeof LogLine>;
