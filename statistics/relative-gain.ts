import type { RegressionMetric } from './block-metric.ts';

/**
 * By what share the challenger is better: (champion − challenger) / |champion| for metrics that are better when small, the other
 * way round for r2; negative for a loss. Not finite where the champion's metric is 0 and the challenger's is not.
 */
export function relativeGain(metric: RegressionMetric, challenger: number, champion: number): number {
  if (challenger === champion) return 0;
  const better = metric === 'r2' ? challenger - champion : champion - challenger;
  return better / Math.abs(champion);
}
