import type { BoostedTrees } from './boosted-trees.ts';
import { boostedValue, fitBoostedTrees } from './boosted-trees.ts';

/** Model of the losses of a regression, fitted on rows with known truth. */
export interface DirectLoss {
  readonly rows: number;
  readonly absolute: BoostedTrees;
  readonly squared: BoostedTrees;
  /** Standard deviation of the absolute losses of those rows. Sampling errors are computed from the deviations. */
  readonly absoluteDeviation: number;
  readonly squaredDeviation: number;
  readonly squaredMean: number;
}

/**
 * Fits a model that predicts the loss of a row from its inputs and its prediction.
 *
 * Source: NannyML 0.13, `DLE`, with this project's boosted trees instead of LightGBM's.
 *
 * @param columns one list per input; the prediction is one of them.
 * @throws RangeError if there are no rows.
 */
export function fitDirectLoss(
  columns: readonly ArrayLike<number>[],
  prediction: ArrayLike<number>,
  truth: ArrayLike<number>,
): DirectLoss {
  const absolute = Float64Array.from(truth, (value, row) => Math.abs(value - (prediction[row] ?? Number.NaN)));
  const squared = absolute.map((loss) => loss ** 2);
  return {
    rows: truth.length,
    absolute: fitBoostedTrees(columns, absolute),
    squared: fitBoostedTrees(columns, squared),
    absoluteDeviation: deviationOf(absolute),
    squaredDeviation: deviationOf(squared),
    squaredMean: meanOf(squared),
  };
}

interface Estimated {
  readonly value: number;
  readonly samplingError: number;
}

/**
 * Estimates the metrics of rows without labels, with the standard error for this number of rows. A negative estimate of
 * a row's loss counts as 0.
 */
export function directLossEstimate(
  model: DirectLoss,
  columns: readonly ArrayLike<number>[],
  rows: number,
): Readonly<Record<'mae' | 'rmse', Estimated>> {
  const mean = (trees: BoostedTrees): number => {
    let sum = 0;
    for (let row = 0; row < rows; row += 1)
      sum += Math.max(
        0,
        boostedValue(trees, (feature) => columns[feature]?.[row] ?? Number.NaN),
      );
    return sum / rows;
  };
  return {
    mae: { value: mean(model.absolute), samplingError: model.absoluteDeviation / Math.sqrt(rows) },
    rmse: {
      value: Math.sqrt(mean(model.squared)),
      samplingError: model.squaredMean === 0 ? 0 : model.squaredDeviation / Math.sqrt(4 * rows * model.squaredMean),
    },
  };
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviationOf(values: Float64Array): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
