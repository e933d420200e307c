import type { Configuration } from '../../contracts/configuration/configuration.ts';
import { isBetterWhenSmall, metricOf } from '../../contracts/models/metrics.ts';
import type { DriftResult, QualityResult, ReportBody } from '../../contracts/monitoring/report.ts';
import { heldAgainst } from '../../contracts/monitoring/report.ts';
import type { MonitoringRepository } from '../../ports/repositories/monitoring-repository.ts';
import { featuresCount } from './arrange-drift.ts';
import type { DriftPolicy } from './drift-of.ts';

type Verdict = Parameters<MonitoringRepository['commitReport']>[2][number];

/**
 * Returns the drift verdicts. A feature's verdict is breached only if enough features have drifted; the prediction and
 * the target are judged on their own. A column with fewer than `minRows` values, such as a target with few labels, gets
 * no verdict.
 */
export function driftVerdicts(drift: readonly DriftResult[], policy: DriftPolicy, minRows: number): Verdict[] {
  const deciding = drift.filter((result) => !result.excluded && result.currentRows >= minRows);
  const count = featuresCount(deciding, policy);
  return deciding.map((result) => ({
    kind: 'drift',
    subject: subjectOf(result),
    // The number that was compared with the threshold.
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

/** Marks each column that does not decide because it has too few values. */
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
 * Judges performance by the labels if there are enough of them. Otherwise, with `estimated`, judges the estimate as a
 * separate subject, so that an estimate never clears a finding that labels have opened. Labels that show no problem
 * clear a finding of the estimate.
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
    // The metric is undefined on these rows, for example if all are of one class. It neither opens nor clears a
    // finding.
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
