import type { SegmentSummary, SummarisedColumn } from '../../../ports/segment-summary.ts';
import type { ReadServed } from '../../../ports/served-window.ts';

/** Segments of a window that lie in it as a whole, with their summaries, by path. */
export type WholeSegments = ReadonlyMap<string, SegmentSummary>;

type Asked = Pick<ReadServed, 'segments' | 'from' | 'to' | 'summaries' | 'counts' | 'prediction'>;

/** Returns the segments that lie completely in the window; none if a column has different types in them. */
export function wholeSegments({ segments, from, to, summaries = {} }: Asked): WholeSegments {
  const [first, end] = [Date.parse(from) * 1000, Date.parse(to) * 1000];
  const whole = segments.flatMap((path): [string, SegmentSummary][] => {
    const summary = summaries[path];
    const lies =
      summary !== undefined && (summary.times === null || (summary.times[0] >= first && summary.times[1] < end));
    return lies ? [[path, summary]] : [];
  });
  const map = new Map(whole);
  return agree(map, new Map()) ? map : new Map();
}

/** Whether each column that has a value has one type in all segments, and that of the given types. */
export function agree(whole: WholeSegments, types: ReadonlyMap<string, string>): boolean {
  const known = new Map(types);
  for (const summary of whole.values())
    for (const [name, { type, values }] of columnsOf(summary)) {
      if (values?.present === 0) continue;
      if ((known.get(name) ?? type) !== type) return false;
      known.set(name, type);
    }
  return true;
}

/** Returns the columns, named as in a segment, that must be counted from rows because a summary lacks their values. */
export function unsummarised(whole: WholeSegments, { counts = {}, prediction }: Asked): ReadonlySet<string> {
  const wanted = new Set(Object.keys(counts).map((name) => `f_${name}`));
  if (prediction !== undefined) wanted.add('prediction');
  const lacking = [...whole.values()].flatMap((summary) =>
    columnsOf(summary).flatMap(([name, { values }]) => (isCounted(values) ? [] : [name])),
  );
  return new Set(lacking.filter((name) => wanted.has(name)));
}

function isCounted(values: SummarisedColumn['values']): boolean {
  return values !== null && (values.kind === 'numeric' || values.values !== null);
}

function columnsOf({ features, prediction }: SegmentSummary): (readonly [string, SummarisedColumn])[] {
  return [
    ['prediction', prediction] as const,
    ...Object.entries(features).map(([name, column]) => [`f_${name}`, column] as const),
  ];
}

/** Returns the part of the window, of `parts` equal ones, in which all rows of a summary lie; null if there is none. */
export function partOfWindow(
  { times }: SegmentSummary,
  { from, to }: Pick<ReadServed, 'from' | 'to'>,
  parts: number,
): number | null {
  if (times === null) return 0;
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const [first, last] = times.map((time) => {
    const part = Math.floor(((Math.floor(time / 1000) - begin) / (end - begin)) * parts);
    return Math.min(parts - 1, Math.max(0, part));
  });
  return first === undefined || first !== last ? null : first;
}
