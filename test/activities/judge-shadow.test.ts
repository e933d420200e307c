import { expect, it } from 'vitest';
import { judgeShadow } from '../../activities/deployment/judge-shadow.ts';
import type { ShadowStep } from '../../contracts/configuration/strategy.ts';

const policy: ShadowStep = { bake: '5m', minRows: 50, tolerance: 5, maxFailed: 0.01 };

function counted(compared: number, beyond = 0, failed = 0) {
  return { compared, beyond, failed, dropped: 0, absoluteDifference: 2 * compared };
}

it('waits for enough rows over all gateways, and states its measurements with every verdict', () => {
  expect(judgeShadow([counted(30), counted(19)], policy)).toMatchObject({ verdict: 'insufficient', requests: 49 });
  expect(judgeShadow([], policy).reason).toBe('the shadow was compared on 0 of 50 rows (0 failed, 0 dropped)');
  expect(judgeShadow([counted(30, 3), counted(30)], policy)).toEqual({
    verdict: 'pass',
    requests: 60,
    reason:
      'the shadow was compared on 60 rows: mean absolute difference 2.000, 5.0 % differ by more than 5, 0 failed, 0 dropped',
  });
});

it('ends a deployment whose predictions differ too often, and reports the share', () => {
  const strict = { ...policy, maxShareBeyond: 0.04 };
  expect(judgeShadow([counted(60, 3)], strict)).toMatchObject({
    verdict: 'abort',
    reason: expect.stringMatching(
      /^a share of 0\.0500 of the shadow's answers differs by more than the tolerance 5, above maxShareBeyond 0\.04; /,
    ),
  });
  expect(judgeShadow([counted(60, 2)], strict).verdict).toBe('pass');
  expect(judgeShadow([counted(10, 10)], strict).verdict).toBe('insufficient');
});

it('ends a deployment whose shadow fails on requests that the champion answers, before all rows have arrived', () => {
  expect(judgeShadow([counted(19, 0, 1)], policy)).toMatchObject({
    verdict: 'abort',
    reason: expect.stringContaining('failed on a share of 0.0500 of the rows, above maxFailed 0.01'),
  });
  expect(judgeShadow([counted(10, 0, 1)], policy).verdict).toBe('insufficient');
});
