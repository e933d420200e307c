import type { Id } from '../contracts/identifiers.ts';

/** What one epoch of a gateway has told so far. */
export interface CountedEpoch {
  readonly epoch: Id;
  readonly amounts: readonly number[];
}

export interface EpochTotals {
  /** The sums over all epochs. */
  readonly totals: readonly number[];
  /** Those that were told last. */
  readonly epochs: readonly CountedEpoch[];
}

export const nothingCounted: EpochTotals = { totals: [], epochs: [] };

/** A gateway repeats only what it told a moment ago, so older epochs need not be recognised. */
const epochsKept = 8;

/** Adds what an epoch has grown by. An epoch only grows, so what is told twice or late adds nothing. */
export function addEpoch({ totals, epochs }: EpochTotals, told: CountedEpoch): EpochTotals {
  const known = epochs.find(({ epoch }) => epoch === told.epoch)?.amounts ?? [];
  const amounts = byPlace(known, told.amounts, Math.max);
  const growth = byPlace(amounts, known, (now, before) => now - before);
  const others = epochs.filter(({ epoch }) => epoch !== told.epoch);
  return {
    totals: byPlace(totals, growth, (total, more) => total + more),
    epochs: [...others, { epoch: told.epoch, amounts }].slice(-epochsKept),
  };
}

/** Element by element; a list that is shorter counts as zeros. */
function byPlace(
  one: readonly number[],
  other: readonly number[],
  combine: (one: number, other: number) => number,
): number[] {
  const length = Math.max(one.length, other.length);
  return Array.from({ length }, (_, place) => combine(one[place] ?? 0, other[place] ?? 0));
}
