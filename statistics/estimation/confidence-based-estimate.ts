import { descending } from '../metrics/row-order.ts';

/**
 * Predictions of a binary classifier, with one entry per row: the decision (0 or 1), the model's probability of class
 * 1, and the calibrated probability of class 1 (`believed`).
 */
export interface ConfidentRows {
  readonly decision: ArrayLike<number>;
  readonly probability: ArrayLike<number>;
  readonly believed: ArrayLike<number>;
}

export type ConfidenceMetric = 'rocAuc' | 'accuracy' | 'precision' | 'recall' | 'f1';
export const confidenceMetrics: readonly ConfidenceMetric[] = ['rocAuc', 'accuracy', 'precision', 'recall', 'f1'];

/**
 * Estimates the metrics of a binary classifier on rows without labels by confidence-based performance estimation: each
 * row is assumed to be of class 1 with its calibrated probability. The estimate is right as long as the probabilities
 * are calibrated and only the distribution of the inputs has changed, not their relation to the target.
 *
 * Source: NannyML 0.13, `CBPE`.
 */
export function confidenceBasedEstimate(rows: ConfidentRows): Record<ConfidenceMetric, number> {
  let [tp, fp, fn, tn] = [0, 0, 0, 0];
  for (let row = 0; row < rows.decision.length; row += 1) {
    const believed = rows.believed[row] ?? 0;
    if (rows.decision[row] === 1) [tp, fp] = [tp + believed, fp + 1 - believed];
    else [fn, tn] = [fn + believed, tn + 1 - believed];
  }
  return {
    rocAuc: expectedRocAuc(rows),
    accuracy: (tp + tn) / rows.decision.length,
    precision: share(tp, tp + fp),
    recall: share(tp, tp + fn),
    f1: share(tp, tp + 0.5 * (fp + fn)),
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/**
 * Returns the area under the curve of expected rates, from the highest probability down. Rows of equal probability are
 * one step of the curve, whatever their order. NaN if the expected number of rows of either class is 0.
 */
export function expectedRocAuc({ probability, believed }: Omit<ConfidentRows, 'decision'>): number {
  let [positives, negatives, area] = [0, 0, 0];
  let [tiedPositives, tiedNegatives] = [0, 0];
  const closeGroup = (): void => {
    area += tiedNegatives * (positives + tiedPositives / 2);
    [positives, negatives] = [positives + tiedPositives, negatives + tiedNegatives];
    [tiedPositives, tiedNegatives] = [0, 0];
  };
  let score: number | undefined;
  for (const row of descending(probability)) {
    if (probability[row] !== score) closeGroup();
    score = probability[row];
    const chance = believed[row] ?? 0;
    tiedPositives += chance;
    tiedNegatives += 1 - chance;
  }
  closeGroup();
  return area / (positives * negatives);
}

/** Standard deviation of a metric over the rows that it depends on, and the share of these rows in all rows. */
export interface SamplingError {
  readonly deviation: number;
  readonly fraction: number;
}

/** Returns the standard error of a metric that is measured on this number of rows. */
export function samplingErrorOf({ deviation, fraction }: SamplingError, rows: number): number {
  return deviation / Math.sqrt(rows * fraction);
}

/**
 * Estimates the sampling error of each metric from rows with known truth.
 *
 * Source: NannyML 0.13, `sampling_error`.
 *
 * @param truth 0 or 1 for each row.
 */
export function confidenceSamplingErrors(
  truth: ArrayLike<number>,
  { decision, probability }: Omit<ConfidentRows, 'believed'>,
): Record<ConfidenceMetric, SamplingError> {
  const rows = truth.length;
  const isHit = (row: number): boolean => truth[row] === decision[row];
  const isOne = (list: ArrayLike<number>, row: number): boolean => list[row] === 1;
  const hits = (isOf: (row: number) => boolean, times = 1): SamplingError => {
    const values = new Float64Array(rows);
    let count = 0;
    for (let row = 0; row < rows; row += 1) if (isOf(row)) values[count++] = isHit(row) ? times : 0;
    return { deviation: deviationOf(values.subarray(0, count)), fraction: count / rows };
  };
  const isRelevant = (row: number): boolean => isOne(truth, row) || isOne(decision, row);
  let [relevant, found] = [0, 0];
  for (let row = 0; row < rows; row += 1) {
    if (isRelevant(row)) relevant += 1;
    if (isOne(truth, row) && isOne(decision, row)) found += 1;
  }
  return {
    rocAuc: rocAucSamplingError(truth, probability),
    accuracy: hits(() => true),
    precision: hits((row) => isOne(decision, row)),
    recall: hits((row) => isOne(truth, row)),
    f1: hits(isRelevant, relevant / ((relevant - found) * 0.5 + found)),
  };
}

/**
 * Estimates the sampling error of ROC AUC by its Mann–Whitney form: for each row of the rarer class, the share of the
 * rows of the other class that rank above it, with ties counting half. NannyML leaves tied rows in the order of a
 * quicksort instead.
 *
 * @param truth 0 or 1 for each row.
 */
export function rocAucSamplingError(truth: ArrayLike<number>, probability: ArrayLike<number>): SamplingError {
  const total = truth.length;
  let positives = 0;
  for (let row = 0; row < total; row += 1) if (truth[row] === 1) positives += 1;
  const [rarer, count] = positives > total / 2 ? [0, total - positives] : [1, positives];
  const outranked = new Float64Array(count);
  let known = 0;
  let [others, tied, mine] = [0, 0, 0];
  const closeGroup = (): void => {
    for (; mine > 0; mine -= 1) outranked[known++] = (others + tied / 2) / (total - count);
    [others, tied] = [others + tied, 0];
  };
  let score: number | undefined;
  for (const row of descending(probability)) {
    if (probability[row] !== score) closeGroup();
    score = probability[row];
    if (truth[row] === rarer) mine += 1;
    else tied += 1;
  }
  closeGroup();
  return { deviation: deviationOf(outranked), fraction: count / total };
}

export function deviationOf(values: readonly number[] | Float64Array): number {
  if (values.length === 0) return Number.NaN;
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / values.length);
}
