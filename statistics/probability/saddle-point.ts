// The two parts of Loader's saddle-point expansion. They give binomial and Poisson probabilities to full precision,
// which factorials and powers would lose: C. Loader, "Fast and accurate computation of binomial probabilities" (2000).

const logTwoPi = Math.log(2 * Math.PI);

/** Returns ln n! − ln(√(2πn) (n/e)ⁿ) for n > 0, integer or not, with an absolute error of about 1e-16. */
export function stirlingError(n: number): number {
  // The series needs n ≥ 16. A smaller n is raised to 16 by the recurrence of the gamma function.
  let at = n;
  let correction = 0;
  while (at < 16) {
    correction += (at + 0.5) * Math.log1p(1 / at) - 1;
    at += 1;
  }
  const square = at * at;
  const series =
    (1 / 12 -
      (1 / 360 - (1 / 1260 - (1 / 1680 - (1 / 1188 - 691 / 360360 / square) / square) / square) / square) / square) /
    at;
  return correction + series;
}

/** Returns x ln(x / mean) + mean − x for x ≥ 0 and mean > 0, without cancellation if both are close. */
function deviance(x: number, mean: number): number {
  if (x === 0) return mean;
  const difference = x - mean;
  if (Math.abs(difference) >= 0.1 * (x + mean)) return x * Math.log(x / mean) - difference;
  const ratio = difference / (x + mean);
  const square = ratio * ratio;
  let sum = difference * ratio;
  let term = 2 * x * ratio;
  for (let odd = 3; odd < 1000; odd += 2) {
    term *= square;
    const next = sum + term / odd;
    if (next === sum) return sum;
    sum = next;
  }
  return sum;
}

/** Returns the probability of `successes` among `trials`, each with probability `chance` strictly between 0 and 1. */
export function binomialProbability(successes: number, trials: number, chance: number): number {
  const failures = trials - successes;
  if (successes === 0) return Math.exp(trials * Math.log1p(-chance));
  if (failures === 0) return Math.exp(trials * Math.log(chance));
  const exponent =
    stirlingError(trials) -
    stirlingError(successes) -
    stirlingError(failures) -
    deviance(successes, trials * chance) -
    deviance(failures, trials * (1 - chance));
  return Math.exp(exponent - (logTwoPi + Math.log(successes) + Math.log(failures / trials)) / 2);
}

/** Returns e^−mean · mean^x / Γ(x + 1) for x > 0, integer or not, and mean > 0. */
export function poissonProbability(x: number, mean: number): number {
  return Math.exp(-stirlingError(x) - deviance(x, mean) - (logTwoPi + Math.log(x)) / 2);
}
