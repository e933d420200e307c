import { canonicalJson } from '../canonical.ts';
import { durationMs } from '../time/duration.ts';
import type { ApprovalPolicy, Environment } from './environment.ts';
import { roles } from '../access/principal.ts';

/**
 * Returns the policy that applies in an environment. In a rehearsal the vote of a single approver replaces all required
 * votes, because one principal votes for everyone.
 */
export function policyIn(
  { clock, minimumPolicy }: Pick<Environment, 'clock' | 'minimumPolicy'>,
  own: ApprovalPolicy,
): ApprovalPolicy {
  const policy = strictestPolicy(own, minimumPolicy);
  return clock === 'virtual' ? { ...policy, votes: Math.min(1, policy.votes), roles: ['approver'] } : policy;
}

/** Returns whether `given` demands at least everything that `required` demands. */
export function isAsStrict(given: ApprovalPolicy, required: ApprovalPolicy): boolean {
  return canonicalJson(strictestPolicy(given, required)) === canonicalJson(strictestPolicy(given, given));
}

/** Combines a model's policy with its environment's minimum policy. Each field takes the stricter value. */
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
