import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { ColumnReference } from '../../contracts/models/model-version.ts';
import type { DriftTestName } from '../../contracts/monitoring/drift-tests.ts';
import type { DriftResult } from '../../contracts/monitoring/report.ts';
import { criticalValue } from '../../statistics/drift/critical-value.ts';
import { presenceChange } from '../../statistics/drift/missing-change.ts';
import { driftMeasures } from '../../statistics/drift/tests/index.ts';
import { seedOfText } from '../../statistics/probability/seed-of-text.ts';
import type { CountedColumn, ServedColumn } from '../measurement/counted-column.ts';
import { countedColumn, isUncounted } from '../measurement/counted-column.ts';
import { defaultMissingRise, presenceOf } from './presence-of.ts';
import type { Sides } from './sides-of.ts';
import { sidesOf } from './sides-of.ts';

export type DriftPolicy = Configuration['monitor']['drift'];
type Measured = Pick<DriftResult, 'statistic' | 'pValue' | 'effect' | 'critical'>;

/** Settings of a column beyond the drift policy. */
export interface ColumnRules {
  /** Whether `data.columns` declares it as a category. */
  readonly category?: boolean;
  /** Threshold from `monitor.quality.missing`. */
  readonly missing?: number | undefined;
}

/**
 * Smallest effect that counts as drift with `fdr`, unless the policy sets another one. A smaller effect does not count
 * even if it is significant.
 */
const defaultEffectFloor = 0.1;

/**
 * Measures how far the served values of a column have moved from its reference, by the test that the policy names for
 * its kind. A test with a p-value reports drift if the p-value is below the threshold and the effect is large enough.
 * Every other test reports drift if the statistic reaches the threshold and exceeds what chance would give. Missing
 * values are left out. If the reference or the window has no values of a feature at all, the test `missing` compares
 * the shares of missing values instead. Returns null if there is nothing to compare, or if there
 * were too many distinct values to count.
 */
export function driftOf(
  reference: ColumnReference,
  current: ServedColumn,
  subject: DriftResult['subject'],
  policy: DriftPolicy,
  rules: ColumnRules = {},
): DriftResult | null {
  const excluded = subject !== 'prediction' && policy.exclude.includes(reference.name);
  const about = { column: reference.name, subject, excluded };
  const served = countedColumn(reference, current);
  if (isUncounted(served)) return null;
  const sides = sidesOf(reference, served, subject !== 'feature' || rules.category === true);
  if (sides.currentRows === 0 || reference.count === 0)
    return subject === 'feature' ? driftOfPresence(reference, served, about, rules) : null;
  const test = reference.kind === 'numeric' ? policy.numeric : policy.categorical;
  const measured = measuredBy(test, reference.name, sides);
  const threshold = measured.pValue === null ? policy.threshold : (policy.fdr ?? policy.threshold);
  return {
    ...about,
    test,
    ...measured,
    threshold,
    drifted: hasDrifted(measured, measured.pValue, threshold, policy),
    referenceRows: reference.count,
    currentRows: sides.currentRows,
    distribution: sides.distribution,
  };
}

function measuredBy(test: DriftTestName, column: string, sides: Sides): Measured {
  const { critical, ...measured } = driftMeasures[test](sides);
  return critical === undefined ? measured : { ...measured, critical: critical(seedOf(column, sides)) };
}

/** Compares counts of rows instead of values, because one side has no values. */
function driftOfPresence(
  reference: ColumnReference,
  served: CountedColumn,
  about: Pick<DriftResult, 'column' | 'subject' | 'excluded'>,
  { missing = defaultMissingRise }: ColumnRules,
): DriftResult | null {
  const { before, now } = presenceOf(reference, served);
  const [referenceRows, currentRows] = [before[0] + before[1], now[0] + now[1]];
  if (referenceRows === 0 || currentRows === 0) return null;
  const statistic = presenceChange(before, now);
  const critical = criticalValue(before, now, presenceChange, seedOf(about.column, { before, now }));
  return {
    ...about,
    test: 'missing',
    statistic,
    pValue: null,
    effect: null,
    critical,
    threshold: missing,
    drifted: statistic >= missing && statistic > critical,
    referenceRows,
    currentRows,
    distribution: { edges: null, categories: ['a value', 'missing'], reference: [...before], current: [...now] },
  };
}

export function hasDrifted(
  { statistic, effect, critical = 0 }: Measured,
  pValue: number | null,
  threshold: number,
  policy: DriftPolicy,
): boolean {
  if (pValue === null) return statistic >= threshold && statistic > critical;
  const floor = policy.minEffect ?? (policy.fdr === undefined ? 0 : defaultEffectFloor);
  return pValue < threshold && (effect ?? 1) >= floor && statistic > critical;
}

/** Derives the seed from the column and its counts, so that the same rows always have the same critical value. */
function seedOf(column: string, { before, now }: Pick<Sides, 'before' | 'now'>): number {
  return seedOfText(JSON.stringify([column, before, now]));
}
