import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import { firedAt } from '../../contracts/runs/workflows.ts';
import { isFinal, type Run } from '../../contracts/runs/run.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { planLifecycle } from './plan-lifecycle.ts';

/**
 * While a run is under way, the lifecycle checks from time to time that it still is. The pause is a tenth of the run's
 * age, so that an approval that waits for weeks costs only a few checks an hour.
 */
const reconcile = { shareOfAge: 0.1, soonestMs: 30_000, latestMs: 300_000 };

type Parts = Pick<ActivityDependencies, 'repositories' | 'workflowClient' | 'lifecyclePrincipal' | 'clock' | 'logger'>;

export function createAdvanceLifecycle(deps: Parts): Activities['advanceLifecycle'] {
  const { repositories } = deps;
  return async ({ scope, reconcile: mustReconcile }) => {
    if (mustReconcile) await reconcileRuns(deps, scope);
    const orders = await repositories.lifecycle.advance(scope, planLifecycle);
    const unfinished = await repositories.runs.unfinished(scope);
    if (unfinished.length === 0) return orders;
    return { ...orders, wakeInMs: Math.min(orders.wakeInMs ?? Infinity, reconcileInMs(unfinished, deps.clock)) };
  };
}

export function createRecordScheduleTrigger(deps: Parts): Activities['recordScheduleTrigger'] {
  const { repositories } = deps;
  return async ({ scope, schedule, firing }) => {
    const principal = await repositories.principals.ensure(deps.lifecyclePrincipal, 'service', [], null);
    const at = firedAt(firing);
    if (at === undefined)
      throw new PerennialError(
        'unproven',
        `workflow ${firing} was not started by a schedule: its id does not end with a time`,
        {
          schedule,
        },
      );
    await repositories.lifecycle.fire(scope, { schedule, firedAt: at, by: principal.id }).catch((caught: unknown) => {
      deps.logger.warn(
        { scope: scopeLabel(scope), schedule, firing, reason: reasonOf(caught) },
        'a schedule fired, but no trigger was recorded',
      );
      throw caught;
    });
    await deps.workflowClient.advance(scope);
  };
}

export function createBeginRun({ repositories }: Parts): Activities['beginRun'] {
  return async ({ runId }) => ({ alreadyFinal: isFinal((await repositories.runs.begin(runId)).state) });
}

export function createConcludeRun({ repositories }: Parts): Activities['concludeRun'] {
  return async ({ runId, conclusion }) => {
    if (conclusion.state === 'succeeded') await repositories.runs.succeed(runId, conclusion.outcome);
    else if (conclusion.state === 'failed') await repositories.runs.fail(runId, conclusion.failure);
    else await repositories.runs.cancel(runId, conclusion.reason);
  };
}

/** Returns the pause in milliseconds, computed from the run that began last. */
function reconcileInMs(unfinished: readonly Run[], clock: Clock): number {
  const began = unfinished.map((run) => Date.parse(('startedAt' in run ? run.startedAt : null) ?? run.recordedAt));
  const ageMs = Date.parse(clock.now()) - Math.max(...began);
  return Math.min(reconcile.latestMs, Math.max(reconcile.soonestMs, Math.round(reconcile.shareOfAge * ageMs)));
}

/**
 * Ends or restarts unfinished runs whose workflow is no longer running. A workflow fails if new code cannot replay it;
 * its run is then started again. If the workflow was terminated by hand, or was lost with Temporal's state, the run
 * fails.
 */
async function reconcileRuns(deps: Parts, scope: Scope): Promise<void> {
  for (const run of await deps.repositories.runs.unfinished(scope)) {
    const workflow = await deps.workflowClient.describe(run.workflowId);
    // The workflow of a queued run does not exist until the run is started.
    if (workflow.state === 'running' || (workflow.state === 'absent' && run.state === 'queued')) continue;
    if (workflow.state === 'closed' && workflow.status === 'FAILED' && (await beginAgain(deps, run.id))) continue;
    const [status, end] =
      workflow.state === 'closed'
        ? [workflow.status, `ended as ${workflow.status}`]
        : ['ABSENT', 'is no longer known to Temporal'];
    const gone = new PerennialError(
      'process-died',
      `the workflow ${run.workflowId} ${end} before it recorded the end of its run; start the run again`,
      { workflowId: run.workflowId, status },
    );
    await deps.repositories.runs.fail(run.id, { code: gone.code, message: gone.message, fields: gone.fields });
  }
}

async function beginAgain({ repositories: { runs } }: Parts, id: Id): Promise<boolean> {
  if (!(await runs.beginAgain(id))) return false;
  const line =
    'the workflow of this run could not continue, for example after an upgrade of Perennial; the run restarts and keeps the results of its steps';
  await runs.appendLogs(id, [{ stream: 'system', line }]);
  return true;
}
