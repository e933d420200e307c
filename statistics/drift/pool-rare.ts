/** Largest number of categories for which samples are compared category by category. */
const fewCategories = 25;
/** Minimum expected count of a category by Cochran's rule. A category with a lower one differs mostly by chance. */
export const expectedAtLeast = 5;
/**
 * If the smaller sample has this many rows of a category, they are not due to chance, even if fewer than
 * `expectedAtLeast` are expected.
 */
const rowsAtLeast = 10;

/** Counts of both samples in the same bins. */
export interface Pooled {
  readonly reference: readonly number[];
  readonly current: readonly number[];
}

/**
 * Pools the rare categories of two samples that have more than 25 categories together. A category keeps a bin of its
 * own if at least 5 of its rows are expected in the smaller sample when both samples are alike, or if the smaller
 * sample has at least 10. All other categories form two bins, known and new. In the current sample, new rows are those
 * of categories that the reference lacks. The share expected of them is the share of the reference's rows whose
 * category occurs there once (Good and Turing). Categories that occur for the first time therefore count only if they
 * are more frequent than such categories were in the reference.
 *
 * Sources: Cochran, "Some methods for strengthening the common χ² tests" (1954); Good, "The population frequencies of
 * species and the estimation of population parameters" (1953).
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

/**
 * Returns a function that says, from a category's counts, whether it keeps a bin of its own; null if all categories do.
 */
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
