import { durbinProbability } from './durbin-matrix.ts';
import { pelzGoodProbability } from './pelz-good.ts';
import { stirlingError } from './saddle-point.ts';
import { smirnovTail } from './smirnov-tail.ts';

/**
 * Returns P(Dₙ ≥ d), the tail of the two-sided one-sample Kolmogorov–Smirnov statistic at sample size n. Each region
 * uses the method of SciPy's `kstwo.sf`, except that Durbin's matrix, which is as exact, replaces Pomeranz's recursion.
 *
 * Source: Simard and L'Ecuyer, "Computing the two-sided Kolmogorov–Smirnov distribution", Journal of Statistical
 * Software 39(11), 2011.
 *
 * @param n sample size, a positive integer.
 * @param d the statistic, between 0 and 1.
 */
export function kolmogorovTail(n: number, d: number): number {
  const t = n * d;
  if (d >= 1) return 0;
  if (t <= 0.5) return 1;
  if (t <= 1) return 1 - shortestProbability(n, t);
  if (t >= n - 1) return 2 * (1 - d) ** n;
  const square = t * d;
  if (d >= 0.5 || square > upperRegion(n)) return square >= 370 && n > 140 ? 0 : Math.min(1, 2 * smirnovTail(n, d));
  if (n <= 140 || (n <= 100_000 && n * d ** 1.5 <= 1.4)) return clip(1 - durbinProbability(n, d));
  return clip(1 - pelzGoodProbability(n, d));
}

/**
 * Returns the value of n d² above which the tails of the two sides hardly overlap, so that twice the one-sided tail is
 * exact to within 1e-10.
 */
function upperRegion(n: number): number {
  return n <= 140 ? 4 : 2.2;
}

/** Returns P(Dₙ < t/n) for 0.5 < t ≤ 1: n! (2t − 1)ⁿ / nⁿ (Ruben and Gambino). */
function shortestProbability(n: number, t: number): number {
  return Math.exp(stirlingError(n) + Math.log(2 * Math.PI * n) / 2 - n + n * Math.log(2 * t - 1));
}

function clip(probability: number): number {
  return Math.min(1, Math.max(0, probability));
}
