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
  const distinct = distinctIn(before, now);
  const most = (rowsCounted(before) + rowsCounted(now)) / groups;
  const grouped = { values: [0], before: [0], now: [0] };
  let [group, rows, at] = [0, 0, 0];
  for (const [value, a, b] of merged(before, now)) {
    const alone = at < outermost || at >= distinct - outermost;
    at += 1;
    if (rows > 0 && (alone || rows + a + b > most)) [group, rows] = [group + 1, 0];
    const share = (a + b) / (rows + a + b);
    grouped.values[group] = (grouped.values[group] ?? 0) * (1 - share) + value * share;
    grouped.before[group] = (grouped.before[group] ?? 0) + a;
    grouped.now[group] = (grouped.now[group] ?? 0) + b;
    rows += a + b;
  }
  return grouped;
}

function distinctIn(a: ValueCounts, b: ValueCounts): number {
  let distinct = 0;
  for (const _ of merged(a, b)) distinct += 1;
  return distinct;
}

/** Yields each value of both samples once, in ascending order, with its counts in both. */
function* merged(a: ValueCounts, b: ValueCounts): Generator<readonly [value: number, a: number, b: number]> {
  let [i, j] = [0, 0];
  while (i < a.values.length || j < b.values.length) {
    const [x, y] = [a.values[i] ?? Infinity, b.values[j] ?? Infinity];
    const value = Math.min(x, y);
    const counts = [x === value ? (a.counts[i++] ?? 0) : 0, y === value ? (b.counts[j++] ?? 0) : 0] as const;
    yield [value, ...counts];
  }
}
