import type { Cell } from '../../contracts/data/data-types.ts';
import type { CategoricalReference, ColumnReference, NumericReference } from '../../contracts/models/model-version.ts';
import type { Distribution } from '../../contracts/monitoring/report.ts';
import { binnedCounts } from '../../statistics/drift/bin-counts.ts';
import type { ComparedColumn } from '../../statistics/drift/drift-test.ts';
import { commonIn, poolRare } from '../../statistics/drift/pool-rare.ts';
import { tieEdges } from '../../statistics/drift/tie-edges.ts';
import { valueCounts } from '../../statistics/drift/value-counts.ts';
import { categoryCounts, presentNumbers } from '../measurement/column-values.ts';
import { wholeNumbersIn } from '../measurement/whole-number-codes.ts';

/** The reference and the window of one column, in the form that the tests need. */
export interface Sides extends ComparedColumn {
  /** Distribution over the compared bins. */
  readonly distribution: Distribution;
  readonly currentRows: number;
}

/**
 * Prepares the reference and the served values of a column for comparison.
 *
 * @param declared whether the configuration declares the column as a category, or it is the answer or the truth of a
 * classifier.
 */
export function sidesOf(reference: ColumnReference, cells: readonly Cell[], declared: boolean): Sides {
  return reference.kind === 'numeric' ? numericSides(reference, cells) : categoricalSides(reference, cells, declared);
}

/** The bins are computed from the reference's values each time, so that old references use the current rules too. */
function numericSides({ values, valueCounts: counts }: NumericReference, cells: readonly Cell[]): Sides {
  const sample = { values, counts };
  const edges = tieEdges(sample);
  const numbers = ofOnePrecision(presentNumbers(cells), edges);
  const served = valueCounts(numbers);
  const [before, now] = [binnedCounts(sample, edges), binnedCounts(served, edges)];
  return {
    before,
    now,
    values: { before: sample, now: served },
    distribution: { edges, categories: null, reference: before, current: now },
    currentRows: numbers.length,
  };
}

/**
 * Maps a served value to the bin edge that it equals after rounding to 32 bits: a client that computes in 32 bits sends
 * 0.1 as 0.10000000149.
 */
function ofOnePrecision(sorted: Float64Array, edges: readonly number[]): Float64Array {
  const inexact = edges.filter((edge) => !Number.isInteger(edge));
  const rounded = new Map(inexact.map((edge) => [Math.fround(edge), edge]));
  const exact = new Set(edges);
  const asStored = (value: number): number => {
    const edge = rounded.get(Math.fround(value));
    // One of the two must be the other rounded to 32 bits.
    return edge !== undefined && !exact.has(value) && (Math.fround(edge) === value || Math.fround(value) === edge)
      ? edge
      : value;
  };
  return rounded.size === 0 ? sorted : sorted.map(asStored).sort();
}

function categoricalSides(stored: CategoricalReference, cells: readonly Cell[], declared: boolean): Sides {
  const { reference, seen } = comparable(stored, cells, declared);
  const categories = [...reference.categories, ...newCategories(reference, seen)];
  const before = categories.map((_, at) => reference.counts[at] ?? 0);
  const now = categories.map((category) => seen.get(category) ?? 0);
  return {
    before,
    now,
    distribution: shown(categories, before, now),
    currentRows: now.reduce((sum, count) => sum + count, 0),
  };
}

function comparable(reference: CategoricalReference, cells: readonly Cell[], declared: boolean) {
  const seen = categoryCounts(asWritten(cells, reference.categories));
  const areNumbers = cells.every((cell) => cell === null || typeof cell === 'number');
  const codes = declared || !areNumbers ? null : wholeNumbersIn(reference.categories);
  return codes === null ? { reference, seen } : withinEnds(reference, codes, seen);
}

/** A tenth of the rows, which is the share of one bin between deciles. */
const binShare = 0.1;

/**
 * Handles served numbers beyond the ends of the reference. Undeclared whole numbers may be a quantity of which only few
 * values have occurred so far. Such a number is counted with the outermost values of the reference that together hold
 * up to a tenth of its rows. If the outermost value alone holds more, as with a constant, the served number gets a bin
 * of its own.
 */
function withinEnds(
  reference: CategoricalReference,
  codes: readonly number[],
  written: ReadonlyMap<string, number>,
): { readonly reference: CategoricalReference; readonly seen: ReadonlyMap<string, number> } {
  const least = codes.reduce((a, b) => Math.min(a, b));
  const greatest = codes.reduce((a, b) => Math.max(a, b));
  const served = [...written.keys()].map(Number);
  const low = endOf(
    reference,
    codes.toSorted((a, b) => a - b),
    served.some((value) => value < least),
  );
  const high = endOf(
    reference,
    codes.toSorted((a, b) => b - a),
    served.some((value) => value > greatest),
  );
  const nameOf = (category: string): string => {
    const value = Number(category);
    if (value < least || low.includes(value)) return low.length === 0 ? `below ${least}` : `to ${low.at(-1)}`;
    if (value > greatest || high.includes(value))
      return high.length === 0 ? `above ${greatest}` : `from ${high.at(-1)}`;
    return Number.isInteger(value) ? category : 'not whole';
  };
  const renamed = summed(reference.categories.map((category, at) => [nameOf(category), reference.counts[at] ?? 0]));
  return {
    reference: { ...reference, categories: [...renamed.keys()], counts: [...renamed.values()] },
    seen: summed([...written].map(([category, rows]) => [nameOf(category), rows])),
  };
}

/**
 * Returns the outermost codes that together hold up to a tenth of the reference; none if no served value lies beyond
 * them.
 */
function endOf(
  { categories, counts, count }: CategoricalReference,
  inwards: readonly number[],
  isPassed: boolean,
): readonly number[] {
  if (!isPassed) return [];
  let rows = 0;
  const within = inwards.findIndex((code) => {
    rows += counts[categories.indexOf(String(code))] ?? 0;
    return rows > count * binShare;
  });
  return inwards.slice(0, within === -1 ? inwards.length : within);
}

function summed(entries: readonly (readonly [string, number])[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [name, rows] of entries) sums.set(name, (sums.get(name) ?? 0) + rows);
  return sums;
}

/** Returns the served categories that the reference does not have. */
export function newCategories(reference: CategoricalReference, seen: ReadonlyMap<string, number>): string[] {
  const known = new Set(reference.categories);
  return [...seen.keys()].filter((category) => !known.has(category));
}

/** Converts 0 and 1 back to booleans. A boolean is served as a number if the model's input is a numeric matrix. */
export function asWritten(cells: readonly Cell[], categories: readonly string[]): readonly Cell[] {
  const truthValues =
    categories.length > 0 && categories.every((category) => category === 'true' || category === 'false');
  if (!truthValues) return cells;
  return cells.map((cell) => (cell === 0 || cell === 1 ? cell === 1 : cell));
}

const mostBars = 30;

/**
 * Returns the distribution that a report shows: the compared bins or, if there are many, the largest ones and one bin
 * for the rest.
 */
function shown(categories: readonly string[], before: readonly number[], now: readonly number[]): Distribution {
  const isCommon = commonIn(before, now);
  if (isCommon === null) return largest([...categories], { reference: [...before], current: [...now] });
  const kept = categories.filter((_, at) => isCommon(before[at] ?? 0, now[at] ?? 0));
  const { reference, current } = poolRare(before, now);
  const rare = `rare: ${categories.length - kept.length} categories`;
  return largest([...kept, rare, 'rare and new'], { reference: [...reference], current: [...current] });
}

function largest(
  categories: string[],
  { reference, current }: Pick<Distribution, 'reference' | 'current'>,
): Distribution {
  if (categories.length <= mostBars) return { edges: null, categories, reference, current };
  const size = (at: number): number => (reference[at] ?? 0) + (current[at] ?? 0);
  const order = categories.map((_, at) => at).toSorted((a, b) => size(b) - size(a));
  const [first, rest] = [order.slice(0, mostBars - 1).toSorted((a, b) => a - b), order.slice(mostBars - 1)];
  const told = (counts: readonly number[]): number[] => [
    ...first.map((at) => counts[at] ?? 0),
    rest.reduce((sum, at) => sum + (counts[at] ?? 0), 0),
  ];
  const names = [...first.map((at) => categories[at] ?? ''), `${rest.length} others`];
  return { edges: null, categories: names, reference: told(reference), current: told(current) };
}
