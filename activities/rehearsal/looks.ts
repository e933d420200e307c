import { isErrorCode, PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Run } from '../../contracts/runs/run.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import type { RehearsalContext } from './rehearsal-context.ts';
import { mustBeNext, rehearsalContext } from './rehearsal-context.ts';

// Each activity looks once and returns. The rehearsal waits in its workflow, where waiting occupies no worker.

export function createLookAtRun({ repositories }: ActivityDependencies): Activities['lookAtRun'] {
  return async ({ awaitedRunId }) => {
    const run = await repositories.runs.get(awaitedRunId);
    if (run.state === 'failed' || run.state === 'cancelled') throw failureOf(run);
    return { over: run.state === 'succeeded' };
  };
}

/** Reports `quiet` if no run is active and the lifecycle, asked once more, starts none. */
export function createSettlePeriod(deps: ActivityDependencies): Activities['settlePeriod'] {
  const { runs } = deps.repositories;
  return async ({ runId, scope, index }) => {
    const context = await rehearsalContext(deps, { runId, scope });
    mustBeNext(context, index);
    const moving = async () => (await runs.unfinished(scope)).filter((run) => run.id !== runId);
    for (const run of await moving()) await approve(deps, scope, run, context);
    if ((await moving()).length > 0) return { quiet: false };
    await deps.workflowClient.advance(scope);
    return { quiet: (await moving()).length === 0 };
  };
}

function failureOf(run: Run): PerennialError {
  const failure = run.state === 'failed' ? run.failure : { code: 'cancelled', message: 'the run was cancelled' };
  const code = isErrorCode(failure.code) ? failure.code : 'internal';
  return new PerennialError(
    code,
    `the ${run.request.kind} run ${run.id} of the rehearsal did not succeed: ${failure.message}`,
    { runId: run.id },
  );
}

/** Votes as the rehearsal's own principal, marked as such. This principal may vote in this environment only. */
async function approve(
  deps: ActivityDependencies,
  scope: Scope,
  run: Run,
  { rehearsal, principalId }: RehearsalContext,
): Promise<void> {
  if (run.state !== 'awaiting-approval') return;
  const approval = await deps.repositories.approvals.get(run.approvalId);
  if (approval.status !== 'pending') return;
  const voter = await deps.repositories.principals.get(principalId);
  if (approval.votes.some((vote) => vote.principalId === voter.id)) return;
  await deps.repositories.approvals.vote(
    approval.id,
    {
      decision: 'approve',
      digest: approval.digest,
      comment: `given by rehearsal ${rehearsal.id} in ${scope.environment}`,
    },
    voter,
  );
  await deps.workflowClient.nudge(run.workflowId);
}
