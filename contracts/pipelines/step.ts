import type { JsonValue } from '../canonical.ts';
import type { Id, Scope } from '../identifiers.ts';

// A step is an activity: what a workflow asks for, and a worker does. Each is declared once, in the file of its
// pipeline. The workflows' proxies, the worker's registration, the proofs and the reference page derive from it.

/** Input of the steps of a run. */
export interface RunInput {
  readonly runId: Id;
  readonly scope: Scope;
}

/**
 * Time limits of one attempt and of all attempts together. The second ends a step that no worker takes, or on which every
 * worker dies. It is longer than any bound of the error table (errors.ts) plus one attempt, so that a step normally ends
 * with its own error and not with a timeout.
 */
export interface TimeLimits {
  readonly attempt: `${number}${'m' | 'h'}`;
  readonly altogether: `${number}${'m' | 'h'}`;
}

/** The Temporal execution that asks for a step, as Temporal itself tells it. */
export interface AskingExecution {
  readonly workflowId: string;
  readonly executionId: string;
}

/** An answer that an earlier step of the run must have given. */
export interface KeptAnswer {
  readonly step: string;
  readonly result: JsonValue;
}

export interface ProofSettings {
  /** When garbage is collected; null: on demand only. */
  readonly collectionSchedule: string | null;
}

interface StepFacts {
  /** One line beside the step on the timeline of the Temporal UI. */
  readonly summary: string;
  /** What is proved before the step commits anything, for the reference page. */
  readonly proves: string;
  /** Default: the queue of its pipeline. */
  readonly queue?: string;
  /** Default: the limits of its pipeline. */
  readonly limits?: TimeLimits;
  /** It holds rows in memory and can block a thread for minutes, so it runs in a process that sends no heartbeats. */
  readonly apart?: true;
}

/** A step of a run: only the run's own execution may ask for it, with what the run's own steps have answered. */
export interface StepOfRun<Input, Result> extends StepFacts {
  /** Kinds of run that it is a step of besides its own pipeline's; `every`: any kind. */
  readonly alsoOf?: readonly string[] | 'every';
  /** States of the run, besides being under way, in which the step makes sense. */
  readonly allows?: readonly ('queued' | 'ended')[];
  /** One of these lists, each answer of it, must have been given. */
  takes?(input: Input): readonly (readonly KeptAnswer[])[];
  /** What later steps may take. */
  keeps?(input: Input, result: Result): readonly JsonValue[];
  /** Never set: it carries the types of input and result. */
  types?(input: Input): Promise<Result>;
}

/** A step of no run: what is wrong with the execution that asks for it, or undefined. */
export interface StepOfNone<Input, Result> extends StepFacts {
  complaint(input: Input, execution: AskingExecution, settings: ProofSettings): string | undefined;
  types?(input: Input): Promise<Result>;
}

export type Step<Input, Result> = StepOfRun<Input, Result> | StepOfNone<Input, Result>;
/** A step of any input and result: parameters of methods are bivariant, so every step is one. */
export type AnyStep = Step<unknown, unknown>;

export function stepOfRun<Input, Result>(step: StepOfRun<Input, Result>): StepOfRun<Input, Result> {
  return step;
}

export function stepOfNone<Input, Result>(step: StepOfNone<Input, Result>): StepOfNone<Input, Result> {
  return step;
}

/** Steps that share a queue and time limits unless they say otherwise. */
export interface StepGroup {
  readonly queue: string;
  readonly limits: TimeLimits;
  readonly steps: Readonly<Record<string, AnyStep>>;
}

/** The activities that steps stand for: functions of the same names. */
export type ActivitiesOf<Steps> = {
  readonly [Name in keyof Steps]: Steps[Name] extends { readonly types?: infer Activity }
    ? NonNullable<Activity>
    : never;
};
