import type { ApprovalWarning } from '../../../contracts/approval.ts';
import type { PastOfVersion } from '../../../ports/repositories/deployments.ts';

/** It served before and was taken back: when, by whom and why. */
export function rolledBack(version: number, { withdrawals }: Pick<PastOfVersion, 'withdrawals'>): ApprovalWarning[] {
  return withdrawals.map(({ kind, environment, at, by, reason }) => ({
    code: 'rolled-back',
    message:
      kind === 'rollback'
        ? `version ${version} was rolled back in ${environment} at ${at} by ${by}: ${reason}`
        : `version ${version} went back by itself in ${environment} at ${at}: ${reason}`,
  }));
}
