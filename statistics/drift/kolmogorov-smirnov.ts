import { kolmogorovTail } from '../probability/kolmogorov-tail.ts';
import type { ValueCounts } from './value-counts.ts';
import { rowsCounted } from './value-counts.ts';

/**
 * Performs the two-sided two-sample Kolmogorov–Smirnov test. The statistic is the largest distance between the two
 * empirical distribution functions (0 to 1); the p-value is the probability of a distance at least as large if both
 * samples came from one distribution. The p-value is asymptotic, as in SciPy's `ks_2samp(…, method="asymp")`: the
 * one-sample distribution at the effective size n₁n₂/(n₁+n₂), rounded half to even. It is conservative if values are
 * tied.
 *
 * @param reference not empty.
 * @param current not empty.
 * @throws RangeError if a sample is empty.
 */
export function kolmogorovSmirnov(reference: ValueCounts, current: ValueCounts): { statistic: number; pValue: number } {
  const [n1, n2] = [rowsCounted(reference), rowsCounted(current)];
  if (n1 === 0 || n2 === 0) throw new RangeError('an empty sample has no distribution');
  const statistic = largestDistance(reference, current, n1, n2);
  const effective = Math.max(1, roundHalfToEven((n1 * n2) / (n1 + n2)));
  return { statistic, pValue: kolmogorovTail(effective, statistic) };
}

function largestDistance(a: ValueCounts, b: ValueCounts, n1: number, n2: number): number {
  let [i, j, below1, below2, largest] = [0, 0, 0, 0, 0];
  while (i < a.values.length || j < b.values.length) {
    const [x, y] = [a.values[i] ?? Infinity, b.values[j] ?? Infinity];
    if (x <= y) {
      below1 += a.counts[i] ?? 0;
      i += 1;
    }
    if (y <= x) {
      below2 += b.counts[j] ?? 0;
      j += 1;
    }
    largest = Math.max(largest, Math.abs(below1 / n1 - below2 / n2));
  }
  return largest;
}

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}
