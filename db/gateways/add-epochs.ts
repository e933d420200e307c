import type { Id } from '../../contracts/identifiers.ts';

/** The latest report of one epoch of a gateway. */
export interface CountedEpoch {
  readonly epoch: Id;
  readonly amounts: readonly number[];
}

export interface EpochTotals {
  /** The sums over all epochs. */
  readonly totals: readonly number[];
  /** The epochs reported most recently. */
  readonly epochs: readonly CountedEpoch[];
}

export const nothingCounted: EpochTotals = { totals: [], epochs: [] };

/** A gateway repeats only its most recent reports, so older epochs need not be kept. */
const epochsKept = 8;

/** Adds the growth of an epoch. Epochs only grow, so a repeated or late report adds nothing. */
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

/** Combines two lists element by element; missing elements of the shorter list count as 0. */
function byPlace(
  one: readonly number[],
  other: readonly number[],
  combine: (one: number, other: number) => number,
): number[] {
  const length = Math.max(one.length, other.length);
  return Array.from({ length }, (_, place) => combine(one[place] ?? 0, other[place] ?? 0));
}
