import { meanOverRows } from './regression-measure.ts';

/**
 * Pinball loss of the sample's quantile: an answer that is too low costs `quantile` a unit, one that is too high the rest of 1. At 0.5
 * it is half the mean absolute error.
 */
export const regressionPinball = meanOverRows((truth, prediction, quantile) => {
  const difference = truth - prediction;
  return difference >= 0 ? quantile * difference : (quantile - 1) * difference;
});
