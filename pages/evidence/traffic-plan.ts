import type { ApprovalSubject } from '../../contracts/serving/approval.ts';
import { PlannedStrategy } from '../../contracts/serving/planned-strategy.ts';

const whenFewer = { extend: 'waits for more', proceed: 'continues', abort: 'is aborted' } as const;

/** Describes in words how the release would take over traffic, step by step, and what would stop it. */
export function trafficPlan({ strategy, champion }: Pick<ApprovalSubject, 'strategy' | 'champion'>): {
  readonly traffic: string[];
  readonly stops: string[];
} {
  const plan = PlannedStrategy.parse(strategy);
  if (champion === null)
    return {
      traffic: ['all requests at once, because there is no champion to compare with'],
      stops: [],
    };
  const steps = plan.canary.map((weight) =>
    weight === 100
      ? 'all requests'
      : `${weight} % of requests for at least ${plan.bake} and ${plan.minRequests} requests (with fewer, the rollout ${whenFewer[plan.onInsufficient]})`,
  );
  return {
    traffic: [...(plan.shadow === undefined ? [] : [shadowStep(plan.shadow)]), ...steps],
    stops: steps.length === 1 ? [] : abortions(plan.abortOn),
  };
}

function shadowStep({
  bake,
  minRows,
  tolerance,
  maxShareBeyond,
  maxFailed,
}: NonNullable<PlannedStrategy['shadow']>): string {
  const stops = [
    ...(maxShareBeyond === undefined
      ? []
      : [`more than ${inPercent(maxShareBeyond)} of its predictions differ by more than ${tolerance}`]),
    ...(maxFailed === undefined ? [] : [`it fails on more than ${inPercent(maxFailed)} of the rows`]),
  ];
  const stop = stops.length === 0 ? '' : ` (aborted if ${stops.join(', or if ')})`;
  return `no requests: as a shadow, it predicts beside the champion for at least ${bake} and ${minRows} rows${stop}`;
}

function abortions({ errorRate, p99Ms, metric }: PlannedStrategy['abortOn']): string[] {
  return [
    ...(errorRate === undefined
      ? []
      : [`more than ${inPercent(errorRate)} of its requests fail although the champion can answer them`]),
    ...(p99Ms === undefined ? [] : [`its p99 latency is above ${p99Ms} ms`]),
    ...(metric?.max === undefined
      ? []
      : [`its ${metric.name} over at least ${metric.minLabels} labels is above ${metric.max}`]),
    ...(metric?.min === undefined
      ? []
      : [`its ${metric.name} over at least ${metric.minLabels} labels is below ${metric.min}`]),
  ];
}

function inPercent(share: number): string {
  return `${Number((100 * share).toPrecision(6))} %`;
}
