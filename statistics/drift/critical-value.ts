import { permutedCounts } from './permuted-counts.ts';
import { seededUniform } from '../probability/seeded-random.ts';

const usualDraws = 1999;
/** The test is exact with any number of draws. With few draws, the quantile varies more between seeds. */
const fewestDraws = 199;
/** Maximum number of bins times draws, which takes about three seconds. */
const mostWork = 10_000_000;
const level = 0.005;

/** Returns the distance between two samples from their counts in the same bins. */
export type Distance = (reference: readonly number[], current: readonly number[]) => number;

/**
 * Returns the 99.5 % quantile of a distance under the hypothesis that both samples have the same distribution. It is
 * computed from 1,999 random reassignments of their rows, or from 199 if there are more than 5,000 bins. A greater
 * distance is expected in one of 200 pairs of samples that do not differ, whatever their sizes, bins and counts.
 *
 * Source: Phipson and Smyth, "Permutation P-values Should Never Be Zero" (2010).
 *
 * @param seed an integer; the same seed gives the same quantile.
 * @param enough is returned as soon as the quantile is certain to be at least this value.
 */
export function criticalValue(
  reference: readonly number[],
  current: readonly number[],
  distance: Distance,
  seed: number,
  enough = Infinity,
): number {
  const counts = reference.map((count, bin) => count + (current[bin] ?? 0));
  const rows = current.reduce((sum, count) => sum + count, 0);
  const deal = permutedCounts(counts, rows, seededUniform(seed));
  const [before, now] = [counts.map(() => 0), counts.map(() => 0)];
  const draws = counts.length * usualDraws <= mostWork ? usualDraws : fewestDraws;
  const distances = new Float64Array(draws);
  const beyond = (draws + 1) * level;
  let reached = 0;
  for (let draw = 0; draw < draws; draw += 1) {
    deal(before, now);
    const drawn = distance(before, now);
    distances[draw] = drawn;
    if (drawn >= enough) reached += 1;
    if (reached >= beyond) return enough;
  }
  // Together with the observed distance there are `draws + 1` distances, and a share of `level` of them may be as
  // great.
  return distances.sort()[draws - beyond] ?? Number.NaN;
}
