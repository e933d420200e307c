import { type Scope, scopeLabel } from '../identifiers.ts';
import type { LifecycleOrders } from '../runs/lifecycle-plan.ts';
import type { RunFailure, RunOutcome } from '../runs/run.ts';
import { lifecycleWorkflowId } from '../runs/workflows.ts';
import { pipelines } from './pipelines.ts';
import { type KeptAnswer, type RunInput, type StepGroup, stepOfNone, stepOfRun } from './step.ts';

export type RunConclusion =
  | { readonly state: 'succeeded'; readonly outcome: RunOutcome }
  | { readonly state: 'failed'; readonly failure: RunFailure }
  | { readonly state: 'cancelled'; readonly reason: string };

interface Firing {
  readonly scope: Scope;
  readonly schedule: string;
  /** Id of the workflow that the schedule started. */
  readonly firing: string;
}

/** Steps of the lifecycle, and the first and last step of every run. */
export const lifecycleSteps = {
  queue: 'deploy',
  limits: { attempt: '2m', altogether: '26h' },
  steps: {
    advanceLifecycle: stepOfNone<{ readonly scope: Scope; readonly reconcile: boolean }, LifecycleOrders>({
      summary: 'decide from the database what to do now',
      proves:
        "the lifecycle's own workflow requests the step; the scope exists; the plan contains only what the database says is due",
      complaint: ({ scope }, { workflowId }) =>
        workflowId === lifecycleWorkflowId(scope)
          ? undefined
          : `only the lifecycle's own workflow may advance the lifecycle of ${scopeLabel(scope)}`,
    }),
    recordScheduleTrigger: stepOfNone<Firing, void>({
      summary: 'record that the schedule fired',
      proves:
        'the workflow that the input names requests the step; the schedule exists, is not paused and is due at that instant by its current cron line; each firing creates one trigger',
      complaint: ({ firing }, { workflowId }) =>
        firing === workflowId
          ? undefined
          : `the input names the workflow ${firing}, but ${workflowId} requests the step`,
    }),
    beginRun: stepOfRun<RunInput, { readonly alreadyFinal: boolean }>({
      summary: 'begin the run',
      proves: 'the lifecycle has ordered the start of the run',
      alsoOf: 'every',
      allows: ['queued', 'ended'],
    }),
    concludeRun: stepOfRun<RunInput & { readonly conclusion: RunConclusion }, void>({
      summary: 'end the run',
      proves:
        'the outcome was returned by the last step; the outcome of a deployment agrees with its approval and with the generations that the run raised, and the run holds no rollout',
      alsoOf: 'every',
      allows: ['ended'],
      takes: ({ conclusion }) => (conclusion.state === 'succeeded' ? answersLike(conclusion.outcome) : [[]]),
    }),
  },
} satisfies StepGroup;

/** Returns the answers that prove an outcome: one of the last steps of the run must have answered it. */
function answersLike(outcome: RunOutcome): readonly (readonly KeptAnswer[])[] {
  const steps: readonly string[] = pipelines[outcome.kind].lastSteps;
  return steps.length === 0 ? [[]] : steps.map((step) => [{ step, result: outcome }]);
}
