import { eachMeasure } from './each-measure.ts';
import { regressionMeasures } from './regression/index.ts';
import type { RegressionSample } from './sample.ts';

export type RegressionMetric = keyof typeof regressionMeasures;

/**
 * Returns the metrics of a regression, equal to scikit-learn's where scikit-learn defines them.
 *
 * @param truth one finite number per row.
 * @param prediction one finite number per row, in the same order.
 * @param quantile the quantile of the pinball loss.
 * @throws RangeError if there are no rows, or a different number of predictions.
 */
export function regressionMetrics(truth: ArrayLike<number>, prediction: ArrayLike<number>, quantile = 0.5) {
  if (truth.length !== prediction.length)
    throw new RangeError(
      `there are ${prediction.length} predictions for ${truth.length} rows; the numbers must be equal`,
    );
  if (truth.length === 0) throw new RangeError('there are no rows to measure');
  const sample: RegressionSample = { task: 'regression', truth, prediction, quantile };
  return {
    task: 'regression' as const,
    rows: truth.length,
    ...eachMeasure(regressionMeasures, (name) => regressionMeasures[name].whole(sample)),
  };
}
