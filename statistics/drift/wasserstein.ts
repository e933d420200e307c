import type { ValueCounts } from './value-counts.ts';
import { rowsCounted } from './value-counts.ts';

/** Smallest deviation, as in Evidently. Without it, a reference that hardly varies would make every distance huge. */
const smallestDeviation = 0.001;

/**
 * Returns the Wasserstein distance of order 1 (the earth mover's distance): the area between the two empirical
 * distribution functions, in the column's unit. As SciPy's `wasserstein_distance`.
 *
 * @throws RangeError if a sample is empty.
 */
export function wassersteinDistance(reference: ValueCounts, current: ValueCounts): number {
  const [n1, n2] = [rowsCounted(reference), rowsCounted(current)];
  if (n1 === 0 || n2 === 0) throw new RangeError('an empty sample has no distribution');
  let [i, j, below1, below2, distance] = [0, 0, 0, 0, 0];
  let last = Number.NaN;
  while (i < reference.values.length || j < current.values.length) {
    const [x, y] = [reference.values[i] ?? Infinity, current.values[j] ?? Infinity];
    const at = Math.min(x, y);
    if (!Number.isNaN(last)) distance += Math.abs(below1 / n1 - below2 / n2) * (at - last);
    if (x === at) {
      below1 += reference.counts[i] ?? 0;
      i += 1;
    }
    if (y === at) {
      below2 += current.counts[j] ?? 0;
      j += 1;
    }
    last = at;
  }
  return distance;
}

/**
 * Returns the Wasserstein distance in population standard deviations of the reference, so that one threshold fits
 * columns of different units. By convention, a distance above 0.1 is drift. A deviation below 0.001 is raised to 0.001.
 *
 * Source: Evidently, `wasserstein_distance_norm`.
 */
export function normedWasserstein(reference: ValueCounts, current: ValueCounts): number {
  const { before, now, deviation } = normed(reference, current);
  return wassersteinDistance(before, now) / deviation;
}

/** The squares of greater numbers may overflow. */
const greatest = 1e150;

/** Returns the samples and the deviation by which their distance is divided, in a unit in which nothing overflows. */
export function normed(reference: ValueCounts, current: ValueCounts) {
  const most = [reference, current].flatMap(({ values }) => [values[0] ?? 0, values[values.length - 1] ?? 0]);
  const top = Math.max(...most.map(Math.abs));
  const unit = top > greatest ? top : 1;
  const [before, now] = [inUnits(reference, unit), inUnits(current, unit)];
  return { before, now, deviation: Math.max(standardDeviation(before), smallestDeviation / unit) };
}

function inUnits(sample: ValueCounts, unit: number): ValueCounts {
  return unit === 1
    ? sample
    : { values: Float64Array.from(sample.values, (value) => value / unit), counts: sample.counts };
}

function standardDeviation({ values, counts }: ValueCounts): number {
  const n = rowsCounted({ values, counts });
  const weighted = (of: (value: number) => number): number => {
    let sum = 0;
    for (let at = 0; at < values.length; at += 1) sum += of(values[at] ?? 0) * (counts[at] ?? 0);
    return sum / n;
  };
  const mean = weighted((value) => value);
  return Math.sqrt(weighted((value) => (value - mean) ** 2));
}
