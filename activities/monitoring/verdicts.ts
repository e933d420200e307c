import type { Configuration } from '../../contracts/configuration/configuration.ts';
import { isBetterWhenSmall, metricOf } from '../../contracts/models/metrics.ts';
import type { DriftResult, QualityResult, ReportBody } from '../../contracts/monitoring/report.ts';
import { heldAgainst } from '../../contracts/monitoring/report.ts';
import type { MonitoringRepository } from '../../ports/repositories/monitoring-repository.ts';
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
    subject: subjectOf(result),
    // What was held against the threshold.
    value: result.adjustedPValue ?? result.pValue ?? result.statistic,
    threshold: heldAgainst(result),
    breached: result.drifted && (result.subject !== 'feature' || count),
  }));
}

/** Distinguishes a feature called `prediction` or `target` from the prediction and the target. */
function subjectOf({ subject, column }: DriftResult): string {
  if (subject !== 'feature') return subject;
  return column === 'prediction' || column === 'target' ? `feature ${column}` : column;
}

/** Says of each column that decides nothing for want of values that it is so. */
export function tellingTooFew(drift: readonly DriftResult[], minRows: number): DriftResult[] {
  return drift.map((result) => (result.currentRows < minRows ? { ...result, tooFew: true } : result));
}

export function qualityVerdicts(quality: readonly QualityResult[]): Verdict[] {
  return quality.flatMap(({ kind, column, value, threshold, breached }) =>
    threshold === null ? [] : [{ kind, subject: column, value, threshold, breached }],
  );
}

type Bounds = NonNullable<Configuration['monitor']['performance']>;

/**
 * By the labels where there are enough of them. With `estimated` the estimate is judged where there are not, as a subject of its
 * own, so that what labels have shown is never cleared by it; labels that show nothing amiss clear what it has found.
 */
export function performanceVerdicts(
  { performance: metrics, estimate }: Pick<ReportBody, 'performance' | 'estimate'>,
  { performance: bounds, minRows }: Configuration['monitor'],
): Verdict[] {
  if (bounds === undefined) return [];
  const { metric, estimated = false } = bounds;
  const subject = `${metric} (estimated)`;
  if (metrics !== null && metrics.rows >= minRows) {
    const value = metricOf(metrics, metric);
    // Not defined on these rows, as where all are of one class: nothing to find, and nothing that clears a finding.
    if (value === null) return [];
    const measured = verdictOn(bounds, metric, value);
    return estimated && !measured.breached ? [measured, { ...measured, subject }] : [measured];
  }
  const told = estimate?.metrics.find(({ name }) => name === metric);
  if (!estimated || told === undefined || (estimate?.rows ?? 0) < minRows) return [];
  return [verdictOn(bounds, subject, told.value)];
}

function verdictOn({ metric, max, min }: Bounds, subject: string, value: number): Verdict {
  const above = max !== undefined && value > max;
  const below = min !== undefined && value < min;
  const threshold = below || max === undefined ? min : max;
  return {
    kind: 'performance',
    subject,
    value,
    threshold: threshold ?? (isBetterWhenSmall(metric) ? Infinity : -Infinity),
    breached: above || below,
  };
}
