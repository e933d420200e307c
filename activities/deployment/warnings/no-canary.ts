import type { ApprovalSubject, ApprovalWarning } from '../../../contracts/serving/approval.ts';

/**
 * Warns that the release gets all requests at once, so that no canary step can detect a problem and undo the release.
 */
export function noCanary({ strategy, champion }: Pick<ApprovalSubject, 'strategy' | 'champion'>): ApprovalWarning[] {
  const message = straightToAll(strategy, champion);
  return message === null ? [] : [{ code: 'no-canary', message }];
}

function straightToAll(strategy: ApprovalSubject['strategy'], champion: string | null): string | null {
  if (champion === null)
    return 'nothing serves in this environment yet: the release gets all requests at once, without a canary or a bake';
  if (strategy.canary.some((weight) => weight < 100)) return null;
  const steps = 'deploy.strategy.canary has no step below 100 %';
  return strategy.shadow === undefined
    ? `the release gets all requests at once, without a canary or a bake: ${steps}`
    : `after the shadow step the release gets all requests at once, without a canary: ${steps}`;
}
