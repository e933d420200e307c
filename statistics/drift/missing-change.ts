/** How many rows of a sample have a value, and how many have none. */
export type Presence = readonly [present: number, missing: number];

/** By how much the share of rows without a value has grown; 0 where it has not. */
export function missingRise(reference: readonly number[], current: readonly number[]): number {
  return Math.max(0, presentShare(reference) - presentShare(current));
}

/** Of the share of rows with a value, what is gone, or has come: 1 where one of the samples has no value at all. */
export function presenceChange(reference: readonly number[], current: readonly number[]): number {
  const [before, now] = [presentShare(reference), presentShare(current)];
  return before === now ? 0 : Math.abs(before - now) / Math.max(before, now);
}

function presentShare([present = 0, missing = 0]: readonly number[]): number {
  const rows = present + missing;
  return rows === 0 ? 0 : present / rows;
}
