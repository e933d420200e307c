import { describe, expect, it } from 'vitest';
import { driftOf } from '../../activities/monitoring/drift-of.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { chiSquared } from '../../statistics/drift/chi-squared.ts';
import { bikeColumn } from '../support/bike-sharing.ts';
import { expectNearly } from '../support/nearly.ts';
import bins from '../reference/drift-bins.json' with { type: 'json' };
import reference from './reference/statistics.json' with { type: 'json' };

// Reference values from SciPy and NumPy for real columns of the bike data, computed independently of this project. For
// columns in which one value has more than a tenth of the rows, test/reference/drift-bins.py gives the bins and the
// results. For other columns both references agree.

type Months = readonly [string, string];
type Tied = { edges: number[]; psi: number; total_variation: number; critical: number };
const tied: Readonly<Record<string, Readonly<Record<string, Tied>>>> = bins.drift;
const policy = { threshold: 0.2, exclude: [], minFeatures: 1 };
const byPsi = { ...policy, numeric: 'psi', categorical: 'psi' } as const;
const byPValue = { ...policy, numeric: 'ks', categorical: 'chi2' } as const;

describe.each(Object.entries(reference.drift))('%s', (scenarioName, scenario) => {
  const before = scenario.reference_months as unknown as Months;
  const now = scenario.current_months as unknown as Months;

  it.each(Object.entries(scenario.columns))('%s equals the reference', (column, expected) => {
    const earlier = referenceOf(column, bikeColumn(column, before));
    const current = bikeColumn(column, now);
    const psi = driftOf(earlier, current, 'feature', byPsi)!;
    const test = driftOf(earlier, current, 'feature', byPValue)!;
    expect([psi.referenceRows, psi.currentRows]).toEqual(scenario.rows);
    if ('edges' in expected) {
      expect(earlier.kind).toBe('numeric');
      if (earlier.kind !== 'numeric') return;
      const apart = tied[scenarioName]![column]!;
      const hasTies = apart.edges.some((edge, at) => edge === apart.edges[at - 1]);
      const { edges, psi: index } = hasTies ? apart : { ...apart, ...expected };
      expect(earlier.edges).toHaveLength(edges.length);
      earlier.edges.forEach((edge, i) => expectNearly(edge, edges[i]!, `edge ${i}`));
      expectNearly(psi.statistic, index, 'psi');
      // Both values are random: this one comes from 1,999 draws, the reference from 4,000.
      expect(psi.critical! / apart.critical).toBeCloseTo(1, 0);
      const other = driftOf(earlier, current, 'feature', { ...byPsi, numeric: 'total-variation' })!;
      expectNearly(other.statistic, apart.total_variation, 'total variation');
      expectNearly(test.statistic, expected.ks_statistic, 'ks');
      expectNearly(test.pValue!, expected.ks_pvalue_asymp, 'p of ks');
    } else {
      expectNearly(psi.statistic, expected.psi, 'psi');
      expect(earlier.kind).toBe('categorical');
      if (earlier.kind !== 'categorical') return;
      const seen = expected.categories.flatMap((category, i) =>
        expected.counts[0]![i]! > 0 ? [String(category)] : [],
      );
      expect(earlier.categories).toEqual(seen);
      expectNearly(test.statistic, expected.chi2_statistic, 'chi2');
      expectNearly(test.pValue!, expected.chi2_pvalue, 'p of chi2');
      expect(chiSquared(expected.counts[0]!, expected.counts[1]!).degreesOfFreedom).toBe(expected.chi2_dof);
    }
  });
});
