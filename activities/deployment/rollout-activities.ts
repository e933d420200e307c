import { cancellationSignal } from '@temporalio/activity';
import { setTimeout as pause } from 'node:timers/promises';
import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { DeployActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { judgeStepBefore } from './judge-step-before.ts';
import { runWithRequest } from '../run-request.ts';

type RolloutActivities = Pick<
  DeployActivities,
  'tallyApproval' | 'beginRollout' | 'raiseGeneration' | 'awaitGateways' | 'endRollout' | 'abortRollout' | 'rollBack'
>;

const pollMs = 25;
/** Gateways that have not loaded a generation in this time have not taken part in the deployment. */
const loadWithinMs = 60_000;
/** A gateway tries again every two seconds: a store that was away for a moment is no artifact that cannot be loaded. */
const failingAtMostMs = 5_000;

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

    awaitGateways: ({ scope, generation }) => awaitGateways(deps, scope, generation),

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
        generation: generation.generation,
        ...heads,
      };
    },
  };
}

/** Done means: every gateway with a live lease has loaded it, and there is at least one. */
async function awaitGateways(deps: ActivityDependencies, scope: Scope, generation: number): Promise<void> {
  const giveUpAt = Date.now() + loadWithinMs;
  let failingSince = Number.POSITIVE_INFINITY;
  for (;;) {
    const { loaded, failed, missing } = await deps.repositories.deployments.acknowledgements(scope, generation);
    const refusal = failed[0];
    failingSince = refusal === undefined ? Number.POSITIVE_INFINITY : Math.min(failingSince, Date.now());
    if (refusal !== undefined && Date.now() - failingSince >= failingAtMostMs) {
      throw new PerennialError(
        'artifact-invalid',
        `gateway ${refusal.gatewayId} cannot load generation ${generation}: ${refusal.error ?? 'no reason given'}`,
        { generation, gateway: refusal.gatewayId },
      );
    }
    if (loaded.length > 0 && missing.length === 0 && failed.length === 0) return;
    if (refusal === undefined && Date.now() > giveUpAt) {
      const who =
        missing.length > 0 ? `gateways ${missing.join(', ')} have not loaded it` : 'no gateway holds a live lease';
      throw new PerennialError(
        'gateways-absent',
        `generation ${generation} of ${scope.model} was not loaded in ${loadWithinMs / 1000} s: ${who}; start a gateway`,
        { generation },
      );
    }
    await pause(pollMs, undefined, { signal: cancellationSignal() });
  }
}
