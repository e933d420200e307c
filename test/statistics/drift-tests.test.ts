import { describe, expect, it } from 'vitest';
import { benjaminiHochberg } from '../../statistics/drift/benjamini-hochberg.ts';
import { chiSquared } from '../../statistics/drift/chi-squared.ts';
import { cramersV } from '../../statistics/drift/cramers-v.ts';
import { decileEdges } from '../../statistics/drift/decile-edges.ts';
import { binCounts } from '../../statistics/drift/bin-counts.ts';
import { jensenShannonDistance } from '../../statistics/drift/jensen-shannon.ts';
import { totalVariation } from '../../statistics/drift/total-variation.ts';
import { valueCounts } from '../../statistics/drift/value-counts.ts';
import { normedWasserstein, wassersteinDistance } from '../../statistics/drift/wasserstein.ts';
import { bikeColumn } from '../support/bike-sharing.ts';
import { expectNearly } from '../support/nearly.ts';
import drift from './reference/drift.json' with { type: 'json' };
import reference from './reference/statistics.json' with { type: 'json' };

// Reference values from SciPy, for real columns of the bike data and for samples with ties, gaps and single values.

const sorted = (values: readonly number[]) => Float64Array.from(values).sort();

describe.each(Object.entries(reference.drift))('on the bike data, %s', (_, scenario) => {
  const before = scenario.reference_months as unknown as readonly [string, string];
  const now = scenario.current_months as unknown as readonly [string, string];

  it.each(Object.entries(scenario.columns))('%s', (column, expected) => {
    if ('categories' in expected) {
      const [earlier, later] = expected.counts as unknown as readonly [number[], number[]];
      expectNearly(jensenShannonDistance(earlier, later), expected.js_distance_base2, 'Jensen–Shannon');
      expectNearly(totalVariation(earlier, later), expected.total_variation, 'total variation');
      return;
    }
    const [earlier, later] = [sorted(bikeColumn(column, before)), sorted(bikeColumn(column, now))];
    const edges = decileEdges(earlier);
    const distance = jensenShannonDistance(binCounts(earlier, edges), binCounts(later, edges));
    expectNearly(distance, expected.js_distance_base2, 'Jensen–Shannon');
    const counts = [valueCounts(earlier), valueCounts(later)] as const;
    expectNearly(wassersteinDistance(...counts), expected.wasserstein, 'Wasserstein');
    expectNearly(normedWasserstein(...counts), expected.wasserstein_normed_by_reference_std, 'normed');
  });
});

it('the Wasserstein distance equals SciPy’s on samples of different sizes, with ties', () => {
  for (const { a, b, distance, normed } of drift.wasserstein) {
    const counts = [valueCounts(sorted(a)), valueCounts(sorted(b))] as const;
    expectNearly(wassersteinDistance(...counts), distance, 'distance');
    expectNearly(normedWasserstein(...counts), normed, 'normed');
  }
  expect(() => wassersteinDistance({ values: [], counts: [] }, { values: [1], counts: [1] })).toThrow('empty');
});

it('distances of shares equal SciPy’s if bins are empty on either side', () => {
  for (const { p, q, js, tv, v } of drift.shares) {
    expectNearly(jensenShannonDistance(p, q), js, 'Jensen–Shannon');
    expectNearly(totalVariation(p, q), tv, 'total variation');
    const rows = [...p, ...q].reduce((sum, count) => sum + count, 0);
    if (v !== null) expectNearly(cramersV(chiSquared(p, q).statistic, rows), v, 'V of Cramér');
  }
  for (const distance of [jensenShannonDistance, totalVariation]) {
    expect(distance([1, 0], [0, 1])).toBe(1);
    expect(distance([3, 1], [6, 2])).toBeCloseTo(0, 12);
    expect(() => distance([1], [1, 2])).toThrow('same number of bins, but have 1 and 2');
    expect(() => distance([0], [1])).toThrow('empty');
  }
});

it('adjusted p-values equal SciPy’s, in the given order', () => {
  const cases = [...drift.benjaminiHochberg, reference.benjamini_hochberg];
  for (const { p, adjusted } of cases)
    benjaminiHochberg(p).forEach((value, at) => expectNearly(value, adjusted[at]!, `of ${p[at]}`));
  expect(benjaminiHochberg([])).toEqual([]);
});
