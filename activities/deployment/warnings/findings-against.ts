import type { ApprovalWarning } from '../../../contracts/serving/approval.ts';
import type { PastOfVersion } from '../../../ports/repositories/deployment-repository.ts';

/** Warns of findings that monitoring opened while the version served. */
export function findingsAgainst(version: number, { findings }: Pick<PastOfVersion, 'findings'>): ApprovalWarning[] {
  return findings.map(({ environment, kind, subject, value, threshold, openedAt, closedAt }) => {
    const until = closedAt === null ? 'is still open' : `was closed at ${closedAt}`;
    const beyond = `${Number(value.toPrecision(4))}, beyond the threshold ${threshold}`;
    return {
      code: 'finding',
      message: `a finding was opened against version ${version} in ${environment} at ${openedAt} and ${until}: ${kind} of ${subject} with the value ${beyond}`,
    };
  });
}
