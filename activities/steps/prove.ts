import { activityInfo } from '@temporalio/activity';
import { PerennialError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/canonical.ts';
import { Id, Scope } from '../../contracts/identifiers.ts';
import { RunKind } from '../../contracts/runs/run.ts';
import type { AskingExecution, KeptAnswer } from '../../contracts/pipelines/step.ts';
import { type DeclaredStep, declaredSteps } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

type ProofDependencies = Pick<ActivityDependencies, 'repositories' | 'workflowClient' | 'collectionSchedule'>;

function declared(activity: string): DeclaredStep {
  const found = declaredSteps.get(activity);
  if (found === undefined)
    throw new Error(`activity ${activity} is not declared; declare it as a step in contracts/pipelines/`);
  return found;
}

/** Throws `unproven`, before the step does or records anything, if the calling execution has no right to ask for it. */
export async function mustBeProven(deps: ProofDependencies, activity: string, input: unknown): Promise<void> {
  const { step, of } = declared(activity);
  const execution = executionOf(activity);
  if ('complaint' in step) {
    const complaint = step.complaint(input, execution, deps);
    if (complaint !== undefined) throw unproven(activity, complaint);
    return;
  }
  const { runId, scope } = runOf(activity, input);
  const { allows = [], takes } = step;
  const kinds = RunKind.array().parse(of);
  const { workflowId, executionId } = execution;
  const continuedFrom = () => deps.workflowClient.continuedFrom(workflowId, executionId);
  const { runs } = deps.repositories;
  const [proven, given] = await Promise.allSettled([
    runs.prove(runId, { scope, kinds, execution: { ...execution, continuedFrom }, allows }),
    anyGiven(deps, runId, takes?.(input) ?? [[]]),
  ]);
  for (const checked of [proven, given]) if (checked.status === 'rejected') throw checked.reason;
  if (given.status === 'fulfilled' && given.value) return;
  throw unproven(activity, `no step of run ${runId} returned the values in its input`);
}

async function anyGiven(deps: ProofDependencies, runId: Id, choices: readonly (readonly KeptAnswer[])[]) {
  for (const answers of choices) if (await allGiven(deps, runId, answers)) return true;
  return false;
}

/** Returns those parts of a result that later steps may take as input. */
export function keptOf(activity: string, input: unknown, result: unknown): readonly JsonValue[] {
  const { step } = declared(activity);
  return 'complaint' in step ? [] : (step.keeps?.(input, result) ?? []);
}

async function allGiven(deps: ProofDependencies, runId: Id, answers: readonly KeptAnswer[]): Promise<boolean> {
  for (const { step, result } of answers)
    if (!(await deps.repositories.runs.hasResult(runId, step, result))) return false;
  return true;
}

function executionOf(activity: string): AskingExecution {
  const { workflowExecution } = activityInfo();
  if (workflowExecution === undefined) throw unproven(activity, 'no workflow requested it');
  return { workflowId: workflowExecution.workflowId, executionId: workflowExecution.runId };
}

/** Most inputs name a run; `about` names a run that is over. */
function runOf(activity: string, input: unknown): { readonly runId: Id; readonly scope: Scope } {
  const given: unknown = isObject(input) && isObject(input.about) ? input.about : input;
  const runId = Id.safeParse(isObject(given) ? given.runId : undefined);
  const scope = Scope.safeParse(isObject(given) ? given.scope : undefined);
  if (!runId.success || !scope.success) throw unproven(activity, 'its input has no run and scope');
  return { runId: runId.data, scope: scope.data };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function unproven(activity: string, why: string): PerennialError {
  return new PerennialError(
    'unproven',
    `${activity} was refused: ${why}; only Perennial's own workflows may request it`,
    {
      activity,
    },
  );
}
