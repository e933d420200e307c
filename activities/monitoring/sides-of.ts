import type { CategoricalReference, ColumnReference, NumericReference } from '../../contracts/models/model-version.ts';
import type { Distribution } from '../../contracts/monitoring/report.ts';
import type { ComparedColumn } from '../../statistics/drift/drift-test.ts';
import { commonIn, poolRare } from '../../statistics/drift/pool-rare.ts';
import type { CountedCategories, CountedNumbers, ServedColumn } from '../measurement/counted-column.ts';
import { binsOf, countedColumn } from '../measurement/counted-column.ts';
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
export function sidesOf(reference: ColumnReference, column: ServedColumn, declared: boolean): Sides {
  const served = countedColumn(reference, column);
  if (reference.kind === 'numeric' && served.kind === 'numeric') return numericSides(reference, served);
  if (reference.kind === 'categorical' && served.kind === 'categorical')
    return categoricalSides(reference, served, declared);
  throw new TypeError(`the values of ${reference.name} were counted for a reference of another kind`);
}

function numericSides(reference: NumericReference, served: CountedNumbers): Sides {
  const { edges, counts: before } = binsOf(reference);
  const sample = { values: reference.values, counts: reference.valueCounts };
  const now = served.bins;
  return {
    before,
    now,
    isNumeric: true,
    ...(served.values === null ? {} : { values: { before: sample, now: served.values } }),
    distribution: { edges, categories: null, reference: [...before], current: [...now] },
    currentRows: served.present,
  };
}

function categoricalSides(stored: CategoricalReference, served: CountedCategories, declared: boolean): Sides {
  const { reference, seen } = comparable(stored, served, declared);
  const categories = [...reference.categories, ...newCategories(reference, seen)];
  const before = categories.map((_, at) => reference.counts[at] ?? 0);
  const now = categories.map((category) => seen.get(category) ?? 0);
  return {
    before,
    now,
    isNumeric: false,
    distribution: shown(categories, before, now),
    currentRows: now.reduce((sum, count) => sum + count, 0),
  };
}

function comparable(
  reference: CategoricalReference,
  { counts: seen, areNumbers }: CountedCategories,
  declared: boolean,
) {
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
