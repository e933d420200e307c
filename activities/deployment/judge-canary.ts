import type { Configuration } from '../../contracts/configuration.ts';
import type { Scope, Sha256 } from '../../contracts/identifiers.ts';
import { latencyQuantileMs, mergeLatencies } from '../../contracts/latency.ts';
import type { ServingCount } from '../../contracts/prediction.ts';
import type { CanaryVerdict, DeployActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { canaryMetric } from './canary-metric.ts';

type AbortOn = Configuration['deploy']['strategy']['abortOn'];

/** Below this many requests one error is not yet a rate. */
const errorsAtLeast = 3;
/** Of fewer requests the 99th percentile is but the slowest. */
const latenciesAtLeast = 100;

/** Has the canary of this generation had enough requests, and did it answer them, in time and well? */
export function createJudgeCanary(deps: ActivityDependencies): DeployActivities['judgeCanary'] {
  return ({ scope, generation, releaseDigest, withMetric }) =>
    judgeCanaryOf(deps, scope, { generation, releaseDigest, withMetric });
}

interface Canary {
  readonly generation: number;
  readonly releaseDigest: Sha256;
  readonly withMetric: boolean;
}

export async function judgeCanaryOf(
  deps: ActivityDependencies,
  scope: Scope,
  { generation, releaseDigest, withMetric }: Canary,
): Promise<CanaryVerdict> {
  const { deployments, models, environments } = deps.repositories;
  const release = await deployments.releaseByDigest(scope.modelId, releaseDigest);
  const { configuration } = await models.configuration(release.configurationId);
  const { clock } = await environments.get(scope.project, scope.environment);
  const counts = await deployments.served(scope, generation);
  const { abortOn, minRequests } = configuration.deploy.strategy;
  const verdict = judge(
    counts.filter((count) => count.releaseDigest === releaseDigest),
    minRequests,
    // Under a virtual clock latency is recorded and decides nothing.
    clock === 'virtual' ? { ...abortOn, p99Ms: undefined } : abortOn,
  );
  // Replayed requests have no labels.
  if (verdict.verdict === 'abort' || abortOn.metric === undefined || !withMetric || clock === 'virtual') return verdict;
  const breach = await canaryMetric(deps, scope, { generation, releaseDigest }, abortOn.metric);
  return breach === undefined ? verdict : { ...verdict, verdict: 'abort', reason: breach };
}

export function judge(
  counts: readonly Pick<ServingCount, 'requests' | 'errors' | 'latency'>[],
  minRequests: number,
  abortOn: AbortOn,
): CanaryVerdict {
  const requests = counts.reduce((sum, count) => sum + count.requests, 0);
  const breach = errorBreach(counts, requests, abortOn) ?? latencyBreach(counts, abortOn);
  if (breach !== undefined) return { verdict: 'abort', requests, reason: breach };
  const wanted = abortOn.p99Ms === undefined ? minRequests : Math.max(minRequests, latenciesAtLeast);
  if (requests < wanted)
    return {
      verdict: 'insufficient',
      requests,
      reason: `${requests} of ${wanted} requests have reached the canary`,
    };
  return { verdict: 'pass', requests, reason: '' };
}

function errorBreach(
  counts: readonly Pick<ServingCount, 'errors'>[],
  requests: number,
  { errorRate }: AbortOn,
): string | undefined {
  const errors = counts.reduce((sum, count) => sum + count.errors, 0);
  const rate = requests === 0 ? 0 : errors / requests;
  if (errorRate === undefined || errors < errorsAtLeast || rate <= errorRate) return undefined;
  return `error rate ${rate.toFixed(4)} of the canary is above ${errorRate} (${errors} of ${requests} requests)`;
}

function latencyBreach(counts: readonly Pick<ServingCount, 'latency'>[], { p99Ms }: AbortOn): string | undefined {
  if (p99Ms === undefined) return undefined;
  const latencies = mergeLatencies(counts.map((count) => count.latency));
  const answered = latencies.reduce((sum, count) => sum + count, 0);
  const measured = latencyQuantileMs(latencies, 0.99);
  if (measured === undefined || answered < latenciesAtLeast || measured <= p99Ms) return undefined;
  return `p99 latency ${measured.toFixed(1)} ms of the canary is above ${p99Ms} ms (${answered} answers)`;
}
