import { durationMs } from '../../contracts/duration.ts';
import type { ApprovalPolicy } from '../../contracts/environment.ts';
import { roles } from '../../contracts/principal.ts';

/** The stricter of a model's policy and its environment's minimum, point by point. */
export function strictestPolicy(own: ApprovalPolicy, minimum: ApprovalPolicy | null): ApprovalPolicy {
  if (minimum === null) return own;
  const weakest = (policy: ApprovalPolicy) => Math.min(...policy.roles.map((role) => roles.indexOf(role)));
  return {
    votes: Math.max(own.votes, minimum.votes),
    roles: weakest(own) >= weakest(minimum) ? own.roles : minimum.roles,
    ...(own.lastCommitterMayVote === undefined && minimum.lastCommitterMayVote === undefined
      ? {}
      : { lastCommitterMayVote: lastCommitterMayVote(own) && lastCommitterMayVote(minimum) }),
    requesterMayVote: own.requesterMayVote && minimum.requesterMayVote,
    expires: durationMs(own.expires) <= durationMs(minimum.expires) ? own.expires : minimum.expires,
  };
}

function lastCommitterMayVote(policy: ApprovalPolicy): boolean {
  return policy.lastCommitterMayVote ?? policy.requesterMayVote;
}
