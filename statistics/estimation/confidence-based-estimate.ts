import { descending } from '../metrics/sample.ts';

/** One entry a row: what the model said (0 or 1), the probability that it gave to 1, and the one that is believed. */
export interface ConfidentRows {
  readonly decision: ArrayLike<number>;
  readonly probability: ArrayLike<number>;
  /** Calibrated. */
  readonly believed: ArrayLike<number>;
}

export type ConfidenceMetric = 'rocAuc' | 'accuracy' | 'precision' | 'recall' | 'f1';
export const confidenceMetrics: readonly ConfidenceMetric[] = ['rocAuc', 'accuracy', 'precision', 'recall', 'f1'];

/**
 * Confidence-based performance estimation: what the metrics of a classifier of two classes come to on rows without labels, if
 * each row is of class 1 with the probability that is believed. Right as long as the probabilities are calibrated and only the
 * inputs have moved, and not what they mean.
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
 * The area under the curve of expected rates, from the highest probability on; rows of one probability are one step of it,
 * whatever their order. NaN where nothing, or all, is believed to be of the class.
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

/** A metric's deviation over rows that count for it, and which share of all rows these are. */
export interface SamplingError {
  readonly deviation: number;
  readonly fraction: number;
}

/** The standard error of a metric that is measured on so many rows. */
export function samplingErrorOf({ deviation, fraction }: SamplingError, rows: number): number {
  return deviation / Math.sqrt(rows * fraction);
}

/**
 * How much each metric wanders from sample to sample, from rows whose truth is known. Source: NannyML 0.13, `sampling_error`.
 *
 * @param truth 0 or 1 a row.
 */
export function confidenceSamplingErrors(
  truth: ArrayLike<number>,
  { decision, probability }: Omit<ConfidentRows, 'believed'>,
): Record<ConfidenceMetric, SamplingError> {
  const rows = Array.from({ length: truth.length }, (_, row) => ({
    truth: truth[row] === 1,
    said: decision[row] === 1,
  }));
  const hits = (those: typeof rows, times = 1): SamplingError => ({
    deviation: deviationOf(those.map((row) => (row.truth === row.said ? times : 0))),
    fraction: those.length / rows.length,
  });
  const relevant = rows.filter((row) => row.truth || row.said);
  const found = relevant.filter((row) => row.truth && row.said).length;
  return {
    rocAuc: rocAucSamplingError(truth, probability),
    accuracy: hits(rows),
    precision: hits(rows.filter((row) => row.said)),
    recall: hits(rows.filter((row) => row.truth)),
    f1: hits(relevant, relevant.length / ((relevant.length - found) * 0.5 + found)),
  };
}

/**
 * By the Mann–Whitney form of the area: of each row of the rarer class, the share of the others that outrank it, ties counting
 * half. NannyML orders what is tied as a quicksort leaves it.
 *
 * @param truth 0 or 1 a row.
 */
export function rocAucSamplingError(truth: ArrayLike<number>, probability: ArrayLike<number>): SamplingError {
  const total = truth.length;
  const positives = Array.from(truth).filter((value) => value === 1).length;
  const [rarer, count] = positives > total / 2 ? [0, total - positives] : [1, positives];
  const outranked: number[] = [];
  let [others, tied, mine] = [0, 0, 0];
  const closeGroup = (): void => {
    for (; mine > 0; mine -= 1) outranked.push((others + tied / 2) / (total - count));
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

export function deviationOf(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
