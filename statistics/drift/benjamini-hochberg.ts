/**
 * Adjusts p-values so that rejecting those at or below q keeps the expected share of false discoveries at or below q,
 * for independent or positively dependent tests. The i-th smallest of m p-values becomes the smallest of p₍ⱼ₎ · m / j
 * over j ≥ i, and at most 1. The result is in the order of the input, as that of SciPy's `false_discovery_control`.
 *
 * Source: Benjamini and Hochberg, "Controlling the false discovery rate" (1995).
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const descending = pValues.map((p, at) => ({ p, at })).toSorted((a, b) => b.p - a.p);
  const adjusted = Array.from<number>({ length: pValues.length });
  let smallest = 1;
  for (const [place, { p, at }] of descending.entries()) {
    smallest = Math.min(smallest, (p * pValues.length) / (pValues.length - place));
    adjusted[at] = smallest;
  }
  return adjusted;
}
