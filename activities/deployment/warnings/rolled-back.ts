import type { ApprovalWarning } from '../../../contracts/serving/approval.ts';
import type { PastOfVersion } from '../../../ports/repositories/deployment-repository.ts';

/** Warns that the version served before and was rolled back, with the time, the person and the reason. */
export function rolledBack(version: number, { withdrawals }: Pick<PastOfVersion, 'withdrawals'>): ApprovalWarning[] {
  return withdrawals.map(({ kind, environment, at, by, reason }) => ({
    code: 'rolled-back',
    message:
      kind === 'rollback'
        ? `version ${version} was rolled back in ${environment} at ${at} by ${by}: ${reason}`
        : `version ${version} was rolled back automatically in ${environment} at ${at}: ${reason}`,
  }));
}
