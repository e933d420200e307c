import type { Configuration } from '../../contracts/configuration.ts';
import type { Cell } from '../../contracts/data-types.ts';
import type { CategoricalReference, ColumnReference, NumericReference } from '../../contracts/model-version.ts';
import type { DriftResult } from '../../contracts/report.ts';
import { binCounts } from '../../statistics/bin-counts.ts';
import { chiSquared } from '../../statistics/chi-squared.ts';
import { kolmogorovSmirnov } from '../../statistics/kolmogorov-smirnov.ts';
import { populationStabilityIndex } from '../../statistics/population-stability-index.ts';
import { valueCounts } from '../../statistics/value-counts.ts';
import { categoryCounts, presentNumbers } from './column-values.ts';

type DriftPolicy = Configuration['monitor']['drift'];
type Measured = Pick<DriftResult, 'test' | 'statistic' | 'pValue' | 'currentRows'>;

/**
 * How far the served values of a column have moved from its reference, by the test that the policy names for its kind. PSI is
 * drift at or above the threshold, a test with a p-value is drift below it. Missing values are left out; `null` where either
 * side has no value at all, so that there is nothing to compare.
 */
export function driftOf(
  reference: ColumnReference,
  current: readonly Cell[],
  subject: DriftResult['subject'],
  policy: DriftPolicy,
): DriftResult | null {
  const measured =
    reference.kind === 'numeric'
      ? numericDrift(reference, current, policy.numeric)
      : categoricalDrift(reference, current, policy.categorical);
  if (measured === null) return null;
  const { statistic, pValue } = measured;
  return {
    ...measured,
    column: reference.name,
    subject,
    threshold: policy.threshold,
    drifted: pValue === null ? statistic >= policy.threshold : pValue < policy.threshold,
    excluded: subject !== 'prediction' && policy.exclude.includes(reference.name),
    referenceRows: reference.count,
  };
}

function numericDrift(
  reference: NumericReference,
  cells: readonly Cell[],
  test: DriftPolicy['numeric'],
): Measured | null {
  const sorted = presentNumbers(cells);
  if (sorted.length === 0 || reference.count === 0) return null;
  if (test === 'psi') {
    const statistic = populationStabilityIndex(reference.counts, binCounts(sorted, reference.edges));
    return { test, statistic, pValue: null, currentRows: sorted.length };
  }
  const before = { values: reference.values, counts: reference.valueCounts };
  return { test, ...kolmogorovSmirnov(before, valueCounts(sorted)), currentRows: sorted.length };
}

function categoricalDrift(
  reference: CategoricalReference,
  cells: readonly Cell[],
  test: DriftPolicy['categorical'],
): Measured | null {
  const seen = categoryCounts(asWritten(cells, reference.categories));
  const known = new Set(reference.categories);
  const added = [...seen.keys()].filter((category) => !known.has(category));
  const before = [...reference.counts, ...added.map(() => 0)];
  const now = [...reference.categories, ...added].map((category) => seen.get(category) ?? 0);
  const currentRows = now.reduce((sum, count) => sum + count, 0);
  if (currentRows === 0 || reference.count === 0) return null;
  if (test === 'psi') return { test, statistic: populationStabilityIndex(before, now), pValue: null, currentRows };
  const { statistic, pValue } = chiSquared(before, now);
  return { test, statistic, pValue, currentRows };
}

/** A truth value may be served as a number, where the model takes a matrix of them. */
function asWritten(cells: readonly Cell[], categories: readonly string[]): readonly Cell[] {
  const truthValues =
    categories.length > 0 && categories.every((category) => category === 'true' || category === 'false');
  if (!truthValues) return cells;
  return cells.map((cell) => (cell === 0 || cell === 1 ? cell === 1 : cell));
}
