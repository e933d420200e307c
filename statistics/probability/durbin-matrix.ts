/**
 * Returns P(Dₙ < d), the exact distribution of the two-sided one-sample Kolmogorov–Smirnov statistic at sample size n,
 * from the n-th power of Durbin's matrix. Work grows with (n d)³ log n, so use it only for small n d.
 *
 * Source: Marsaglia, Tsang and Wang, "Evaluating Kolmogorov's distribution", Journal of Statistical Software 8(18),
 * 2003.
 *
 * @param n sample size, a positive integer.
 * @param d the statistic, with n d > 0.5 and d < 1.
 */
export function durbinProbability(n: number, d: number): number {
  const k = Math.ceil(n * d);
  const size = 2 * k - 1;
  const power = matrixPower(durbinMatrix(k, k - n * d), size, n);
  // n! / nⁿ underflows, so its factors are multiplied one by one and the exponent is kept separately.
  let probability = power.cells[(k - 1) * size + k - 1] ?? 0;
  let exponent = power.exponent;
  for (let i = 1; i <= n; i += 1) {
    probability *= i / n;
    if (probability < 2 ** -128) {
      probability *= 2 ** 128;
      exponent -= 128;
    }
  }
  return Math.min(1, probability * 2 ** exponent);
}

function durbinMatrix(k: number, h: number): Float64Array {
  const size = 2 * k - 1;
  const inverseFactorials = new Float64Array(size + 1).fill(1);
  for (let i = 1; i <= size; i += 1) inverseFactorials[i] = (inverseFactorials[i - 1] ?? 0) / i;
  const cells = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < Math.min(size, row + 2); column += 1) {
      let cell = 1;
      if (column === 0) cell -= h ** (row + 1);
      if (row === size - 1) cell -= h ** (size - column);
      if (column === 0 && row === size - 1) cell += Math.max(2 * h - 1, 0) ** size;
      cells[row * size + column] = cell * (inverseFactorials[row - column + 1] ?? 0);
    }
  }
  return cells;
}

interface ScaledMatrix {
  readonly cells: Float64Array;
  /** The matrix is `cells · 2^exponent`. */
  readonly exponent: number;
}

function matrixPower(cells: Float64Array, size: number, power: number): ScaledMatrix {
  let base: ScaledMatrix = { cells, exponent: 0 };
  let result: ScaledMatrix | undefined;
  for (let left = power; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = result === undefined ? base : product(result, base, size);
    if (left > 1) base = product(base, base, size);
  }
  return result ?? base;
}

function product(left: ScaledMatrix, right: ScaledMatrix, size: number): ScaledMatrix {
  const cells = new Float64Array(size * size);
  for (let row = 0; row < size; row += 1) {
    for (let inner = 0; inner < size; inner += 1) {
      const factor = left.cells[row * size + inner] ?? 0;
      if (factor === 0) continue;
      for (let column = 0; column < size; column += 1) {
        cells[row * size + column] =
          (cells[row * size + column] ?? 0) + factor * (right.cells[inner * size + column] ?? 0);
      }
    }
  }
  const middle = cells[((size - 1) / 2) * size + (size - 1) / 2] ?? 0;
  const exponent = left.exponent + right.exponent;
  if (middle <= 2 ** 128) return { cells, exponent };
  return { cells: cells.map((cell) => cell * 2 ** -128), exponent: exponent + 128 };
}
