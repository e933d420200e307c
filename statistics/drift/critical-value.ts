import { permutedCounts } from './permuted-counts.ts';
import { seededUniform } from '../probability/seeded-random.ts';

const usualDraws = 1999;
/** The test is exact with any number of draws; with few of them the quantile varies more from seed to seed. */
const fewestDraws = 199;
/** Bins times draws: about three seconds. */
const mostWork = 10_000_000;
const level = 0.005;

/** How far two samples are apart, from their counts in the same bins. */
export type Distance = (reference: readonly number[], current: readonly number[]) => number;

/**
 * The 99.5 % quantile of a distance if both samples were of one distribution: of 1,999 ways to deal their rows out anew, of 199
 * where there are more than 5,000 bins. A distance above it is expected of one in 200 pairs of samples that do not differ, whatever
 * their sizes, bins and counts.
 *
 * Source: Phipson and Smyth, "Permutation P-values Should Never Be Zero" (2010).
 *
 * @param seed an integer; the same one gives the same quantile.
 * @param enough returned as soon as the quantile is certain to be this or more.
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
  // With the sample's own distance they are one more, and a share of `level` of those may be as great.
  return distances.sort()[draws - beyond] ?? Number.NaN;
}
