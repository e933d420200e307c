import { poissonProbability } from './saddle-point.ts';

const tolerance = 1e-16;
const mostTerms = 100_000;

/**
 * Returns the regularised upper incomplete gamma function Q(a, x) = Γ(a, x) / Γ(a) to about 13 digits, including small
 * tails. For x below a + 1 it uses the series of P, otherwise Legendre's continued fraction by the modified Lentz
 * method.
 *
 * Source: Press et al., "Numerical Recipes", 6.2. SciPy: `scipy.special.gammaincc`.
 *
 * @param a positive.
 * @param x not negative.
 */
export function upperIncompleteGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  return x < a + 1 ? 1 - lowerBySeries(a, x) : upperByFraction(a, x);
}

/** Returns P(a, x) = x^a e^−x / Γ(a + 1) · Σ xⁿ / ((a + 1) … (a + n)). */
function lowerBySeries(a: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let n = 1; n <= mostTerms && term > sum * tolerance; n += 1) {
    term *= x / (a + n);
    sum += term;
  }
  return poissonProbability(a, x) * sum;
}

function upperByFraction(a: number, x: number): number {
  let b = x + 1 - a;
  let c = 1 / Number.MIN_VALUE;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n <= mostTerms; n += 1) {
    const numerator = n * (a - n);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    const factor = c * d;
    fraction *= factor;
    if (Math.abs(factor - 1) < tolerance) break;
  }
  return a * poissonProbability(a, x) * fraction;
}
