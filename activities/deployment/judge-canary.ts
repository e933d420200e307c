import type { Configuration } from '../../contracts/configuration.ts';
import type { ServingCount } from '../../contracts/prediction.ts';
import type { CanaryVerdict, DeployActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';

/** Below this many requests one error is not yet a rate. */
const errorsAtLeast = 3;

/** Has the canary of this generation had enough requests, and did it answer them? */
export function createJudgeCanary(deps: ActivityDependencies): DeployActivities['judgeCanary'] {
  return async ({ scope, generation, releaseDigest, minRequests }) => {
    const { deployments, models } = deps.repositories;
    const release = await deployments.releaseByDigest(scope.modelId, releaseDigest);
    const { configuration } = await models.configuration(release.configurationId);
    const counts = await deployments.served(scope, generation);
    return judge(
      counts.filter((count) => count.releaseDigest === releaseDigest),
      minRequests,
      configuration.deploy.strategy.abortOn,
    );
  };
}

export function judge(
  counts: readonly Pick<ServingCount, 'requests' | 'errors'>[],
  minRequests: number,
  abortOn: Configuration['deploy']['strategy']['abortOn'],
): CanaryVerdict {
  const requests = counts.reduce((sum, count) => sum + count.requests, 0);
  const errors = counts.reduce((sum, count) => sum + count.errors, 0);
  const rate = requests === 0 ? 0 : errors / requests;
  if (abortOn.errorRate !== undefined && errors >= errorsAtLeast && rate > abortOn.errorRate) {
    return {
      verdict: 'abort',
      requests,
      reason: `error rate ${rate.toFixed(4)} of the canary is above ${abortOn.errorRate} (${errors} of ${requests} requests)`,
    };
  }
  if (requests < minRequests)
    return {
      verdict: 'insufficient',
      requests,
      reason: `${requests} of ${minRequests} requests have reached the canary`,
    };
  return { verdict: 'pass', requests, reason: '' };
}
