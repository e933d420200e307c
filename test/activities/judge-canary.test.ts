import { expect, it } from 'vitest';
import { metricBreach } from '../../activities/deployment/canary-metric.ts';
import { latencyBoundsMs, latencyBucket } from '../../contracts/models/latency.ts';
import { judge } from '../../activities/deployment/judge-canary.ts';

const abortOn = { errorRate: 0.01 };

type Counted = Parameters<typeof judge>[0]['canary'][number];

function told(requests: number, ownErrors: number, latency: number[] = []): Counted {
  return { requests, ownErrors, latency };
}

/** Judges the canary against a champion without failures. */
function canary(...counts: Counted[]): Parameters<typeof judge>[0] {
  return { canary: counts, champion: [told(10, 0)] };
}

it.each([
  { claim: 'without requests', counts: [], minRequests: 50, verdict: 'insufficient', requests: 0 },
  { claim: 'without requests and without a minimum', counts: [], minRequests: 0, verdict: 'pass', requests: 0 },
  {
    claim: 'one request below the minimum',
    counts: [
      [30, 0],
      [19, 0],
    ],
    minRequests: 50,
    verdict: 'insufficient',
    requests: 49,
  },
  {
    claim: 'the minimum, added up over all gateways',
    counts: [
      [30, 0],
      [20, 0],
    ],
    minRequests: 50,
    verdict: 'pass',
    requests: 50,
  },
  {
    claim: 'two errors are too few for a rate',
    counts: [[2, 2]],
    minRequests: 50,
    verdict: 'insufficient',
    requests: 2,
  },
  {
    claim: 'three errors are enough, even below the minimum',
    counts: [[4, 3]],
    minRequests: 50,
    verdict: 'abort',
    requests: 4,
  },
  { claim: 'a rate at the limit', counts: [[300, 3]], minRequests: 50, verdict: 'pass', requests: 300 },
  {
    claim: 'a rate above the limit, added up over all gateways',
    counts: [
      [150, 2],
      [149, 1],
    ],
    minRequests: 50,
    verdict: 'abort',
    requests: 299,
  },
] as const)('$claim: $verdict', ({ counts, minRequests, verdict, requests }) => {
  const step = canary(...counts.map(([asked, errors]) => told(asked, errors)));
  expect(judge(step, minRequests, abortOn)).toMatchObject({ verdict, requests });
});

it('says what was measured when it aborts or waits, and nothing when it passes', () => {
  expect(judge(canary(told(100, 5)), 50, abortOn).reason).toBe(
    'error rate 0.0500 of the canary is above 0.01 (5 of 100 requests)',
  );
  expect(judge(canary(told(7, 0)), 50, abortOn).reason).toBe('7 of 50 requests have reached the canary');
  expect(judge(canary(told(50, 0)), 50, abortOn).reason).toBe('');
});

it.each([
  { claim: 'both fail equally often', canary: [200, 10], champion: [200, 10], verdict: 'pass' },
  { claim: 'the champion fails more often', canary: [200, 10], champion: [200, 20], verdict: 'pass' },
  { claim: 'the canary fails more often, within the limit', canary: [400, 8], champion: [400, 4], verdict: 'pass' },
  { claim: 'the canary clearly fails more often', canary: [200, 40], champion: [200, 4], verdict: 'abort' },
  { claim: 'the canary may fail more often', canary: [50, 4], champion: [50, 1], verdict: 'insufficient' },
  { claim: 'the champion has no requests', canary: [50, 4], champion: [0, 0], verdict: 'abort' },
] as const)('judges a canary beside its champion: $claim', ({ canary: own, champion, verdict }) => {
  const step = { canary: [told(own[0], own[1])], champion: [told(champion[0], champion[1])] };
  expect(judge(step, 50, abortOn).verdict).toBe(verdict);
});

it('counts the failures of both releases if the champion fails too', () => {
  const step = { canary: [told(150, 30), told(50, 10)], champion: [told(200, 4)] };
  expect(judge(step, 50, abortOn).reason).toBe(
    'error rate 0.2000 of the canary is above the 0.0200 of the champion by more than 0.01 (40 of 200 requests, the champion 4 of 200)',
  );
});

it('aborts on no error rate if the configuration names none', () => {
  expect(judge(canary(told(100, 100)), 50, {}).verdict).toBe('pass');
});

/** Returns the histogram buckets of responses that took this many milliseconds each. */
function latencies(...milliseconds: number[]): number[] {
  const buckets = Array.from({ length: latencyBoundsMs.length + 1 }, () => 0);
  for (const taken of milliseconds) buckets[latencyBucket(taken)]! += 1;
  return buckets;
}

it('aborts on the 99th percentile over all gateways, and reports it', () => {
  const quick = told(97, 0, latencies(...Array<number>(97).fill(4)));
  const slow = told(3, 0, latencies(90, 90, 90));
  expect(judge(canary(quick, slow), 50, { p99Ms: 50 })).toEqual({
    verdict: 'abort',
    requests: 100,
    reason: 'p99 latency 91.7 ms of the canary is above 50 ms (100 answers)',
  });
  expect(judge(canary(quick, slow), 50, { p99Ms: 95 }).verdict).toBe('pass');
});

it('needs a hundred requests before it judges a percentile', () => {
  const slow = told(60, 0, latencies(...Array<number>(60).fill(4_000)));
  expect(judge(canary(slow), 50, { p99Ms: 5 })).toMatchObject({
    verdict: 'insufficient',
    reason: '60 of 100 requests have reached the canary',
  });
});

it('aborts on the metric of the labels that have arrived, unless there are too few', () => {
  const truth = Array.from({ length: 40 }, (_, row) => row);
  const answers = { task: 'regression', truth, prediction: truth.map((value) => value + 3) } as const;
  const metric = { name: 'rmse' as const, max: 2, minLabels: 30 };
  expect(metricBreach(answers, metric)).toBe('rmse 3.00000 of the canary is above 2 (40 labelled answers)');
  expect(metricBreach(answers, { ...metric, max: 3 })).toBeUndefined();
  expect(metricBreach(answers, { ...metric, minLabels: 41 })).toBeUndefined();
  expect(metricBreach(answers, { name: 'r2', min: 0.99, minLabels: 30 })).toMatch(
    /^r2 0\.93\d+ of the canary is below/,
  );
});
