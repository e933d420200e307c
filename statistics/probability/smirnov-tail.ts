import { binomialProbability } from './saddle-point.ts';

const mostRows = 1_000_000;

/**
 * Returns P(Dₙ⁺ ≥ d), the exact tail of the one-sided one-sample Kolmogorov–Smirnov statistic at sample size n: d Σ
 * C(n,j) (d + j/n)^(j−1) (1 − d − j/n)^(n−j) over 0 ≤ j ≤ n(1 − d). Every term is positive, so no precision is lost.
 *
 * Above a million rows, its asymptotic value replaces the sum, as in SciPy. This bounds the work and gives six correct
 * digits.
 *
 * Source: Birnbaum and Tingey (1951). SciPy: `scipy.special.smirnov`.
 *
 * @param n sample size, a positive integer.
 * @param d between 0 and 1, both exclusive.
 */
export function smirnovTail(n: number, d: number): number {
  if (n > mostRows) return Math.exp(-((6 * n * d + 1) ** 2) / (18 * n));
  const last = Math.floor(n * (1 - d));
  let sum = 0;
  for (let j = 0; j <= last; j += 1) {
    const chance = d + j / n;
    if (chance < 1) sum += binomialProbability(j, n, chance) / chance;
  }
  return Math.min(1, d * sum);
}
