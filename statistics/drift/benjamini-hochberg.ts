/**
 * P-values adjusted so that rejecting those at or below q makes the expected share of false discoveries at most q, for
 * independent or positively dependent tests: the smallest over j ≥ i of p₍ⱼ₎ · m / j, at most 1. In the order given. As
 * SciPy's `false_discovery_control`.
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
