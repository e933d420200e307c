import { z } from 'zod';
import { Id, Instant, Name } from '../identifiers.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import { pipelines } from '../pipelines/pipelines.ts';
import { Isolation } from './isolation.ts';

/** The kinds of runs, one per pipeline. */
export const RunKind = z.enum(Object.values(pipelines).map(({ kind }) => kind));
export type RunKind = z.infer<typeof RunKind>;

/** Default inputs of a build: the environment's configuration and heads when the build's first step runs. */
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

/** The result of a run that succeeded, by the kind of the run. */
export const RunOutcome = z.discriminatedUnion(
  'kind',
  atLeastOne(Object.values(pipelines).map(({ outcome }) => outcome)),
);
export type RunOutcome = z.infer<typeof RunOutcome>;

/** Returns a sentence that describes the result of a run. */
export function describeOutcome(outcome: RunOutcome): string {
  const pipeline: Pipeline = pipelines[outcome.kind];
  return pipeline.describe(outcome);
}

const Queued = z.object({ state: z.literal('queued') });
const Running = z.object({ state: z.literal('running'), startedAt: Instant });
/** A deploy run that waits for votes. It does not hold the environment's rollout, so other deploy runs can proceed. */
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

/** Only a failed run carries a failure, and only a run that succeeded carries an outcome. */
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

/** What a run was asked to do, by the kind of the run. Each request has a schema version. */
export const RunRequest = z.discriminatedUnion(
  'kind',
  atLeastOne(Object.values(pipelines).map(({ request }) => request)),
);
export type RunRequest = z.infer<typeof RunRequest>;

function atLeastOne<Item>([first, ...rest]: readonly Item[]): [Item, ...Item[]] {
  if (first === undefined) throw new Error('there is no pipeline');
  return [first, ...rest];
}

/** One attempt of an activity. */
export const RunStep = z.object({
  name: z.string(),
  attempt: z.number().int().min(1),
  state: z.enum(['running', 'succeeded', 'failed']),
  startedAt: Instant,
  endedAt: Instant.nullable(),
  detail: z.string(),
  /** The isolation of the user code that the step ran; null in steps recorded by older versions. */
  isolation: Isolation.nullable(),
});
export type RunStep = z.infer<typeof RunStep>;

/** The fields that a run has in every state. */
const AnyRun = z.object({
  id: Id,
  modelId: Id,
  project: Name,
  model: Name,
  environment: Name,
  request: RunRequest,
  workflowId: z.string(),
  /** Why the run was started, for display: `manual`, `drift, new-data`, … */
  because: z.string(),
  /** The progress that the training script or a step reports: a fraction from 0 to 1 and a short message. */
  progress: z.object({ fraction: z.number(), message: z.string() }).nullable(),
  steps: z.array(RunStep),
  recordedAt: Instant,
  effectiveAt: Instant,
  recordedBy: Id,
});

// A union of complete objects and not an intersection of two objects: in the published JSON schema each part of an
// intersection would forbid the other part's fields, so that no run could be valid.
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
