import type { Configuration } from '../../contracts/configuration.ts';
import type { Cell } from '../../contracts/data-types.ts';
import type { ColumnReference, Estimation, MonitoringReference } from '../../contracts/model-version.ts';
import type { PerformanceEstimate } from '../../contracts/report.ts';
import {
  confidenceBasedEstimate,
  confidenceMetrics,
  confidenceSamplingErrors,
  samplingErrorOf,
} from '../../statistics/confidence-based-estimate.ts';
import { directLossEstimate, fitDirectLoss } from '../../statistics/direct-loss-estimate.ts';
import { heightAt, isotonicRegression } from '../../statistics/isotonic-regression.ts';
import type { BinarySample, RegressionSample, Sample } from '../../statistics/sample.ts';

type Columns = Readonly<Record<string, readonly Cell[]>>;

/** Fewer say too little of how losses come about. */
const fewestRows = 100;
/** More would only take longer: every so many-th row is taken. */
const mostRows = 20_000;

/**
 * What is to be known of the holdout for performance to be estimated later without labels: for two classes how far its
 * probabilities can be believed, for a regression where its losses are great. undefined: of several classes, of a model
 * without probabilities, or of too few rows.
 */
export function estimationOf(
  sample: Sample,
  columns: Columns,
  references: readonly ColumnReference[],
): Estimation | undefined {
  if (sample.truth.length < fewestRows) return undefined;
  if (sample.task === 'regression') return directLossOf(sample, columns, references);
  return sample.task === 'binary' ? confidenceOf(sample) : undefined;
}

function directLossOf(sample: RegressionSample, columns: Columns, references: readonly ColumnReference[]): Estimation {
  const stride = Math.ceil(sample.truth.length / mostRows);
  const thinned = (values: ArrayLike<number>): number[] => Array.from(values).filter((_, row) => row % stride === 0);
  const inputs = references.map((reference) => thinned(numbersOf(columns[reference.name] ?? [], reference)));
  const prediction = thinned(sample.prediction);
  return {
    kind: 'dle',
    features: references.map(({ name }) => name),
    ...fitDirectLoss([...inputs, prediction], prediction, thinned(sample.truth)),
  };
}

function confidenceOf({ truth, probability, decision }: BinarySample): Estimation | undefined {
  if (probability === null) return undefined;
  const errors = confidenceSamplingErrors(truth, { decision, probability });
  const known = Object.entries(errors).filter(
    ([, { deviation, fraction }]) => Number.isFinite(deviation) && fraction > 0,
  );
  const calibration = isotonicRegression(probability, truth);
  return {
    kind: 'cbpe',
    rows: truth.length,
    calibration: { x: [...calibration.x], y: [...calibration.y] },
    samplingErrors: Object.fromEntries(known),
  };
}

/** Categories as places in the reference's order; what it has not, and what is missing, is NaN. */
function numbersOf(cells: readonly Cell[], reference: ColumnReference): number[] {
  if (reference.kind === 'numeric')
    return cells.map((cell) => (cell === null || cell === '' ? Number.NaN : Number(cell)));
  const places = new Map(reference.categories.map((category, place) => [category, place]));
  return cells.map((cell) => (cell === null ? Number.NaN : (places.get(String(cell)) ?? Number.NaN)));
}

/**
 * What the metrics of these rows probably are, had they labels.
 *
 * @param sample the rows' answers; its truth is not looked at.
 */
export function estimateFrom(
  estimation: Estimation,
  sample: Sample,
  columns: Columns,
  { features }: Pick<MonitoringReference, 'features'>,
): PerformanceEstimate | null {
  const rows = sample.truth.length;
  if (rows === 0) return null;
  if (estimation.kind === 'dle') {
    if (sample.task !== 'regression') return null;
    const byName = new Map(features.map((reference) => [reference.name, reference]));
    const inputs = estimation.features.map((name) => {
      const reference = byName.get(name);
      return reference === undefined ? [] : numbersOf(columns[name] ?? [], reference);
    });
    const estimated = directLossEstimate(estimation, [...inputs, sample.prediction], rows);
    const metrics = Object.entries(estimated).map(([name, of]) => ({ name, ...of }));
    return { method: 'dle', rows, referenceRows: estimation.rows, metrics };
  }
  if (sample.task !== 'binary' || sample.probability === null) return null;
  return confidenceEstimate(estimation, sample.decision, sample.probability);
}

function confidenceEstimate(
  { calibration, samplingErrors, rows: referenceRows }: Extract<Estimation, { kind: 'cbpe' }>,
  decision: Uint8Array,
  probability: Float64Array,
): PerformanceEstimate {
  const believed = probability.map((raw) => heightAt(calibration, raw));
  const estimated = confidenceBasedEstimate({ decision, probability, believed });
  const metrics = confidenceMetrics.flatMap((name) => {
    const error = samplingErrors[name];
    if (error === undefined || !Number.isFinite(estimated[name])) return [];
    return [{ name, value: estimated[name], samplingError: samplingErrorOf(error, decision.length) }];
  });
  return { method: 'cbpe', rows: decision.length, referenceRows, metrics };
}

export function wantsEstimate({ monitor }: Pick<Configuration, 'monitor'>): boolean {
  return monitor.estimate ?? true;
}
