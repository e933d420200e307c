import type { MeanMetric, Weights } from './sample.ts';

/** Computes the weighted mean of one number per row. */
export function weightedMean(values: Float64Array): MeanMetric {
  const mean = (weights: Weights): number => {
    let [sum, rows] = [0, 0];
    for (let row = 0; row < values.length; row += 1) {
      const weight = weights[row] ?? 0;
      sum += weight * (values[row] ?? 0);
      rows += weight;
    }
    return sum / rows;
  };
  return Object.assign(mean, { values });
}
