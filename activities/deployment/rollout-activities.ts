import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { signAfterwards } from '../ledger/sign-heads.ts';
import { runWithRequest } from '../steps/run-request.ts';
import { judgeStepBefore } from './judge-step-before.ts';

// Each activity asks the database for one transition. The database refuses a transition that this run may not make any
// more.

export function createTallyApproval({ repositories }: ActivityDependencies): Activities['tallyApproval'] {
  return ({ runId, approvalId }) => repositories.approvals.tally(approvalId, runId);
}

export function createBeginRollout({ repositories }: ActivityDependencies): Activities['beginRollout'] {
  return async ({ runId, scope }) => {
    const begun = await repositories.deployments.beginRollout(scope, runId);
    if (begun === 'begun') await repositories.runs.resume(runId);
    return begun;
  };
}

export function createRaiseGeneration(deps: ActivityDependencies): Activities['raiseGeneration'] {
  return async ({ runId, scope, weight }) => {
    // Judged here again, because a foreign client could have made up the verdict that the workflow passes in.
    const { judged, remark } = await judgeStepBefore(deps, scope, runId);
    const { generation } = await deps.repositories.deployments.raise(scope, { runId, weight, judged, remark });
    signAfterwards(deps, scope.modelId);
    return { generation };
  };
}

export function createEndRollout({ repositories }: ActivityDependencies): Activities['endRollout'] {
  return ({ runId, scope }) => repositories.deployments.endRollout(scope, runId);
}

export function createAbortRollout(deps: ActivityDependencies): Activities['abortRollout'] {
  return async ({ runId, scope, reason }) => {
    const raised = await deps.repositories.deployments.abort(scope, { runId, reason });
    signAfterwards(deps, scope.modelId);
    return { generation: raised?.generation ?? null };
  };
}

export function createRollBack(deps: ActivityDependencies): Activities['rollBack'] {
  const { deployments, runs } = deps.repositories;
  return async ({ runId, scope }) => {
    const { run, request } = await runWithRequest(runs, runId, 'rollback');
    const { generation, from, to } = await deployments.rollback(scope, {
      runId,
      toReleaseId: request.toReleaseId,
      heads: request.with,
      reason: request.reason,
      by: run.recordedBy,
    });
    signAfterwards(deps, scope.modelId);
    const heads = request.with === undefined ? {} : { heads: request.with };
    return {
      kind: 'rollback',
      fromReleaseId: from.id,
      toReleaseId: to.id,
      modelVersion: generation.slots.find(({ role }) => role === 'champion')?.modelVersionNumber,
      generation: generation.generation,
      ...heads,
    };
  };
}
