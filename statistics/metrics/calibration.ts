import { bytesByRow } from './by-row.ts';
import { everyRow } from './ranking-metrics.ts';
import type { WeightedMetric, Weights } from './sample.ts';

const bins = 10;

/**
 * Returns the bin of a probability among ten bins of equal width. A probability on an edge is in the lower bin, as in
 * scikit-learn's `calibration_curve`.
 */
function binOf(probability: number): number {
  let bin = 0;
  while (bin < bins - 1 && probability > (bin + 1) * 0.1) bin += 1;
  return bin;
}

export function calibrationCurve(
  truth: Uint8Array,
  probability: Float64Array,
): { predicted: number; observed: number; rows: number }[] {
  const sums = sumsOfBins(truth, probability, binsOfRows(probability), everyRow(truth.length));
  return Array.from(sums.rows, (rows, bin) => ({
    predicted: (sums.predicted[bin] ?? 0) / rows,
    observed: (sums.observed[bin] ?? 0) / rows,
    rows,
  })).filter(({ rows }) => rows > 0);
}

/**
 * Computes the mean distance of the calibration curve from the diagonal, weighted by the number of rows in each bin.
 */
export function calibrationError(truth: Uint8Array, probability: Float64Array): WeightedMetric {
  const binOfRow = binsOfRows(probability);
  return (weights) => {
    const { predicted, observed, rows } = sumsOfBins(truth, probability, binOfRow, weights);
    const total = rows.reduce((sum, count) => sum + count, 0);
    return predicted.reduce((sum, value, bin) => sum + Math.abs(value - (observed[bin] ?? 0)), 0) / total;
  };
}

function binsOfRows(probability: Float64Array): Uint8Array {
  return bytesByRow(probability.length, (row) => binOf(probability[row] ?? 0));
}

function sumsOfBins(truth: Uint8Array, probability: Float64Array, binOfRow: Uint8Array, weights: Weights) {
  const sums = {
    predicted: new Float64Array(bins),
    observed: new Float64Array(bins),
    rows: new Float64Array(bins),
  };
  for (let row = 0; row < truth.length; row += 1) {
    const weight = weights[row] ?? 0;
    const bin = binOfRow[row] ?? 0;
    sums.predicted[bin] = (sums.predicted[bin] ?? 0) + weight * (probability[row] ?? 0);
    sums.observed[bin] = (sums.observed[bin] ?? 0) + weight * (truth[row] ?? 0);
    sums.rows[bin] = (sums.rows[bin] ?? 0) + weight;
  }
  return sums;
}
