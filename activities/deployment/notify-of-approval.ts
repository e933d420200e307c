import type { Approval } from '../../contracts/serving/approval.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Notification } from '../../ports/notifier.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { tellConnections } from '../steps/tell-connections.ts';

/**
 * Notifies the webhooks of `deploy.notify` when a request waits for votes, when it was made again because the champion
 * changed, and when half of its time has passed without a decision.
 */
export function createNotifyOfApproval(deps: ActivityDependencies): Activities['notifyOfApproval'] {
  return async ({ runId, scope, approvalId, about }) => {
    const { approvals, deployments, models } = deps.repositories;
    const approval = await approvals.get(approvalId);
    if (approval.runId !== runId)
      throw new PerennialError('unproven', `approval ${approvalId} was not requested by run ${runId}`, { runId });
    const release = await deployments.releaseByDigest(scope.modelId, approval.subject.release);
    const { configuration } = await models.configuration(release.configurationId);
    const at = deps.clock.now();
    return tellConnections(deps, scope, configuration.deploy.notify, (name) =>
      notificationOf(approval, { name, about, at }),
    );
  };
}

function notificationOf(
  { id, project, model, environment, digest, evidence, subject, warnings, expiresAt, votes, earlierVotes }: Approval,
  told: Pick<Parameters<Activities['notifyOfApproval']>[0], 'about'> & {
    readonly name: string;
    readonly at: string;
  },
): Notification {
  return {
    id: `msg_${id}_${told.about}_${told.name}`,
    type: `approval.${told.about}`,
    at: told.at,
    data: {
      project,
      model,
      environment,
      approval: id,
      digest,
      version: evidence.modelVersion,
      replaces: evidence.championVersion,
      gain: evidence.evaluation.gain,
      warnings: warnings.map(({ message }) => message),
      votes: votes.length,
      earlierVotes: earlierVotes.map(({ principalName, decision }) => `${principalName}: ${decision}`),
      wanted: subject.policy.votes,
      roles: subject.policy.roles,
      expiresAt,
      evidence: `/v1/approvals/${id}/evidence.html`,
    },
  };
}
