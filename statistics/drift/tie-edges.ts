import { decileEdges } from './decile-edges.ts';
import type { ValueCounts } from './value-counts.ts';

/** The share of a bin by deciles. */
const binShare = 0.1;
/** A lesser share of the values is not divided: whatever it does, it cannot bring the index to 0.1. */
const smallestRest = 0.01;

/**
 * Edges of the bins in which a sample and later ones are compared (`binnedCounts`). A value that holds more than a tenth of the
 * values is a bin of its own, and its edge is given twice; the others are divided at their own deciles. So a constant has bins below,
 * equal and above. Where no value holds more than a tenth, these are the deciles of the sample (`decileEdges`).
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
