import type { Configuration } from '../../contracts/configuration.ts';
import type { Metrics } from '../../contracts/metrics.ts';
import { isBetterWhenSmall, metricOf } from '../../contracts/metrics.ts';
import type { DriftResult, QualityResult } from '../../contracts/report.ts';
import type { MonitoringRepository } from '../../ports/repositories/monitoring.ts';
import { featuresCount } from './drift-in-window.ts';
import type { DriftPolicy } from './drift-of.ts';

type Verdict = Parameters<MonitoringRepository['commitReport']>[2][number];

/**
 * Features count once enough of them have drifted; the prediction and the target each for themselves. Of a column with fewer
 * than `minRows` values, such as a target of which few labels have arrived, there is no verdict, as of a window with fewer rows.
 */
export function driftVerdicts(drift: readonly DriftResult[], policy: DriftPolicy, minRows: number): Verdict[] {
  const deciding = drift.filter((result) => !result.excluded && result.currentRows >= minRows);
  const count = featuresCount(deciding, policy);
  return deciding.map((result) => ({
    kind: 'drift',
    subject: result.subject === 'feature' ? result.column : result.subject,
    // What was held against the threshold.
    value: result.adjustedPValue ?? result.pValue ?? result.statistic,
    threshold: result.threshold,
    breached: result.drifted && (result.subject !== 'feature' || count),
  }));
}

export function qualityVerdicts(quality: readonly QualityResult[]): Verdict[] {
  return quality.flatMap(({ kind, column, value, threshold, breached }) =>
    threshold === null ? [] : [{ kind, subject: column, value, threshold, breached }],
  );
}

export function performanceVerdicts(
  metrics: Metrics | null,
  { performance, minRows }: Configuration['monitor'],
): Verdict[] {
  if (performance === undefined || metrics === null || metrics.rows < minRows) return [];
  const value = metricOf(metrics, performance.metric);
  // Not defined on these rows, as where all are of one class: nothing to find, and nothing that clears a finding.
  if (value === null) return [];
  const above = performance.max !== undefined && value > performance.max;
  const below = performance.min !== undefined && value < performance.min;
  const threshold = below || performance.max === undefined ? performance.min : performance.max;
  return [
    {
      kind: 'performance',
      subject: performance.metric,
      value,
      threshold: threshold ?? (isBetterWhenSmall(performance.metric) ? Infinity : -Infinity),
      breached: above || below,
    },
  ];
}
