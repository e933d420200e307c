import { byRow } from '../metrics/by-row.ts';
import type { BoostedTrees } from './boosted-trees.ts';
import { fitBoostedTrees } from './boosted-trees.ts';
import { boostedValues } from './boosted-values.ts';

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
  const absolute = byRow(truth.length, (row) => Math.abs((truth[row] ?? Number.NaN) - (prediction[row] ?? Number.NaN)));
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

/** Sums over rows of the losses that the model predicts. A negative prediction counts as 0. */
export interface DirectLossSums {
  readonly rows: number;
  readonly absolute: number;
  readonly squared: number;
}

export const noLosses: DirectLossSums = { rows: 0, absolute: 0, squared: 0 };

/**
 * Adds the losses of further rows.
 *
 * @param columns one list per input, as in `fitDirectLoss`.
 */
export function addLosses(
  sums: DirectLossSums,
  model: DirectLoss,
  columns: readonly ArrayLike<number>[],
  rows: number,
): DirectLossSums {
  const added = (sum: number, trees: BoostedTrees): number =>
    boostedValues(trees, columns, rows).reduce((total, loss) => total + Math.max(0, loss), sum);
  return {
    rows: sums.rows + rows,
    absolute: added(sums.absolute, model.absolute),
    squared: added(sums.squared, model.squared),
  };
}

/** Estimates the metrics of rows without labels, with the standard error for this number of rows. */
export function directLossEstimate(
  model: DirectLoss,
  { rows, absolute, squared }: DirectLossSums,
): Readonly<Record<'mae' | 'rmse', Estimated>> {
  return {
    mae: { value: absolute / rows, samplingError: model.absoluteDeviation / Math.sqrt(rows) },
    rmse: {
      value: Math.sqrt(squared / rows),
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
