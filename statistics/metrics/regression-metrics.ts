/** The smallest |truth| that an error is divided by; scikit-learn's, the spacing of doubles at 1. */
const smallestTruth = Number.EPSILON;

/**
 * Regression metrics, equal to scikit-learn's: root of the mean squared error, mean and median absolute error (units of the
 * target), coefficient of determination, mean absolute percentage error (a share, not percent; huge where the truth is 0), and the
 * pinball loss of `quantile`, which at 0.5 is half the mean absolute error.
 * Where the truth does not vary, r2 is 1 for a perfect prediction and else 0.
 *
 * @param truth one number a row, finite.
 * @param prediction one number a row, finite, in the same order.
 * @throws RangeError if there are no rows, or not as many predictions.
 */
export function regressionMetrics(truth: ArrayLike<number>, prediction: ArrayLike<number>, quantile = 0.5) {
  if (truth.length !== prediction.length)
    throw new RangeError(`${prediction.length} predictions for ${truth.length} rows`);
  if (truth.length === 0) throw new RangeError('there are no rows to measure');
  const rows = truth.length;
  const errors = absoluteErrors(truth, prediction);
  const squared = errors.reduce((sum, error) => sum + error * error, 0);
  return {
    task: 'regression' as const,
    rows,
    rmse: Math.sqrt(squared / rows),
    mae: errors.reduce((sum, error) => sum + error, 0) / rows,
    r2: determination(squared, spread(truth)),
    mape:
      errors.reduce((sum, error, row) => sum + error / Math.max(smallestTruth, Math.abs(truth[row] ?? Number.NaN)), 0) /
      rows,
    medianAbsoluteError: median(errors.toSorted()),
    pinball:
      errors.reduce((sum, _, row) => sum + pinballLoss(truth[row] ?? 0, prediction[row] ?? 0, quantile), 0) / rows,
  };
}

/** An answer that is too low costs `quantile` a unit, one that is too high the rest of 1. */
export function pinballLoss(truth: number, prediction: number, quantile: number): number {
  const difference = truth - prediction;
  return difference >= 0 ? quantile * difference : (quantile - 1) * difference;
}

function absoluteErrors(truth: ArrayLike<number>, prediction: ArrayLike<number>): Float64Array {
  return Float64Array.from(truth, (actual, row) => Math.abs(actual - (prediction[row] ?? Number.NaN)));
}

/** Sum of squared distances from the mean. */
function spread(values: ArrayLike<number>): number {
  const numbers = Float64Array.from(values);
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  return numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}

function determination(residual: number, total: number): number {
  if (total === 0) return residual === 0 ? 1 : 0;
  // Errors may exceed a tiny spread by more than a double can tell.
  return Math.max(-Number.MAX_VALUE, 1 - residual / total);
}

function median(sorted: Float64Array): number {
  const upper = Math.floor(sorted.length / 2);
  const high = sorted[upper] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[upper - 1] ?? Number.NaN)) / 2;
}
