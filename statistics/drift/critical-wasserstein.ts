import { criticalValue } from './critical-value.ts';
import type { ValueCounts } from './value-counts.ts';
import { rowsCounted } from './value-counts.ts';
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
  const { values, counts, others } = union(before, now);
  const most = (rowsCounted(before) + rowsCounted(now)) / groups;
  const grouped = { values: [0], before: [0], now: [0] };
  let [group, rows] = [0, 0];
  for (let at = 0; at < values.length; at += 1) {
    const [value, a, b] = [values[at] ?? 0, counts[at] ?? 0, others[at] ?? 0];
    const alone = at < outermost || at >= values.length - outermost;
    if (rows > 0 && (alone || rows + a + b > most)) [group, rows] = [group + 1, 0];
    const share = (a + b) / (rows + a + b);
    grouped.values[group] = (grouped.values[group] ?? 0) * (1 - share) + value * share;
    grouped.before[group] = (grouped.before[group] ?? 0) + a;
    grouped.now[group] = (grouped.now[group] ?? 0) + b;
    rows += a + b;
  }
  return grouped;
}

interface Union {
  /** Each value of both samples once, in ascending order. */
  readonly values: Float64Array;
  readonly counts: Float64Array;
  readonly others: Float64Array;
}

function union(one: ValueCounts, other: ValueCounts): Union {
  const most = one.values.length + other.values.length;
  const [values, counts, others] = [new Float64Array(most), new Float64Array(most), new Float64Array(most)];
  let [i, j, at] = [0, 0, 0];
  while (i < one.values.length || j < other.values.length) {
    const [x, y] = [one.values[i] ?? Infinity, other.values[j] ?? Infinity];
    const value = Math.min(x, y);
    values[at] = value;
    if (x === value) counts[at] = one.counts[i++] ?? 0;
    if (y === value) others[at] = other.counts[j++] ?? 0;
    at += 1;
  }
  return { values: values.subarray(0, at), counts: counts.subarray(0, at), others: others.subarray(0, at) };
}
