import { binaryMeasures } from './binary/index.ts';
import type { BinaryMeasure, Confusion } from './binary/binary-measure.ts';
import { calibrationCurve } from './calibration.ts';
import { eachMeasure } from './each-measure.ts';
import { everyRow } from './ranking-metrics.ts';
import type { BinarySample, WeightedMetric, Weights } from './sample.ts';

export type BinaryMetric = keyof typeof binaryMeasures;

/**
 * Returns the metrics of a binary classifier, equal to scikit-learn's where scikit-learn defines them. Some are
 * computed from the probabilities, the others from the decisions. If a denominator is zero because of the model, for
 * example because it never predicts the positive class, precision, recall, F1 and MCC are 0, as in scikit-learn. If it
 * is zero because of the truth, for example because all rows are of one class, the metric is null and `undefined` gives
 * the reason.
 *
 * @throws RangeError if there are no rows.
 */
export function binaryMetrics(sample: BinarySample) {
  const rows = sample.truth.length;
  if (rows === 0) throw new RangeError('there are no rows to measure');
  const every = everyRow(rows);
  const reasons: Record<string, string> = {};
  const tell = (metric: BinaryMetric): number | null => {
    const value = binaryMetric(sample, metric)(every);
    if (!Number.isNaN(value)) return value;
    reasons[metric] = reasonOf(sample, binaryMeasures[metric]);
    return null;
  };
  const [truePositives, falsePositives, trueNegatives, falseNegatives] = confusion(sample, every);
  return {
    task: 'binary' as const,
    rows,
    positive: sample.positive,
    positives: truePositives + falseNegatives,
    threshold: sample.threshold,
    ...eachMeasure(binaryMeasures, tell),
    confusion: { truePositives, falsePositives, trueNegatives, falseNegatives },
    calibration: sample.probability === null ? null : calibrationCurve(sample.truth, sample.probability),
    undefined: reasons,
  };
}

function reasonOf({ truth, probability, positive }: BinarySample, { from }: BinaryMeasure): string {
  if (probability === null && from === 'probabilities') return 'the model gives no probabilities';
  const positives = truth.reduce((sum, value) => sum + value, 0);
  return positives === 0 ? `no row is of the class ${positive}` : `all rows are of the class ${positive}`;
}

/**
 * Prepares a metric so that it can be computed repeatedly with different row weights. The result is NaN where the
 * metric is undefined.
 */
export function binaryMetric(sample: BinarySample, metric: BinaryMetric): WeightedMetric {
  const measure: BinaryMeasure = binaryMeasures[metric];
  if (measure.from === 'decisions') return (weights) => measure.of(...confusion(sample, weights));
  return sample.probability === null ? () => Number.NaN : measure.of(sample.truth, sample.probability);
}

function confusion({ truth, decision }: BinarySample, weights: Weights): Confusion {
  let [truePositives, falsePositives, trueNegatives, falseNegatives] = [0, 0, 0, 0];
  for (let row = 0; row < truth.length; row += 1) {
    const weight = weights[row] ?? 0;
    if (truth[row] === 1) {
      if (decision[row] === 1) truePositives += weight;
      else falseNegatives += weight;
    } else if (decision[row] === 1) falsePositives += weight;
    else trueNegatives += weight;
  }
  return [truePositives, falsePositives, trueNegatives, falseNegatives];
}
