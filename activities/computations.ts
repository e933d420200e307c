import type { StoringDependencies } from './activity-dependencies.ts';
import { createCheckClassOrder } from './build/training/check-class-order.ts';
import { createCanaryMetric } from './deployment/canary-metric.ts';
import { createStepsApart } from './index.ts';
import { computedApart } from './steps/computed-apart.ts';

/**
 * Computations that a computing process can carry out, by name: steps that are declared as `apart`, and parts of other
 * steps.
 */
export function createComputations(deps: StoringDependencies) {
  return {
    ...createStepsApart(deps),
    checkClassOrder: computedApart(deps, 'checkClassOrder', createCheckClassOrder(deps)),
    canaryMetric: computedApart(deps, 'canaryMetric', createCanaryMetric(deps)),
  };
}
