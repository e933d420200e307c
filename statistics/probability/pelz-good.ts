const piSquared = Math.PI ** 2;

/**
 * Returns P(Dₙ < d) for large n by the expansion K0(z) + K1(z)/√n + K2(z)/n + K3(z)/n^1.5 with z = d√n, in the form of
 * theta functions. At least five digits are correct, and far more for large n. It is used in the same region as in
 * SciPy, so that p-values equal SciPy's.
 *
 * Source: Pelz and Good, "Approximating the lower tail-areas of the Kolmogorov–Smirnov one-sample statistic" (1976).
 *
 * @param n sample size, a positive integer.
 * @param d between 0 and 1, both exclusive.
 */
export function pelzGoodProbability(n: number, d: number): number {
  const z = Math.sqrt(n) * d;
  const logQ = -piSquared / 8 / z ** 2;
  if (logQ < -708) return 0;
  const [k0, k1, k2, k3] = expansion(z, Math.exp(logQ));
  return k0 + k1 / Math.sqrt(n) + k2 / n + k3 / n ** 1.5;
}

function expansion(z: number, q: number): [number, number, number, number] {
  const terms = Math.ceil((16 * z) / Math.PI);
  const coefficients = oddCoefficients(z);
  const odd: [number, number, number, number] = [0, 0, 0, 0];
  let evenForK2 = 0;
  let evenForK3 = 0;
  const evenQ = Math.exp(-piSquared / 2 / z ** 2);
  for (let k = terms; k > 0; k -= 1) {
    const [c0, c1, c2, c3] = coefficients(2 * k - 1);
    const scale = q ** (8 * k);
    odd[0] = odd[0] * scale + c0;
    odd[1] = odd[1] * scale + c1;
    odd[2] = odd[2] * scale + c2;
    odd[3] = odd[3] * scale + c3;
    const weight = k * k * evenQ ** (k * k);
    evenForK2 += weight;
    evenForK3 += (3 * z ** 2 - piSquared * k * k) * weight;
  }
  const scale = q * Math.sqrt(2 * Math.PI);
  const even = piSquared * Math.sqrt(2 * Math.PI);
  return [
    (odd[0] * scale) / z,
    (odd[1] * scale) / (6 * z ** 4),
    (odd[2] * scale) / (72 * z ** 7) - (evenForK2 * even) / (36 * z ** 3),
    (odd[3] * scale) / (6480 * z ** 10) + (evenForK3 * even) / (216 * z ** 6),
  ];
}

/** Returns the coefficients of q^(m²) in K0 to K3 for odd m. */
function oddCoefficients(z: number): (m: number) => [number, number, number, number] {
  const [z2, z4, z6, z8] = [z ** 2, z ** 4, z ** 6, z ** 8];
  const k2 = [6 * z6 + 2 * z4, ((2 * z4 - 5 * z2) * piSquared) / 4, (piSquared ** 2 * (1 - 2 * z2)) / 16] as const;
  const k3 = [
    -30 * z6 - 90 * z8,
    (piSquared * (135 * z4 - 96 * z6)) / 4,
    (piSquared ** 2 * (-60 * z2 + 212 * z4)) / 16,
    (piSquared ** 3 * (5 - 30 * z2)) / 64,
  ] as const;
  return (m) => {
    const [m2, m4, m6] = [m ** 2, m ** 4, m ** 6];
    return [
      1,
      -z2 + (piSquared / 4) * m2,
      k2[0] + k2[1] * m2 + k2[2] * m4,
      k3[0] + k3[1] * m2 + k3[2] * m4 + k3[3] * m6,
    ];
  };
}
