import type { Configuration } from '../../contracts/configuration.ts';
import type { Cell } from '../../contracts/data-types.ts';
import type { CategoricalReference, ColumnReference, NumericReference } from '../../contracts/model-version.ts';
import type { Distribution, DriftResult, DriftTest } from '../../contracts/report.ts';
import { binCounts } from '../../statistics/bin-counts.ts';
import { chiSquared } from '../../statistics/chi-squared.ts';
import { cramersV } from '../../statistics/cramers-v.ts';
import { jensenShannonDistance } from '../../statistics/jensen-shannon.ts';
import { kolmogorovSmirnov } from '../../statistics/kolmogorov-smirnov.ts';
import { populationStabilityIndex } from '../../statistics/population-stability-index.ts';
import { totalVariation } from '../../statistics/total-variation.ts';
import type { ValueCounts } from '../../statistics/value-counts.ts';
import { valueCounts } from '../../statistics/value-counts.ts';
import { normedWasserstein } from '../../statistics/wasserstein.ts';
import { categoryCounts, presentNumbers } from './column-values.ts';

export type DriftPolicy = Configuration['monitor']['drift'];
type Measured = Pick<DriftResult, 'statistic' | 'pValue' | 'effect'>;

/** Both sides of a column, as every test wants them. */
interface Sides {
  readonly before: readonly number[];
  readonly now: readonly number[];
  /** Of numeric columns. */
  readonly values?: { readonly before: ValueCounts; readonly now: ValueCounts };
  readonly distribution: Distribution;
  readonly currentRows: number;
}

/** With fdr a difference that is certain and slight is no drift unless the policy says otherwise. */
const defaultEffectFloor = 0.1;

/**
 * How far the served values of a column have moved from its reference, by the test that the policy names for its kind. A test
 * with a p-value is drift below the threshold, unless the effect is too slight; every other test at or above it. Missing
 * values are left out; `null` where either side has no value at all, so that there is nothing to compare.
 */
export function driftOf(
  reference: ColumnReference,
  current: readonly Cell[],
  subject: DriftResult['subject'],
  policy: DriftPolicy,
): DriftResult | null {
  const sides = reference.kind === 'numeric' ? numericSides(reference, current) : categoricalSides(reference, current);
  if (sides.currentRows === 0 || reference.count === 0) return null;
  const test: DriftTest = reference.kind === 'numeric' ? policy.numeric : policy.categorical;
  const measured = measures[test](sides);
  const threshold = measured.pValue === null ? policy.threshold : (policy.fdr ?? policy.threshold);
  return {
    test,
    ...measured,
    column: reference.name,
    subject,
    threshold,
    drifted: hasDrifted(measured, measured.pValue, threshold, policy),
    excluded: subject !== 'prediction' && policy.exclude.includes(reference.name),
    referenceRows: reference.count,
    currentRows: sides.currentRows,
    distribution: sides.distribution,
  };
}

export function hasDrifted(
  { statistic, effect }: Measured,
  pValue: number | null,
  threshold: number,
  policy: DriftPolicy,
): boolean {
  if (pValue === null) return statistic >= threshold;
  const floor = policy.minEffect ?? (policy.fdr === undefined ? 0 : defaultEffectFloor);
  return pValue < threshold && (effect ?? 1) >= floor;
}

const measures: Readonly<Record<DriftTest, (sides: Sides) => Measured>> = {
  psi: ({ before, now }) => distance(populationStabilityIndex(before, now)),
  'jensen-shannon': ({ before, now }) => distance(jensenShannonDistance(before, now)),
  'total-variation': ({ before, now }) => distance(totalVariation(before, now)),
  wasserstein: (sides) => distance(normedWasserstein(...numbersOf(sides))),
  ks: (sides) => {
    const { statistic, pValue } = kolmogorovSmirnov(...numbersOf(sides));
    return { statistic, pValue, effect: statistic };
  },
  chi2: ({ before, now, distribution }) => {
    const { statistic, pValue } = chiSquared(before, now);
    const rows = [...distribution.reference, ...distribution.current].reduce((sum, count) => sum + count, 0);
    return { statistic, pValue, effect: cramersV(statistic, rows) };
  },
};

function distance(statistic: number): Measured {
  return { statistic, pValue: null, effect: null };
}

function numbersOf({ values }: Sides): [ValueCounts, ValueCounts] {
  // The schema names these tests for numeric columns alone.
  if (values === undefined) throw new TypeError('a test of numbers was asked of categories');
  return [values.before, values.now];
}

function numericSides(reference: NumericReference, cells: readonly Cell[]): Sides {
  const sorted = presentNumbers(cells);
  const { edges, counts: before } = reference;
  const now = binCounts(sorted, edges);
  return {
    before,
    now,
    values: { before: { values: reference.values, counts: reference.valueCounts }, now: valueCounts(sorted) },
    distribution: { edges, categories: null, reference: before, current: now },
    currentRows: sorted.length,
  };
}

function categoricalSides(reference: CategoricalReference, cells: readonly Cell[]): Sides {
  const seen = categoryCounts(asWritten(cells, reference.categories));
  const categories = [...reference.categories, ...newCategories(reference, seen)];
  const before = categories.map((_, at) => reference.counts[at] ?? 0);
  const now = categories.map((category) => seen.get(category) ?? 0);
  return {
    before,
    now,
    distribution: shortened(categories, before, now),
    currentRows: now.reduce((sum, count) => sum + count, 0),
  };
}

/** Categories that were served and that the reference has not. */
export function newCategories(reference: CategoricalReference, seen: ReadonlyMap<string, number>): string[] {
  const known = new Set(reference.categories);
  return [...seen.keys()].filter((category) => !known.has(category));
}

const mostBars = 30;

/** A report has the commonest categories, and the rest as one. */
function shortened(
  categories: readonly string[],
  reference: readonly number[],
  current: readonly number[],
): Distribution {
  if (categories.length <= mostBars)
    return { edges: null, categories: [...categories], reference: [...reference], current: [...current] };
  const size = (at: number): number => (reference[at] ?? 0) + (current[at] ?? 0);
  const order = categories.map((_, at) => at).toSorted((a, b) => size(b) - size(a));
  const [shown, rest] = [order.slice(0, mostBars - 1).toSorted((a, b) => a - b), order.slice(mostBars - 1)];
  const told = (counts: readonly number[]): number[] => [
    ...shown.map((at) => counts[at] ?? 0),
    rest.reduce((sum, at) => sum + (counts[at] ?? 0), 0),
  ];
  const names = [...shown.map((at) => categories[at] ?? ''), `${rest.length} others`];
  return { edges: null, categories: names, reference: told(reference), current: told(current) };
}

/** A truth value may be served as a number, where the model takes a matrix of them. */
export function asWritten(cells: readonly Cell[], categories: readonly string[]): readonly Cell[] {
  const truthValues =
    categories.length > 0 && categories.every((category) => category === 'true' || category === 'false');
  if (!truthValues) return cells;
  return cells.map((cell) => (cell === 0 || cell === 1 ? cell === 1 : cell));
}
