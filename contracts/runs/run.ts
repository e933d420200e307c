import { z } from 'zod';
import { Id, Instant, Name } from '../identifiers.ts';
import type { Pipeline } from '../pipelines/pipeline.ts';
import { pipelines } from '../pipelines/pipelines.ts';
import { Isolation } from './isolation.ts';

/** One kind a pipeline. */
export const RunKind = z.enum(Object.values(pipelines).map(({ kind }) => kind));
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

/** What came of a run that succeeded, by its kind. */
export const RunOutcome = z.discriminatedUnion(
  'kind',
  atLeastOne(Object.values(pipelines).map(({ outcome }) => outcome)),
);
export type RunOutcome = z.infer<typeof RunOutcome>;

/** What came of a run, in a sentence. */
export function describeOutcome(outcome: RunOutcome): string {
  const pipeline: Pipeline = pipelines[outcome.kind];
  return pipeline.describe(outcome);
}

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

/** What a run was asked to do, by its kind; versioned. */
export const RunRequest = z.discriminatedUnion(
  'kind',
  atLeastOne(Object.values(pipelines).map(({ request }) => request)),
);
export type RunRequest = z.infer<typeof RunRequest>;

function atLeastOne<Item>([first, ...rest]: readonly Item[]): [Item, ...Item[]] {
  if (first === undefined) throw new Error('there is no pipeline');
  return [first, ...rest];
}

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
