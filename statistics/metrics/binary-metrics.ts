import { areaUnderCurve, averagePrecision, everyRow } from './ranking-metrics.ts';
import type { BinarySample, WeightedMetric, Weights } from './sample.ts';
import { clippedLog } from './sample.ts';

const fromProbabilities = ['rocAuc', 'averagePrecision', 'logLoss', 'brier', 'ece'] as const;
const fromDecisions = ['accuracy', 'precision', 'recall', 'f1', 'mcc'] as const;
export type BinaryMetric = (typeof fromProbabilities)[number] | (typeof fromDecisions)[number];

const bins = 10;
const noProbabilities = 'the model gives no probabilities';

/**
 * Metrics of a classifier of two classes, equal to scikit-learn's where it defines them: those of probabilities, and those of the
 * decisions. Where a zero in a denominator comes from the model, as when it never says the positive class, precision, recall, F1
 * and MCC are 0 as scikit-learn's are; where it comes from the truth, as when all rows are of one class, the metric is null and
 * `undefined` says why. ECE is the mean distance of the calibration curve from the diagonal, weighted by the rows of each bin.
 *
 * Sources: the scikit-learn docstrings of the metrics; Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities
 * Using Bayesian Binning" (2015) for ECE.
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
    reasons[metric] = reasonOf(sample, metric);
    return null;
  };
  const [truePositives, falsePositives, trueNegatives, falseNegatives] = confusion(sample, every);
  return {
    task: 'binary' as const,
    rows,
    positive: sample.positive,
    positives: truePositives + falseNegatives,
    threshold: sample.threshold,
    rocAuc: tell('rocAuc'),
    averagePrecision: tell('averagePrecision'),
    logLoss: tell('logLoss'),
    brier: tell('brier'),
    accuracy: tell('accuracy'),
    precision: tell('precision'),
    recall: tell('recall'),
    f1: tell('f1'),
    mcc: tell('mcc'),
    ece: tell('ece'),
    confusion: { truePositives, falsePositives, trueNegatives, falseNegatives },
    calibration: sample.probability === null ? null : calibrationCurve(sample.truth, sample.probability),
    undefined: reasons,
  };
}

function reasonOf({ truth, probability, positive }: BinarySample, metric: BinaryMetric): string {
  if (probability === null && fromProbabilities.some((name) => name === metric)) return noProbabilities;
  const positives = truth.reduce((sum, value) => sum + value, 0);
  return positives === 0 ? `no row is of the class ${positive}` : `all rows are of the class ${positive}`;
}

/** The metric over any weights of the rows, prepared once; NaN where it is undefined. */
export function binaryMetric(sample: BinarySample, metric: BinaryMetric): WeightedMetric {
  const { truth, probability } = sample;
  if (isOfDecisions(metric)) return (weights) => ofDecisions[metric](...confusion(sample, weights));
  if (probability === null) return () => Number.NaN;
  const isPositive = (row: number): boolean => truth[row] === 1;
  switch (metric) {
    case 'rocAuc':
      return areaUnderCurve(probability, isPositive);
    case 'averagePrecision':
      return averagePrecision(probability, isPositive);
    case 'logLoss':
      return meanOf(Float64Array.from(probability, (value, row) => -clippedLog(isPositive(row) ? value : 1 - value)));
    case 'brier':
      return meanOf(Float64Array.from(probability, (value, row) => (value - (truth[row] ?? 0)) ** 2));
    case 'ece':
      return calibrationError(truth, probability);
  }
}

function isOfDecisions(metric: BinaryMetric): metric is (typeof fromDecisions)[number] {
  return fromDecisions.some((name) => name === metric);
}

type Counts = readonly [truePositives: number, falsePositives: number, trueNegatives: number, falseNegatives: number];

function confusion({ truth, decision }: BinarySample, weights: Weights): Counts {
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

const ofDecisions: Readonly<Record<(typeof fromDecisions)[number], (...counts: Counts) => number>> = {
  accuracy: (tp, fp, tn, fn) => (tp + tn) / (tp + fp + tn + fn),
  precision(tp, fp, _tn, fn) {
    if (tp + fp > 0) return tp / (tp + fp);
    return tp + fn === 0 ? Number.NaN : 0;
  },
  recall: (tp, _fp, _tn, fn) => tp / (tp + fn),
  f1: (tp, fp, _tn, fn) => (2 * tp) / (2 * tp + fp + fn),
  mcc(tp, fp, tn, fn) {
    if (tp + fn === 0 || tn + fp === 0) return Number.NaN;
    if (tp + fp === 0 || tn + fn === 0) return 0;
    return (tp * tn - fp * fn) / Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
  },
};

/** The weighted mean of one number a row. */
export function meanOf(values: Float64Array): WeightedMetric {
  return (weights) => {
    let [sum, rows] = [0, 0];
    for (let row = 0; row < values.length; row += 1) {
      const weight = weights[row] ?? 0;
      sum += weight * (values[row] ?? 0);
      rows += weight;
    }
    return sum / rows;
  };
}

/** Ten bins of equal width as scikit-learn's `calibration_curve` has them: a probability on an edge is in the bin below. */
function binOf(probability: number): number {
  let bin = 0;
  while (bin < bins - 1 && probability > (bin + 1) * 0.1) bin += 1;
  return bin;
}

function calibrationCurve(
  truth: Uint8Array,
  probability: Float64Array,
): { predicted: number; observed: number; rows: number }[] {
  const sums = sumsOfBins(truth, probability, Uint8Array.from(probability, binOf), everyRow(truth.length));
  return Array.from(sums.rows, (rows, bin) => ({
    predicted: (sums.predicted[bin] ?? 0) / rows,
    observed: (sums.observed[bin] ?? 0) / rows,
    rows,
  })).filter(({ rows }) => rows > 0);
}

function calibrationError(truth: Uint8Array, probability: Float64Array): WeightedMetric {
  const binOfRow = Uint8Array.from(probability, binOf);
  return (weights) => {
    const { predicted, observed, rows } = sumsOfBins(truth, probability, binOfRow, weights);
    const total = rows.reduce((sum, count) => sum + count, 0);
    return predicted.reduce((sum, value, bin) => sum + Math.abs(value - (observed[bin] ?? 0)), 0) / total;
  };
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
