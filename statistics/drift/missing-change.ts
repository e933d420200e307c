/** Numbers of rows of a sample with and without a value. */
export type Presence = readonly [present: number, missing: number];

/** Returns the increase in the share of rows without a value; 0 if it has not increased. */
export function missingRise(reference: readonly number[], current: readonly number[]): number {
  return Math.max(0, presentShare(reference) - presentShare(current));
}

/**
 * Returns the relative change in the share of rows with a value: the difference divided by the larger share. It is 1 if
 * only one of the samples has values.
 */
export function presenceChange(reference: readonly number[], current: readonly number[]): number {
  const [before, now] = [presentShare(reference), presentShare(current)];
  return before === now ? 0 : Math.abs(before - now) / Math.max(before, now);
}

function presentShare([present = 0, missing = 0]: readonly number[]): number {
  const rows = present + missing;
  return rows === 0 ? 0 : present / rows;
}
