import type { DriftResult } from '../../contracts/monitoring/report.ts';
import { heldAgainst } from '../../contracts/monitoring/report.ts';
import { benjaminiHochberg } from '../../statistics/drift/benjamini-hochberg.ts';
import type { DriftPolicy } from './drift-of.ts';
import { hasDrifted } from './drift-of.ts';

/** Each feature's share of the permutation importance, with sum 1; null if it is not known. */
export type ImportanceShares = ReadonlyMap<string, number> | null;

/** Results of single columns; null for a column that cannot be compared. */
export interface DriftByColumn {
  readonly features: readonly (DriftResult | null)[];
  readonly prediction: DriftResult | null;
  readonly target: DriftResult | null;
}

/**
 * Adjusts the p-values of the features, adds their importance, and puts features that have lost or gained all values
 * first.
 */
export function arrangeDrift(
  { features, prediction, target }: DriftByColumn,
  policy: DriftPolicy,
  importance: ImportanceShares,
): DriftResult[] {
  const known = features.filter((result) => result !== null).map((result) => withImportance(result, importance));
  const gone = (result: DriftResult): boolean => result.test === 'missing' && result.drifted;
  const judged = adjusted(known, policy);
  const ordered = [...judged.filter(gone), ...judged.filter((result) => !gone(result)), prediction, target];
  return ordered.filter((result) => result !== null);
}

/**
 * Excluded columns do not decide, so they are not part of the family for which the false discovery rate is controlled.
 */
function adjusted(features: readonly DriftResult[], policy: DriftPolicy): DriftResult[] {
  const { fdr } = policy;
  if (fdr === undefined) return [...features];
  const family = features.filter((result) => !result.excluded && result.pValue !== null);
  const pValues = benjaminiHochberg(family.map((result) => result.pValue ?? 1));
  const byColumn = new Map(family.map((result, at) => [result.column, pValues[at] ?? 1]));
  return features.map((result) => {
    const adjustedPValue = byColumn.get(result.column);
    if (adjustedPValue === undefined) return result;
    return { ...result, adjustedPValue, drifted: hasDrifted(result, adjustedPValue, fdr, policy) };
  });
}

function withImportance(result: DriftResult, importance: ImportanceShares): DriftResult {
  const share = importance?.get(result.column);
  return share === undefined ? result : { ...result, importance: share };
}

/**
 * Whether enough features have drifted: at least `minFeatures`, and with a total importance of at least `minImportance`
 * where importance is known.
 */
export function featuresCount(deciding: readonly DriftResult[], { minFeatures, minImportance }: DriftPolicy): boolean {
  const drifted = deciding.filter((result) => result.subject === 'feature' && result.drifted);
  if (drifted.length < minFeatures) return false;
  const known = deciding.some((result) => result.importance !== undefined);
  if (minImportance === undefined || !known) return true;
  return drifted.reduce((sum, result) => sum + (result.importance ?? 0), 0) >= minImportance;
}

/**
 * Returns the mean drift of the deciding features in units of their thresholds, weighted by importance; 1 means that on
 * average the threshold is reached. Only tests without p-values count, because a p-value does not measure the size of a
 * change. Returns undefined if no feature qualifies.
 */
export function weightedDriftOf(drift: readonly DriftResult[]): number | undefined {
  const weighed = drift.filter(
    (result) =>
      result.subject === 'feature' && !result.excluded && result.pValue === null && result.importance !== undefined,
  );
  const weight = weighed.reduce((sum, result) => sum + (result.importance ?? 0), 0);
  if (weight === 0) return undefined;
  return (
    weighed.reduce((sum, result) => sum + ((result.importance ?? 0) * result.statistic) / heldAgainst(result), 0) /
    weight
  );
}
