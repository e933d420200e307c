import type { MeasuredMetric } from './measure.ts';

const growWithQuality = new Set<MeasuredMetric>([
  'r2',
  'rocAuc',
  'averagePrecision',
  'accuracy',
  'precision',
  'recall',
  'f1',
  'mcc',
  'macroF1',
  'weightedF1',
]);

/**
 * By what share the challenger is better: (champion − challenger) / |champion| for metrics that are better when small, the other
 * way round for scores; negative for a loss. Not finite where the champion's metric is 0 and the challenger's is not.
 */
export function relativeGain(metric: MeasuredMetric, challenger: number, champion: number): number {
  if (challenger === champion) return 0;
  const better = growWithQuality.has(metric) ? challenger - champion : champion - challenger;
  return better / Math.abs(champion);
}
