import type { Cell } from '../../../contracts/data/data-types.ts';
import type {
  AnsweringRelease,
  CountedValues,
  SegmentSummary,
  SummarisedColumn,
} from '../../../ports/segment-summary.ts';
import { mostDistinct } from './count-values.ts';

/** Counts of rows as `readServed` returns them. */
export interface AddedSummaries extends Pick<SegmentSummary, 'rows' | 'failed' | 'releases'> {
  readonly counts: Readonly<Record<string, CountedValues>>;
  readonly prediction: CountedValues | null;
}

/**
 * Adds summaries with the same counting up to the summary of all their rows. The columns must agree in their types.
 *
 * @param rest summary of rows that belong to no other summary.
 * @param onlyRest columns, named as in a segment, that are counted in `rest` for all rows, also for those of `others`.
 */
export function addSummaries(
  rest: SegmentSummary,
  others: readonly SegmentSummary[],
  onlyRest: ReadonlySet<string>,
): AddedSummaries {
  const all = [rest, ...others];
  const added = (column: string, of: (summary: SegmentSummary) => SummarisedColumn | undefined): CountedValues | null =>
    addValues((onlyRest.has(column) ? [rest] : all).flatMap((summary) => of(summary)?.values ?? []));
  const names = new Set(all.flatMap(({ features }) => Object.keys(features)));
  const counts = [...names].flatMap((name) => {
    const values = added(`f_${name}`, ({ features }) => (Object.hasOwn(features, name) ? features[name] : undefined));
    return values === null ? [] : [[name, values] as const];
  });
  return {
    rows: all.reduce((sum, { rows }) => sum + rows, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
    releases: addReleases(all.flatMap(({ releases }) => releases)),
    counts: Object.fromEntries(counts),
    prediction: added('prediction', ({ prediction }) => prediction),
  };
}

/** Returns the releases in the order of their first predictions. */
function addReleases(releases: readonly AnsweringRelease[]): AnsweringRelease[] {
  const alike = Map.groupBy(releases, ({ release, modelVersion }) => `${release} ${modelVersion}`);
  return [...alike.values()]
    .map((some) => some.reduce((a, b) => sumOfReleases(a, b)))
    .toSorted((a, b) => a.first - b.first || compared(a.release, b.release) || a.modelVersion - b.modelVersion);
}

function sumOfReleases(a: AnsweringRelease, b: AnsweringRelease): AnsweringRelease {
  return { ...a, predictions: a.predictions + b.predictions, first: Math.min(a.first, b.first) };
}

function addValues(parts: readonly CountedValues[]): CountedValues | null {
  const numeric = parts.flatMap((part) => (part.kind === 'numeric' ? [part] : []));
  const categorical = parts.flatMap((part) => (part.kind === 'categorical' ? [part] : []));
  if (parts.length <= 1) return parts[0] ?? null;
  return numeric.length > 0 ? addNumbers(numeric) : addCategories(categorical);
}

type Numbers = Extract<CountedValues, { kind: 'numeric' }>;
type Categories = Extract<CountedValues, { kind: 'categorical' }>;

function addNumbers(parts: readonly Numbers[]): Numbers {
  const counts = Array.from({ length: parts[0]?.counts.length ?? 0 }, () => 0);
  let [present, least, greatest] = [0, Infinity, -Infinity];
  for (const part of parts) {
    present += part.present;
    for (const [at, count] of part.counts.entries()) counts[at] = (counts[at] ?? 0) + count;
    if (part.range !== null) [least, greatest] = [Math.min(least, part.range[0]), Math.max(greatest, part.range[1])];
  }
  return { kind: 'numeric', present, range: least > greatest ? null : [least, greatest], counts };
}

function addCategories(parts: readonly Categories[]): Categories {
  const present = parts.reduce((sum, part) => sum + part.present, 0);
  const counts = new Map<Cell, number>();
  for (const { values } of parts) {
    if (values === null) return { kind: 'categorical', present, values: null };
    for (const [value, rows] of values) counts.set(value, (counts.get(value) ?? 0) + rows);
  }
  if (counts.size > mostDistinct) return { kind: 'categorical', present, values: null };
  return { kind: 'categorical', present, values: [...counts].toSorted(([a, n], [b, m]) => m - n || compared(a, b)) };
}

/** Compares two values of one type as the table engine does. */
function compared(a: Cell, b: Cell): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}
