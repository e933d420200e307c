import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope, Sha256 } from '../../contracts/identifiers.ts';
import { latencyQuantileMs, mergeLatencies } from '../../contracts/models/latency.ts';
import type { ServingCount } from '../../contracts/serving/prediction.ts';
import type { CanaryVerdict } from '../../contracts/pipelines/deploy-runs.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { computedApart } from '../steps/computed-apart.ts';
import { createCanaryMetric } from './canary-metric.ts';

type AbortOn = Configuration['deploy']['strategy']['abortOn'];

/** With fewer requests, a single error does not make a rate. */
const errorsAtLeast = 3;
/** With fewer requests, the 99th percentile is merely the slowest one. */
const latenciesAtLeast = 100;

/**
 * Judges the canary of this generation: whether it has had enough requests, and whether its error rate, latency and
 * metric stay within the limits.
 */
export function createJudgeCanary(deps: ActivityDependencies): Activities['judgeCanary'] {
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
  const current = await deployments.current(scope);
  const champion =
    current?.generation === generation ? current.slots.find(({ role }) => role === 'champion') : undefined;
  const { abortOn, minRequests } = configuration.deploy.strategy;
  const verdict = judge(
    {
      canary: counts.filter((count) => count.releaseDigest === releaseDigest),
      champion: counts.filter((count) => count.releaseDigest === champion?.releaseDigest),
    },
    minRequests,
    // Under a virtual clock, latency is recorded but does not decide.
    clock === 'virtual' ? { ...abortOn, p99Ms: undefined } : abortOn,
  );
  // A rehearsal replays requests, which have no labels, so there is no metric to judge.
  if (verdict.verdict === 'abort' || abortOn.metric === undefined || !withMetric || clock === 'virtual') return verdict;
  const measure = computedApart(deps, 'canaryMetric', createCanaryMetric(deps));
  const breach = await measure({ scope, canary: { generation, releaseDigest }, metric: abortOn.metric });
  return breach === undefined ? verdict : { ...verdict, verdict: 'abort', reason: breach };
}

type Counted = Pick<ServingCount, 'requests' | 'ownErrors' | 'latency'>;

/** Request counts of both releases in one step; each list has one entry per gateway. */
export interface CanaryStep {
  readonly canary: readonly Counted[];
  readonly champion: readonly Counted[];
}

export function judge(step: CanaryStep, minRequests: number, abortOn: AbortOn): CanaryVerdict {
  const { requests } = errorsOf(step.canary);
  const wanted = abortOn.p99Ms === undefined ? minRequests : Math.max(minRequests, latenciesAtLeast);
  const errors = judgeErrors(step, abortOn);
  const slow = latencyBreach(step.canary, abortOn);
  if (errors?.verdict === 'abort') return { ...errors, requests };
  if (slow !== undefined) return { verdict: 'abort', requests, reason: slow };
  if (requests < wanted)
    return {
      verdict: 'insufficient',
      requests,
      reason: `${requests} of ${wanted} requests have reached the canary`,
    };
  return errors === undefined ? { verdict: 'pass', requests, reason: '' } : { ...errors, requests };
}

interface Errors {
  readonly requests: number;
  readonly errors: number;
  readonly rate: number;
}

function errorsOf(counts: readonly Counted[]): Errors {
  const requests = counts.reduce((sum, count) => sum + count.requests, 0);
  const errors = counts.reduce((sum, count) => sum + count.ownErrors, 0);
  return { requests, errors, rate: requests === 0 ? 0 : errors / requests };
}

/**
 * Returns a verdict if the canary's own error rate exceeds the champion's by more than `errorRate`, else undefined. A
 * request on which both fail counts as an error of neither. If the champion has errors of its own, the lower confidence
 * bound of the difference decides, and the verdict is `insufficient` until that bound is above the limit.
 */
function judgeErrors(step: CanaryStep, { errorRate }: AbortOn): Pick<CanaryVerdict, 'verdict' | 'reason'> | undefined {
  const canary = errorsOf(step.canary);
  const champion = errorsOf(step.champion);
  if (errorRate === undefined || canary.errors < errorsAtLeast) return undefined;
  if (canary.rate - champion.rate <= errorRate) return undefined;
  const of = `${canary.errors} of ${canary.requests} requests`;
  const told = `error rate ${canary.rate.toFixed(4)} of the canary`;
  if (champion.errors === 0) return { verdict: 'abort', reason: `${told} is above ${errorRate} (${of})` };
  const beside = `${champion.rate.toFixed(4)} of the champion by more than ${errorRate} (${of}, the champion ${champion.errors} of ${champion.requests})`;
  return excessAtLeast(canary, champion) > errorRate
    ? { verdict: 'abort', reason: `${told} is above the ${beside}` }
    : { verdict: 'insufficient', reason: `${told} may be above the ${beside}; more requests are needed to decide` };
}

/**
 * Returns the one-sided 95 % lower confidence bound of the difference of two proportions, by the normal approximation
 * (Agresti, Categorical Data Analysis, 3.1).
 */
function excessAtLeast(canary: Errors, champion: Errors): number {
  const variance = ({ rate, requests }: Errors) => (rate * (1 - rate)) / requests;
  return canary.rate - champion.rate - 1.645 * Math.sqrt(variance(canary) + variance(champion));
}

function latencyBreach(counts: readonly Pick<ServingCount, 'latency'>[], { p99Ms }: AbortOn): string | undefined {
  if (p99Ms === undefined) return undefined;
  const latencies = mergeLatencies(counts.map((count) => count.latency));
  const answered = latencies.reduce((sum, count) => sum + count, 0);
  const measured = latencyQuantileMs(latencies, 0.99);
  if (measured === undefined || answered < latenciesAtLeast || measured <= p99Ms) return undefined;
  return `p99 latency ${measured.toFixed(1)} ms of the canary is above ${p99Ms} ms (${answered} answers)`;
}
