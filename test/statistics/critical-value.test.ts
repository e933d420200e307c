import { describe, expect, test } from 'vitest';
import { sidesOf } from '../../activities/monitoring/sides-of.ts';
import { driftMeasures } from '../../statistics/drift/tests/index.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { readFileSync } from 'node:fs';
import { binnedCounts } from '../../statistics/drift/bin-counts.ts';
import { criticalValue } from '../../statistics/drift/critical-value.ts';
import { decileEdges } from '../../statistics/drift/decile-edges.ts';
import { drawHypergeometric } from '../../statistics/probability/hypergeometric.ts';
import { permutedCounts } from '../../statistics/drift/permuted-counts.ts';
import { poolRare } from '../../statistics/drift/pool-rare.ts';
import { populationStabilityIndex } from '../../statistics/drift/population-stability-index.ts';
import { seededUniform } from '../../statistics/probability/seeded-random.ts';
import { tieEdges } from '../../statistics/drift/tie-edges.ts';
import { valueCounts } from '../../statistics/drift/value-counts.ts';
import { caseFile } from '../cases/case-ground.ts';
import { distributions, flaggedAt } from '../reference/drift-grid.ts';
import bins from '../reference/drift-bins.json' with { type: 'json' };
import { expectNearly } from '../support/nearly.ts';

const numbered = <Value>(count: number, of: (at: number) => Value): Value[] =>
  Array.from({ length: count }, (_, at) => of(at));

describe('the hypergeometric distribution', () => {
  const logFactorial = (n: number): number => numbered(n, (at) => Math.log(at + 1)).reduce((sum, log) => sum + log, 0);
  const logChoose = (n: number, k: number): number => logFactorial(n) - logFactorial(k) - logFactorial(n - k);

  // Covers every branch: few or many rows on each side of both splits.
  test.each([
    [5, 100, 50],
    [100, 5, 50],
    [40, 60, 30],
    [60, 40, 80],
    [200, 900, 400],
    [900, 200, 700],
    [7, 0, 3],
    [0, 9, 4],
    [30, 30, 60],
  ])('for %i marked and %i other rows, of which %i are drawn', (marked, others, sample) => {
    const uniform = seededUniform(marked * 1_000 + sample);
    const draws = 20_000;
    const seen = new Map<number, number>();
    for (let draw = 0; draw < draws; draw += 1) {
      const hits = drawHypergeometric(marked, others, sample, uniform);
      seen.set(hits, (seen.get(hits) ?? 0) + 1);
    }
    for (let hits = 0; hits <= marked; hits += 1) {
      const possible = hits <= sample && sample - hits <= others;
      const chance = possible
        ? Math.exp(logChoose(marked, hits) + logChoose(others, sample - hits) - logChoose(marked + others, sample))
        : 0;
      const error = 5 * Math.sqrt((chance * (1 - chance)) / draws) + 5 / draws;
      expect(Math.abs((seen.get(hits) ?? 0) / draws - chance), `${hits} hits`).toBeLessThanOrEqual(error);
    }
  });
});

test.each([
  [[50, 30, 20], 10],
  [[50, 30, 20], 90],
  [numbered(300, (at) => at % 3), 120],
  [[4_000, 6_000, 0, 1], 5_000],
])('a random split keeps every row, with either algorithm (%#)', (counts, current) => {
  const deal = permutedCounts(counts, current, seededUniform(1));
  const [before, now] = [counts.map(() => 0), counts.map(() => 0)];
  const means = counts.map(() => 0);
  for (let draw = 0; draw < 500; draw += 1) {
    deal(before, now);
    expect(now.reduce((sum, count) => sum + count, 0)).toBe(current);
    expect(before.map((count, bin) => count + now[bin]!)).toEqual(counts);
    expect(Math.min(...before, ...now)).toBeGreaterThanOrEqual(0);
    now.forEach((count, bin) => (means[bin]! += count / 500));
  }
  const all = counts.reduce((sum, count) => sum + count, 0);
  means.forEach((mean, bin) => {
    const expected = (counts[bin]! * current) / all;
    expect(Math.abs(mean - expected)).toBeLessThanOrEqual(0.2 + 0.25 * Math.sqrt(expected));
  });
});

test('about one in 200 pairs of samples of one distribution is above the critical value, for any number of categories', () => {
  for (const [name, reference, window] of [
    ['10 equal categories', 300, 200],
    ['80 categories by Zipf', 1_000, 200],
  ] as const) {
    const sampler = distributions.get(name)!;
    const { psi } = flaggedAt({ sampler, reference, window, seeds: 200, by: 'critical', tests: ['psi'] });
    expect(psi, name).toBeLessThanOrEqual(4);
  }
});

test('the p-value of chi2 alone does not decide if a category has few expected rows', () => {
  const sampler = distributions.get('Poisson counts, mean 3')!;
  for (const [reference, window] of [
    [5_000, 30],
    [20_000, 1_000],
  ] as const) {
    const { chi2 } = flaggedAt({ sampler, reference, window, seeds: 200, tests: ['chi2'] });
    expect(chi2, `${reference} rows, ${window} served`).toBeLessThanOrEqual(4);
  }
});

test.each([
  '25 categories by Zipf',
  '80 equal categories',
  '1000 categories by Zipf',
  'normal in steps of 0.5',
  '95 % zeros',
  'whole numbers 0 to 24',
])('of 200 pairs of samples of one distribution at most 4 are flagged: %s', (name) => {
  const sampler = distributions.get(name)!;
  const flagged = flaggedAt({ sampler, reference: 2_000, window: 200, seeds: 200 });
  for (const [each, count] of Object.entries(flagged)) expect(count, each).toBeLessThanOrEqual(4);
});

test.each(Object.entries(bins.cases))('the case %s equals the reference', (folder, expected) => {
  const cells = (side: string) =>
    readFileSync(caseFile(`drift/${folder}/${side}.csv`), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((text) => (Number.isNaN(Number(text)) ? text : Number(text)));
  const reference = referenceOf('v', cells('reference'));
  const measured = driftMeasures.psi(sidesOf(reference, cells('window'), false));
  expectNearly(measured.statistic, expected.psi, 'psi');
  // Both values come from random draws.
  expect(Math.abs(measured.critical!(3) - expected.critical)).toBeLessThanOrEqual(0.3 * expected.critical);
});

describe('bins that separate ties', () => {
  const edgesOf = (values: readonly number[]) => tieEdges(valueCounts(Float64Array.from(values).sort()));

  test('are the deciles if no value has more than a tenth of the rows', () => {
    const values = numbered(400, (at) => (at * 37) % 40);
    expect(edgesOf(values)).toEqual(decileEdges(Float64Array.from(values).sort()));
  });
  test('give a value with more than a tenth a bin of its own, and divide the others at their deciles', () => {
    const others = numbered(50, (at) => at - 20.5);
    const values = [...numbered(50, () => 0), ...others];
    const edges = edgesOf(values);
    expect(edges.filter((edge) => edge === 0)).toHaveLength(2);
    expect(edges.filter((edge) => edge !== 0)).toEqual(decileEdges(Float64Array.from(others)));
    const counts = binnedCounts({ values: [-1, 0, 1e-300], counts: [1, 2, 4] }, [0, 0]);
    expect(counts).toEqual([1, 2, 4]);
  });
  test('do not divide the last hundredth, and are absent for a sample without values', () => {
    expect(edgesOf([...numbered(996, () => 7), 1, 2, 8, 9])).toEqual([7, 7]);
    expect(edgesOf([])).toEqual([]);
  });
});

describe('pooling', () => {
  test('leaves 25 categories unchanged', () => {
    const counts = numbered(25, (at) => at % 2);
    expect(poolRare(counts, counts)).toEqual({ reference: counts, current: counts });
  });
  test('keeps common categories, and splits the others into known and new', () => {
    const reference = [5_000, ...numbered(40, () => 3), ...numbered(10, () => 1), 0, 0, ...numbered(5, () => 0)];
    const current = [500, ...numbered(40, () => 0), ...numbered(10, () => 1), 30, 4, ...numbered(5, () => 1)];
    const pooled = poolRare(reference, current);
    expect(pooled.reference).toEqual([5_000, 0, 120, 10]);
    expect(pooled.current).toEqual([500, 30, 10, 9]);
  });
});

test('with too many bins for all draws, there are fewer draws, and the critical value is the greatest', () => {
  const counts = numbered(6_000, (at) => 1 + (at % 2));
  const largest = criticalValue(counts, counts, populationStabilityIndex, 5);
  expect(largest).toBeGreaterThan(0);
  expect(criticalValue(counts, counts, populationStabilityIndex, 5)).toBe(largest);
});

test('the computation stops once the critical value surely exceeds the needed value', () => {
  const [before, now] = [numbered(30, (at) => 50 + at), numbered(30, (at) => 20 + at)];
  const all = criticalValue(before, now, populationStabilityIndex, 5);
  for (const enough of [all / 2, all])
    expect(criticalValue(before, now, populationStabilityIndex, 5, enough)).toBe(enough);
  expect(criticalValue(before, now, populationStabilityIndex, 5, all * 1.0001)).toBe(all);
});
