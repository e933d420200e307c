import { describe, expect, it } from 'vitest';
import { driftOf } from '../../activities/monitoring/drift-of.ts';
import { referenceOf } from '../../activities/monitoring/reference-of.ts';
import { chiSquared } from '../../statistics/chi-squared.ts';
import { bikeColumn } from '../support/bike-sharing.ts';
import { expectNearly } from '../support/nearly.ts';
import reference from './reference/statistics.json' with { type: 'json' };

// SciPy's and NumPy's numbers for real columns of the bike data, made independently of this project.

type Months = readonly [string, string];
const policy = { threshold: 0.2, exclude: [], minFeatures: 1 };
const byPsi = { ...policy, numeric: 'psi', categorical: 'psi' } as const;
const byPValue = { ...policy, numeric: 'ks', categorical: 'chi2' } as const;

describe.each(Object.entries(reference.drift))('%s', (_, scenario) => {
  const before = scenario.reference_months as unknown as Months;
  const now = scenario.current_months as unknown as Months;

  it.each(Object.entries(scenario.columns))('%s equals the reference', (column, expected) => {
    const earlier = referenceOf(column, bikeColumn(column, before));
    const current = bikeColumn(column, now);
    const psi = driftOf(earlier, current, 'feature', byPsi)!;
    const test = driftOf(earlier, current, 'feature', byPValue)!;
    expect([psi.referenceRows, psi.currentRows]).toEqual(scenario.rows);
    expectNearly(psi.statistic, expected.psi, 'psi');
    if ('edges' in expected) {
      expect(earlier.kind).toBe('numeric');
      if (earlier.kind !== 'numeric') return;
      expect(earlier.edges).toHaveLength(expected.edges.length);
      earlier.edges.forEach((edge, i) => expectNearly(edge, expected.edges[i]!, `edge ${i}`));
      expectNearly(test.statistic, expected.ks_statistic, 'ks');
      expectNearly(test.pValue!, expected.ks_pvalue_asymp, 'p of ks');
    } else {
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
