import { criticalValue } from './critical-value.ts';
import type { ValueCounts } from './value-counts.ts';
import { normed, wassersteinDistance } from './wasserstein.ts';

/**
 * Number of groups of about the same size. With this many, the area between two distribution functions is accurate to a
 * few thousandths.
 */
const groups = 256;
/** Number of values at each end that are groups of their own, because the outermost values may lie far apart. */
const outermost = 32;

/**
 * Returns the 99.5 % quantile of `normedWasserstein` under the hypothesis that both samples have the same distribution
 * (see `criticalValue`). Values are drawn in groups, each replaced by its mean, because drawing every value by itself
 * would take minutes.
 */
export function criticalWasserstein(
  reference: ValueCounts,
  current: ValueCounts,
  seed: number,
  enough?: number,
): number {
  const { before, now, deviation } = normed(reference, current);
  const grouped = inGroups(before, now);
  const distance = (a: readonly number[], b: readonly number[]): number =>
    wassersteinDistance({ values: grouped.values, counts: a }, { values: grouped.values, counts: b }) / deviation;
  return criticalValue(grouped.before, grouped.now, distance, seed, enough);
}

function inGroups(before: ValueCounts, now: ValueCounts): { values: number[]; before: number[]; now: number[] } {
  const earlier = countsByValue(before);
  const later = countsByValue(now);
  const distinct = Float64Array.from(new Set([...before.values, ...now.values])).sort();
  const most = [...before.counts, ...now.counts].reduce((sum, count) => sum + count, 0) / groups;
  const grouped = { values: [0], before: [0], now: [0] };
  let [group, rows] = [0, 0];
  for (const [at, value] of distinct.entries()) {
    const [a, b] = [earlier.get(value) ?? 0, later.get(value) ?? 0];
    const alone = at < outermost || at >= distinct.length - outermost;
    if (rows > 0 && (alone || rows + a + b > most)) [group, rows] = [group + 1, 0];
    const share = (a + b) / (rows + a + b);
    grouped.values[group] = (grouped.values[group] ?? 0) * (1 - share) + value * share;
    grouped.before[group] = (grouped.before[group] ?? 0) + a;
    grouped.now[group] = (grouped.now[group] ?? 0) + b;
    rows += a + b;
  }
  return grouped;
}

function countsByValue({ values, counts }: ValueCounts): ReadonlyMap<number, number> {
  return new Map(values.map((value, at) => [value, counts[at] ?? 0]));
}
