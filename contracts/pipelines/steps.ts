import { installationSteps } from './installation-steps.ts';
import { lifecycleSteps } from './lifecycle-steps.ts';
import { pipelines } from './pipelines.ts';
import type { ActivitiesOf, AnyStep, StepGroup, TimeLimits } from './step.ts';

type Pipelines = (typeof pipelines)[keyof typeof pipelines];
type AllOf<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;
type Steps = AllOf<Pipelines['steps']> & typeof lifecycleSteps.steps & typeof installationSteps.steps;

/** All activities of a worker: one function per declared step, with the step's name. */
export type Activities = { readonly [Name in keyof Steps]: ActivitiesOf<Steps>[Name] };
export type StepName = keyof Steps;

/** A step together with the values that it inherits from its group. */
export interface DeclaredStep {
  readonly name: string;
  readonly step: AnyStep;
  readonly queue: string;
  readonly limits: TimeLimits;
  /** Kinds of runs that the step belongs to; empty for a step of no run. */
  readonly of: readonly string[];
}

/** All steps by name. */
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

/** The task queues of steps, and how many steps of each queue one worker runs at the same time. */
export const stepQueues: ReadonlyMap<string, number> = new Map(
  [...new Set([...declaredSteps.values()].map(({ queue }) => queue))].map((queue) => [
    queue,
    Math.max(...Object.values(pipelines).map((pipeline) => (pipeline.queue === queue ? pipeline.atOnce : 0))),
  ]),
);
