import { expect, it } from 'vitest';
import { judge } from '../../activities/deployment/judge-canary.ts';

const abortOn = { errorRate: 0.01 };

it.each([
  { claim: 'nobody has asked it', counts: [], minRequests: 50, verdict: 'insufficient', requests: 0 },
  { claim: 'nobody has asked it and nobody need', counts: [], minRequests: 0, verdict: 'pass', requests: 0 },
  {
    claim: 'one short of the minimum',
    counts: [
      [30, 0],
      [19, 0],
    ],
    minRequests: 50,
    verdict: 'insufficient',
    requests: 49,
  },
  {
    claim: 'the minimum over all gateways',
    counts: [
      [30, 0],
      [20, 0],
    ],
    minRequests: 50,
    verdict: 'pass',
    requests: 50,
  },
  { claim: 'two errors are not yet a rate', counts: [[2, 2]], minRequests: 50, verdict: 'insufficient', requests: 2 },
  { claim: 'three errors are, before the minimum', counts: [[4, 3]], minRequests: 50, verdict: 'abort', requests: 4 },
  { claim: 'a rate at the limit passes', counts: [[300, 3]], minRequests: 50, verdict: 'pass', requests: 300 },
  {
    claim: 'a rate above it aborts, added up over gateways',
    counts: [
      [150, 2],
      [149, 1],
    ],
    minRequests: 50,
    verdict: 'abort',
    requests: 299,
  },
] as const)('$claim: $verdict', ({ counts, minRequests, verdict, requests }) => {
  const told = counts.map(([asked, errors]) => ({ requests: asked, errors }));
  expect(judge(told, minRequests, abortOn)).toMatchObject({ verdict, requests });
});

it('says what was measured when it aborts or waits, and nothing when it passes', () => {
  expect(judge([{ requests: 100, errors: 5 }], 50, abortOn).reason).toBe(
    'error rate 0.0500 of the canary is above 0.01 (5 of 100 requests)',
  );
  expect(judge([{ requests: 7, errors: 0 }], 50, abortOn).reason).toBe('7 of 50 requests have reached the canary');
  expect(judge([{ requests: 50, errors: 0 }], 50, abortOn).reason).toBe('');
});

it('aborts on no error rate that nobody named', () => {
  expect(judge([{ requests: 100, errors: 100 }], 50, {}).verdict).toBe('pass');
});
