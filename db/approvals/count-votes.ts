import type { Vote } from '../../contracts/serving/approval.ts';
import type { Instant } from '../../contracts/identifiers.ts';
import type { ApprovalRow } from './approval-rows.ts';
import type { ApprovalDecision } from './decide-approval.ts';
import { toDate } from '../connection/instants.ts';

type Asked = Pick<ApprovalRow['approval'], 'subject' | 'expiresAt' | 'requestedBy'>;

/**
 * Returns the decision that the votes lead to, or `undefined` while votes are missing and time is left. One reject vote
 * rejects. Votes cast in time count no matter when they are counted.
 */
export function decisionOf(
  { subject, expiresAt, requestedBy }: Asked,
  cast: readonly Vote[],
  now: Instant,
): Omit<ApprovalDecision, 'at'> | undefined {
  const reject = cast.find((given) => given.decision === 'reject');
  if (reject !== undefined)
    return {
      status: 'rejected',
      reason: `rejected by ${reject.principalName}${remark(reject)}`,
      by: reject.principalId,
    };
  if (subject.policy.votes === 0)
    return { status: 'approved', reason: 'the policy requires no votes', by: requestedBy };
  const approving = cast.slice(0, subject.policy.votes);
  const last = approving.at(-1);
  if (last !== undefined && approving.length === subject.policy.votes)
    return {
      status: 'approved',
      reason: `approved by ${approving.map((given) => given.principalName + remark(given)).join(', ')}`,
      by: last.principalId,
    };
  if (toDate(now) < expiresAt) return undefined;
  const reason = `the request expired with ${cast.length} of ${subject.policy.votes} votes`;
  // An expiry has no decider, so the requester is recorded.
  return { status: 'expired', reason, by: requestedBy };
}

function remark({ comment }: Vote): string {
  return comment === '' ? '' : ` (${comment})`;
}
