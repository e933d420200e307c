import { decileEdges } from './decile-edges.ts';
import type { ValueCounts } from './value-counts.ts';

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
  const rows = rowsOf(sample);
  const points = new Set(sample.values.filter((_, at) => (sample.counts[at] ?? 0) > rows * binShare));
  const rest = without(sample, points);
  const restRows = rowsOf(rest);
  const between = restRows < rows * smallestRest ? [] : decileEdges(expanded(rest, restRows));
  return [...[...points].flatMap((value) => [value, value]), ...between.filter((edge) => !points.has(edge))].toSorted(
    (a, b) => a - b,
  );
}

function without({ values, counts }: ValueCounts, points: ReadonlySet<number>): ValueCounts {
  const kept = values.flatMap((value, at) => (points.has(value) ? [] : [at]));
  return { values: kept.map((at) => values[at] ?? 0), counts: kept.map((at) => counts[at] ?? 0) };
}

function expanded({ values, counts }: ValueCounts, rows: number): Float64Array {
  const sorted = new Float64Array(rows);
  let from = 0;
  for (const [at, value] of values.entries()) {
    const to = from + (counts[at] ?? 0);
    sorted.fill(value, from, to);
    from = to;
  }
  return sorted;
}

function rowsOf({ counts }: ValueCounts): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
