import { canonicalJson } from '../canonical.ts';
import { durationMs } from '../time/duration.ts';
import type { ApprovalPolicy, Environment } from './environment.ts';
import { roles } from '../access/principal.ts';

/** The policy that holds in an environment. In a rehearsal one principal stands for all who would have to vote: its vote is the quorum. */
export function policyIn(
  { clock, minimumPolicy }: Pick<Environment, 'clock' | 'minimumPolicy'>,
  own: ApprovalPolicy,
): ApprovalPolicy {
  const policy = strictestPolicy(own, minimumPolicy);
  return clock === 'virtual' ? { ...policy, votes: Math.min(1, policy.votes), roles: ['approver'] } : policy;
}

/** Whether everything that `required` asks for is asked for by `given` too. */
export function isAsStrict(given: ApprovalPolicy, required: ApprovalPolicy): boolean {
  return canonicalJson(strictestPolicy(given, required)) === canonicalJson(strictestPolicy(given, given));
}

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
