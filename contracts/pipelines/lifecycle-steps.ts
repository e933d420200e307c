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
      summary: 'look at the database: what is to be done now?',
      proves: "the lifecycle's own workflow asks; the scope is there; the plan does only what is due by the rows",
      complaint: ({ scope }, { workflowId }) =>
        workflowId === lifecycleWorkflowId(scope)
          ? undefined
          : `the lifecycle of ${scopeLabel(scope)} is advanced by its own workflow alone`,
    }),
    recordScheduleTrigger: stepOfNone<Firing, void>({
      summary: 'note that the schedule fired',
      proves:
        'the workflow that it names asks; the schedule is there and not paused, its cron line is due at that instant, today; each firing makes one trigger',
      complaint: ({ firing }, { workflowId }) =>
        firing === workflowId ? undefined : `a firing is named after the workflow that it started, not ${firing}`,
    }),
    beginRun: stepOfRun<RunInput, { readonly alreadyFinal: boolean }>({
      summary: 'the run begins',
      proves: 'the lifecycle has ordered its start',
      alsoOf: 'every',
      allows: ['queued', 'ended'],
    }),
    concludeRun: stepOfRun<RunInput & { readonly conclusion: RunConclusion }, void>({
      summary: 'the run ends',
      proves:
        'takes the outcome that the last step answered; a deployment ends as what its run raised and its approval says, and holds no rollout any more',
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
