/** Samples of so many categories or fewer are compared category by category. */
const fewCategories = 25;
/** Cochran's rule: below it a category's count is mostly chance. */
export const expectedAtLeast = 5;
/** So many rows on the smaller side are no chance where fewer than `expectedAtLeast` are expected. */
const rowsAtLeast = 10;

/** Counts of both samples in the same bins, and which categories are in them. */
export interface Pooled {
  readonly reference: readonly number[];
  readonly current: readonly number[];
}

/**
 * Pools the rare categories of two samples that have more than 25 between them. A category stays by itself if both samples, were they
 * alike, would have at least 5 rows of it on the smaller side, or if that side has at least 10. All others are two bins: what is
 * known, and what is new. New in the current sample are the rows of categories that the reference has not; as many are expected, by
 * share, as the reference has rows of categories that occur in it once (Good and Turing). So a category that comes for the first time
 * counts only as far as it comes more often than first times did.
 *
 * Sources: Cochran, "Some methods for strengthening the common χ² tests" (1954); Good, "The population frequencies of species and
 * the estimation of population parameters" (1953).
 */
export function poolRare(reference: readonly number[], current: readonly number[]): Pooled {
  const isCommon = commonIn(reference, current);
  if (isCommon === null) return { reference, current };
  const [before, now]: [number[], number[]] = [[], []];
  let [known, once, seen, unseen] = [0, 0, 0, 0];
  for (let at = 0; at < reference.length; at += 1) {
    const [then, later] = [reference[at] ?? 0, current[at] ?? 0];
    if (isCommon(then, later)) {
      before.push(then);
      now.push(later);
    } else {
      if (then === 1) once += 1;
      else known += then;
      if (then === 0) unseen += later;
      else seen += later;
    }
  }
  before.push(known, once);
  now.push(seen, unseen);
  return { reference: before, current: now };
}

/** Says of a category's counts whether it stays by itself; null: all do. */
export function commonIn(
  reference: readonly number[],
  current: readonly number[],
): ((reference: number, current: number) => boolean) | null {
  let [before, now, categories] = [0, 0, 0];
  for (let at = 0; at < reference.length; at += 1) {
    const [then, later] = [reference[at] ?? 0, current[at] ?? 0];
    before += then;
    now += later;
    if (then + later > 0) categories += 1;
  }
  if (categories <= fewCategories) return null;
  const atLeast = (expectedAtLeast * (before + now)) / Math.min(before, now);
  const smaller = now <= before;
  return (then, later) => then + later >= atLeast || (smaller ? later : then) >= rowsAtLeast;
}
