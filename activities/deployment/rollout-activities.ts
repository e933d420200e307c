import type { DeployActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { awaitGateways } from './await-gateways.ts';
import { judgeStepBefore } from './judge-step-before.ts';
import { runWithRequest } from '../steps/run-request.ts';

type RolloutActivities = Pick<
  DeployActivities,
  'tallyApproval' | 'beginRollout' | 'raiseGeneration' | 'awaitGateways' | 'endRollout' | 'abortRollout' | 'rollBack'
>;

/** Each asks the database for one transition; the database refuses those that are no longer this run's to make. */
export function createRolloutActivities(deps: ActivityDependencies): RolloutActivities {
  const { approvals, deployments, runs } = deps.repositories;
  return {
    tallyApproval: ({ runId, approvalId }) => approvals.tally(approvalId, runId),

    async beginRollout({ runId, scope }) {
      const begun = await deployments.beginRollout(scope, runId);
      if (begun === 'begun') await runs.resume(runId);
      return begun;
    },

    async raiseGeneration({ runId, scope, weight }) {
      // Judged here again: the verdict that the workflow passes in could come from a foreign client.
      const { judged, remark } = await judgeStepBefore(deps, scope, runId);
      const { generation } = await deployments.raise(scope, { runId, weight, judged, remark });
      return { generation };
    },

    awaitGateways: ({ scope, generation, waitedMs }) => awaitGateways(deps, scope, { generation, waitedMs }),

    endRollout: ({ runId, scope }) => deployments.endRollout(scope, runId),

    async abortRollout({ runId, scope, reason }) {
      const raised = await deployments.abort(scope, { runId, reason });
      return { generation: raised?.generation ?? null };
    },

    async rollBack({ runId, scope }) {
      const { run, request } = await runWithRequest(runs, runId, 'rollback');
      const { generation, from, to } = await deployments.rollback(scope, {
        runId,
        toReleaseId: request.toReleaseId,
        heads: request.with,
        reason: request.reason,
        by: run.recordedBy,
      });
      const heads = request.with === undefined ? {} : { heads: request.with };
      return {
        kind: 'rollback',
        fromReleaseId: from.id,
        toReleaseId: to.id,
        modelVersion: generation.slots.find(({ role }) => role === 'champion')?.modelVersionNumber,
        generation: generation.generation,
        ...heads,
      };
    },
  };
}
