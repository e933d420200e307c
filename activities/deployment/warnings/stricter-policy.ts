import type { ApprovalWarning } from '../../../contracts/serving/approval.ts';
import type { ApprovalPolicy } from '../../../contracts/serving/environment.ts';

/** Warns if the environment's policy is stricter than the model's own configuration, and lists the differences. */
export function stricterPolicy(environment: string, own: ApprovalPolicy, holds: ApprovalPolicy): ApprovalWarning[] {
  const points = [
    ...(holds.votes === own.votes
      ? []
      : [`${holds.votes} ${holds.votes === 1 ? 'vote' : 'votes'} instead of ${own.votes}`]),
    ...(holds.roles.join() === own.roles.join()
      ? []
      : [`votes of ${holds.roles.join(' or ')} instead of ${own.roles.join(' or ')}`]),
    ...(holds.requesterMayVote === own.requesterMayVote ? [] : ['the requester may not vote']),
    ...(committerMayVote(holds) === committerMayVote(own) ? [] : ['the principal that recorded the code may not vote']),
    ...(holds.expires === own.expires ? [] : [`the request expires after ${holds.expires} instead of ${own.expires}`]),
  ];
  if (points.length === 0) return [];
  const message = `${environment} is stricter than deploy.approval of the model: ${points.join(', ')}`;
  return [{ code: 'stricter-policy', message }];
}

function committerMayVote({ lastCommitterMayVote, requesterMayVote }: ApprovalPolicy): boolean {
  return lastCommitterMayVote ?? requesterMayVote;
}
