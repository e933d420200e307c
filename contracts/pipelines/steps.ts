import { installationSteps } from './installation-steps.ts';
import { lifecycleSteps } from './lifecycle-steps.ts';
import { pipelines } from './pipelines.ts';
import type { ActivitiesOf, AnyStep, StepGroup, TimeLimits } from './step.ts';

type Pipelines = (typeof pipelines)[keyof typeof pipelines];
type AllOf<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
type Steps = AllOf<Pipelines['steps']> & typeof lifecycleSteps.steps & typeof installationSteps.steps;

/** All activities of a worker: for each declared step a function of its name. */
export type Activities = { readonly [Name in keyof Steps]: ActivitiesOf<Steps>[Name] };
export type StepName = keyof Steps;

/** A step with what it takes over from its group. */
export interface DeclaredStep {
  readonly name: string;
  readonly step: AnyStep;
  readonly queue: string;
  readonly limits: TimeLimits;
  /** Kinds of run that it is a step of; none: it is a step of no run. */
  readonly of: readonly string[];
}

/** Every step, by its name. */
export const declaredSteps: ReadonlyMap<string, DeclaredStep> = new Map(
  [
    ...declared(lifecycleSteps, []),
    ...Object.values(pipelines).flatMap((pipeline) => declared(pipeline, [pipeline.kind])),
    ...declared(installationSteps, []),
  ].map((step) => [step.name, step]),
);

function declared({ queue, limits, steps }: StepGroup, kinds: readonly string[]): DeclaredStep[] {
  return Object.entries(steps).map(([name, step]) => ({
    name,
    step,
    queue: step.queue ?? queue,
    limits: step.limits ?? limits,
    of: 'complaint' in step ? [] : kindsOf(step.alsoOf ?? [], kinds),
  }));
}

function kindsOf(alsoOf: readonly string[] | 'every', own: readonly string[]): readonly string[] {
  return alsoOf === 'every' ? Object.keys(pipelines) : [...own, ...alsoOf];
}

/** Queues that workers take steps from, and how many of each one worker does at once. */
export const stepQueues: ReadonlyMap<string, number> = new Map(
  [...new Set([...declaredSteps.values()].map(({ queue }) => queue))].map((queue) => [
    queue,
    Math.max(...Object.values(pipelines).map((pipeline) => (pipeline.queue === queue ? pipeline.atOnce : 0))),
  ]),
);
