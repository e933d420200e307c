import type { JsonValue } from '../canonical.ts';
import type { Id, Scope } from '../identifiers.ts';

// A step is an activity, which a workflow schedules and a worker executes. Each step is declared once, in the file of
// its pipeline. The proxies in workflows, the registration in workers, the proofs and the reference page derive from
// that declaration.

/** Input of every step of a run. */
export interface RunInput {
  readonly runId: Id;
  readonly scope: Scope;
}

/**
 * Time limits of one attempt (`attempt`) and of all attempts together (`altogether`). The second limit ends a step that
 * no worker takes, or that kills every worker. It is longer than any retry bound in the error table (errors.ts) plus
 * one attempt, so that a step normally fails with its own error and not with a timeout.
 */
export interface TimeLimits {
  readonly attempt: `${number}${'m' | 'h'}`;
  readonly altogether: `${number}${'m' | 'h'}`;
}

/** The workflow execution that requests a step, as reported by Temporal itself and not by the input. */
export interface AskingExecution {
  readonly workflowId: string;
  readonly executionId: string;
}

/** An answer that an earlier step of the same run must have given. */
export interface KeptAnswer {
  readonly step: string;
  readonly result: JsonValue;
}

export interface ProofSettings {
  /** The cron schedule of garbage collection; null if it runs only on demand. */
  readonly collectionSchedule: string | null;
}

interface StepFacts {
  /** One line that the Temporal UI shows next to the step on the timeline. */
  readonly summary: string;
  /** What is proved before the step commits anything, for the reference page. */
  readonly proves: string;
  /** Defaults to the queue of the pipeline. */
  readonly queue?: string;
  /** Defaults to the limits of the pipeline. */
  readonly limits?: TimeLimits;
  /**
   * True for steps that hold rows in memory and can block a thread for minutes. They run in a separate process, so that
   * the worker can continue to send heartbeats.
   */
  readonly apart?: true;
}

/**
 * A step of a run. Only the run's own workflow execution may request it, with input that the run's own steps have
 * answered.
 */
export interface StepOfRun<Input, Result> extends StepFacts {
  /** Kinds of runs that may use the step in addition to its own pipeline's; `every`: all kinds. */
  readonly alsoOf?: readonly string[] | 'every';
  /** States of the run in which the step is allowed, in addition to a run that is under way. */
  readonly allows?: readonly ('queued' | 'ended')[];
  /** Returns alternative lists of answers. All answers of at least one list must have been given. */
  takes?(input: Input): readonly (readonly KeptAnswer[])[];
  /** Returns the values that later steps may take as input. */
  keeps?(input: Input, result: Result): readonly JsonValue[];
  /** Never set; it exists only to carry the types of input and result. */
  types?(input: Input): Promise<Result>;
}

/**
 * A step that belongs to no run. `complaint` returns why the requesting execution is not allowed, or `undefined` if it
 * is.
 */
export interface StepOfNone<Input, Result> extends StepFacts {
  complaint(input: Input, execution: AskingExecution, settings: ProofSettings): string | undefined;
  types?(input: Input): Promise<Result>;
}

export type Step<Input, Result> = StepOfRun<Input, Result> | StepOfNone<Input, Result>;
/** A step with any input and result. Method parameters are bivariant, so every step is assignable to it. */
export type AnyStep = Step<unknown, unknown>;

export function stepOfRun<Input, Result>(step: StepOfRun<Input, Result>): StepOfRun<Input, Result> {
  return step;
}

export function stepOfNone<Input, Result>(step: StepOfNone<Input, Result>): StepOfNone<Input, Result> {
  return step;
}

/** Steps that share a queue and time limits, which a step may override. */
export interface StepGroup {
  readonly queue: string;
  readonly limits: TimeLimits;
  readonly steps: Readonly<Record<string, AnyStep>>;
}

/** The activities of the steps: functions with the names of the steps. */
export type ActivitiesOf<Steps> = {
  readonly [Name in keyof Steps]: Steps[Name] extends { readonly types?: infer Activity }
    ? NonNullable<Activity>
    : never;
};
