import { meanOf } from './binary-metrics.ts';
import { areaUnderCurve, everyRow } from './ranking-metrics.ts';
import type { MulticlassSample, WeightedMetric, Weights } from './sample.ts';
import { clippedLog } from './sample.ts';

export type MulticlassMetric = 'accuracy' | 'macroF1' | 'weightedF1' | 'logLoss' | 'rocAuc';

/** A larger table is no longer read. */
const mostShownClasses = 50;

/**
 * Metrics of a classifier of several classes, equal to scikit-learn's: F1 is taken over the classes that truth or decisions have
 * (0 for one that is never right), and ROC AUC is that of each class against the rest, the mean over all classes. It is null where
 * a class has no row or all rows, and both losses of probabilities are where the model gives none; `undefined` says why.
 *
 * @throws RangeError if there are no rows.
 */
export function multiclassMetrics(sample: MulticlassSample) {
  const rows = sample.truth.length;
  if (rows === 0) throw new RangeError('there are no rows to measure');
  const every = everyRow(rows);
  const reasons: Record<string, string> = {};
  const tell = (metric: MulticlassMetric): number | null => {
    const value = multiclassMetric(sample, metric)(every);
    if (!Number.isNaN(value)) return value;
    reasons[metric] = reasonOf(sample);
    return null;
  };
  return {
    task: 'multiclass' as const,
    rows,
    classes: [...sample.classes],
    accuracy: tell('accuracy'),
    macroF1: tell('macroF1'),
    weightedF1: tell('weightedF1'),
    logLoss: tell('logLoss'),
    rocAuc: tell('rocAuc'),
    confusion: sample.classes.length > mostShownClasses ? null : confusion(sample),
    undefined: reasons,
  };
}

function reasonOf({ classes, truth, probabilities }: MulticlassSample): string {
  if (probabilities === null) return 'the model gives no probabilities';
  const seen = new Set(truth);
  const absent = classes.find((_, place) => !seen.has(place));
  return absent === undefined ? 'all rows are of one class' : `no row is of the class ${absent}`;
}

/** The metric over any weights of the rows, prepared once; NaN where it is undefined. */
export function multiclassMetric(sample: MulticlassSample, metric: MulticlassMetric): WeightedMetric {
  const { classes, truth, decision, probabilities } = sample;
  const probability = (row: number, place: number): number =>
    probabilities === null ? Number.NaN : (probabilities[row * classes.length + place] ?? 0);
  switch (metric) {
    case 'accuracy':
      return meanOf(Float64Array.from(truth, (place, row) => (place === decision[row] ? 1 : 0)));
    case 'macroF1':
      return (weights) => meanF1(countsOf(sample, weights), () => 1);
    case 'weightedF1':
      return (weights) => meanF1(countsOf(sample, weights), (support) => support);
    case 'logLoss':
      return meanOf(Float64Array.from(truth, (place, row) => -clippedLog(probability(row, place))));
    case 'rocAuc': {
      if (probabilities === null) return () => Number.NaN;
      const areas = classes.map((_, place) =>
        areaUnderCurve(
          Float64Array.from(truth, (_truth, row) => probability(row, place)),
          (row) => truth[row] === place,
        ),
      );
      return (weights) => areas.reduce((sum, area) => sum + area(weights), 0) / areas.length;
    }
  }
}

/** One entry a class: rows that are right, rows that are of it, rows that are said to be of it. */
export interface ClassCounts {
  readonly hits: Float64Array;
  readonly support: Float64Array;
  readonly said: Float64Array;
}

export function countsOf(
  { classes, truth, decision }: Pick<MulticlassSample, 'classes' | 'truth' | 'decision'>,
  weights: Weights,
): ClassCounts {
  const hits = new Float64Array(classes.length);
  const support = new Float64Array(classes.length);
  const said = new Float64Array(classes.length);
  const add = (to: Float64Array, place: number, weight: number): void => {
    to[place] = (to[place] ?? 0) + weight;
  };
  for (let row = 0; row < truth.length; row += 1) {
    const weight = weights[row] ?? 0;
    const [actual, answer] = [truth[row] ?? 0, decision[row] ?? 0];
    add(support, actual, weight);
    add(said, answer, weight);
    if (actual === answer) add(hits, actual, weight);
  }
  return { hits, support, said };
}

/** F1 is 2·TP / (rows of the class + rows said to be of it). */
export function meanF1({ hits, support, said }: ClassCounts, importance: (support: number) => number): number {
  let [sum, total] = [0, 0];
  for (let place = 0; place < hits.length; place += 1) {
    const rows = (support[place] ?? 0) + (said[place] ?? 0);
    if (rows === 0) continue;
    const share = importance(support[place] ?? 0);
    sum += share * ((2 * (hits[place] ?? 0)) / rows);
    total += share;
  }
  return sum / total;
}

function confusion({ classes, truth, decision }: MulticlassSample): number[][] {
  const table = classes.map(() => classes.map(() => 0));
  truth.forEach((actual, row) => {
    const line = table[actual];
    const answer = decision[row] ?? 0;
    if (line) line[answer] = (line[answer] ?? 0) + 1;
  });
  return table;
}
