import type { RegressionMetricName } from '../../contracts/configuration.ts';
import type { RegressionMetrics } from '../../contracts/evaluation.ts';

export function metricOf(metrics: RegressionMetrics, name: RegressionMetricName): number {
  return metrics[name];
}
