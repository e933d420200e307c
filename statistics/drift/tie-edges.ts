import { decileEdges } from './decile-edges.ts';
import type { ValueCounts } from './value-counts.ts';
import { rowsCounted } from './value-counts.ts';

/** Share of the values in a decile bin. */
const binShare = 0.1;
/**
 * If the other values make up less than this share of all values, they are not divided further, because no change in
 * them alone can raise the population stability index to 0.1.
 */
const smallestRest = 0.01;

/**
 * Returns the edges of the bins in which a sample and later ones are compared (see `binnedCounts`). A value that makes
 * up more than a tenth of the values has its own bin, and its edge occurs twice; the other values are divided at their
 * own deciles. A constant therefore has bins below, at and above it. If no value makes up more than a tenth, the edges
 * are the deciles of the sample (see `decileEdges`).
 */
export function tieEdges(sample: ValueCounts): number[] {
  const rows = rowsCounted(sample);
  const points = new Set<number>();
  for (let at = 0; at < sample.values.length; at += 1)
    if ((sample.counts[at] ?? 0) > rows * binShare) points.add(sample.values[at] ?? 0);
  const rest = sortedWithout(sample, points, rows);
  const between = rest.length < rows * smallestRest ? [] : decileEdges(rest);
  return [...[...points].flatMap((value) => [value, value]), ...between.filter((edge) => !points.has(edge))].toSorted(
    (a, b) => a - b,
  );
}

/** Returns the sample's values in ascending order, each as often as it occurs, without those of `points`. */
function sortedWithout({ values, counts }: ValueCounts, points: ReadonlySet<number>, rows: number): Float64Array {
  const sorted = new Float64Array(rows);
  let from = 0;
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at] ?? 0;
    if (points.has(value)) continue;
    const to = from + (counts[at] ?? 0);
    sorted.fill(value, from, to);
    from = to;
  }
  return sorted.subarray(0, from);
}
