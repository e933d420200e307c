import { meanOverRows } from './regression-measure.ts';

/**
 * Pinball loss at the sample's quantile: a prediction that is too low costs `quantile` per unit, one that is too high
 * costs 1 − `quantile` per unit. At 0.5, it is half the mean absolute error.
 */
export const regressionPinball = meanOverRows((truth, prediction, quantile) => {
  const difference = truth - prediction;
  return difference >= 0 ? quantile * difference : (quantile - 1) * difference;
});
