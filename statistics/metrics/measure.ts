import { byRow } from './by-row.ts';
import type { BinaryMetric } from './binary-metrics.ts';
import { binaryMetric, binaryMetrics } from './binary-metrics.ts';
import { binaryMeasures } from './binary/index.ts';
import type { BinaryMeasure } from './binary/binary-measure.ts';
import type { Blocks, BlockMetric } from './block-metric.ts';
import { sumByBlock, weightedSum } from './block-metric.ts';
import { multiclassMeasures } from './multiclass/index.ts';
import type { MulticlassMetric } from './multiclass-metrics.ts';
import { multiclassMetric, multiclassMetrics } from './multiclass-metrics.ts';
import { regressionMeasures } from './regression/index.ts';
import type { RegressionMetric } from './regression-metrics.ts';
import { regressionMetrics } from './regression-metrics.ts';
import type { BinarySample, MeanMetric, RankedMetric, Sample, WeightedMetric } from './sample.ts';

export type MeasuredMetric = RegressionMetric | BinaryMetric | MulticlassMetric;

/**
 * Returns all metrics of the sample's task.
 *
 * @throws RangeError if there are no rows.
 */
export function metricsOf(sample: Sample) {
  switch (sample.task) {
    case 'regression':
      return regressionMetrics(sample.truth, sample.prediction, sample.quantile);
    case 'binary':
      return binaryMetrics(sample);
    case 'multiclass':
      return multiclassMetrics(sample);
  }
}

/** Returns one metric over all rows; NaN if it is undefined or belongs to another task. */
export function measure(sample: Sample, metric: MeasuredMetric): number {
  const value: unknown = Object.entries(metricsOf(sample)).find(([name]) => name === metric)?.[1];
  return typeof value === 'number' ? value : Number.NaN;
}

/**
 * Returns a function that computes the metric on a resample of whole blocks; NaN if it is undefined or belongs to
 * another task.
 */
export function resampledMetric(sample: Sample, metric: MeasuredMetric, blocks: Blocks): BlockMetric {
  switch (sample.task) {
    case 'regression':
      return isOf(regressionMeasures, metric) ? regressionMeasures[metric].resampled(sample, blocks) : () => Number.NaN;
    case 'binary':
      return isOf(binaryMeasures, metric) ? resampledBinary(sample, metric, blocks) : () => Number.NaN;
    case 'multiclass':
      return isOf(multiclassMeasures, metric) ? resampled(multiclassMetric(sample, metric), blocks) : () => Number.NaN;
  }
}

/** Returns the sample of the given rows only, in the given order. */
export function pickRows(sample: Sample, rows: readonly number[]): Sample {
  switch (sample.task) {
    case 'regression':
      return { ...sample, truth: pick(sample.truth, rows), prediction: pick(sample.prediction, rows) };
    case 'binary':
      return {
        ...sample,
        truth: new Uint8Array(pick(sample.truth, rows)),
        decision: new Uint8Array(pick(sample.decision, rows)),
        probability: sample.probability === null ? null : pick(sample.probability, rows),
      };
    case 'multiclass': {
      const { probabilities, classes } = sample;
      const places = rows.flatMap((row) => classes.map((_, place) => row * classes.length + place));
      return {
        ...sample,
        truth: new Int32Array(pick(sample.truth, rows)),
        decision: new Int32Array(pick(sample.decision, rows)),
        probabilities: probabilities === null ? null : pick(probabilities, places),
      };
    }
  }
}

function pick(values: ArrayLike<number>, rows: readonly number[]): Float64Array {
  return byRow(rows.length, (at) => values[rows[at] ?? -1] ?? Number.NaN);
}

/** Uses sums by block, or the order of the rows, where the metric allows it. Otherwise visits every row of a draw. */
function resampled(metric: WeightedMetric | RankedMetric | MeanMetric, blocks: Blocks): BlockMetric {
  if ('values' in metric) return resampledMean(metric, blocks);
  const { ofRow } = blocks;
  const isRanked = 'order' in metric;
  const blockOf = isRanked ? metric.order.map((row) => ofRow[row] ?? 0) : ofRow;
  const weights = new Uint32Array(blockOf.length);
  return (drawn) => {
    for (let at = 0; at < weights.length; at += 1) weights[at] = drawn[blockOf[at] ?? 0] ?? 0;
    return isRanked ? metric.ofRanked(weights) : metric(weights);
  };
}

function resampledMean({ values }: MeanMetric, blocks: Blocks): BlockMetric {
  const [sums, rows] = [sumByBlock(blocks, (row) => values[row] ?? Number.NaN), sumByBlock(blocks, () => 1)];
  return (drawn) => weightedSum(sums, drawn) / weightedSum(rows, drawn);
}

function resampledBinary(sample: BinarySample, metric: BinaryMetric, blocks: Blocks): BlockMetric {
  const measureOf: BinaryMeasure = binaryMeasures[metric];
  if (measureOf.from !== 'decisions') return resampled(binaryMetric(sample, metric), blocks);
  const { truth, decision } = sample;
  const counts = [
    [1, 1],
    [0, 1],
    [0, 0],
    [1, 0],
  ].map(([actual, said]) => sumByBlock(blocks, (row) => (truth[row] === actual && decision[row] === said ? 1 : 0)));
  return (drawn) => {
    const [tp = 0, fp = 0, tn = 0, fn = 0] = counts.map((sums) => weightedSum(sums, drawn));
    return measureOf.of(tp, fp, tn, fn);
  };
}

function isOf<Name extends string>(measures: Readonly<Record<Name, unknown>>, metric: string): metric is Name {
  return Object.hasOwn(measures, metric);
}
