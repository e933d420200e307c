import type { Uniform } from '../probability/hypergeometric.ts';
import { drawHypergeometric } from '../probability/hypergeometric.ts';

/** Drawing this many rows takes about as long as one draw from the distribution of a bin's count. */
const rowsPerBin = 6;

/**
 * Returns a function that reassigns the rows of both samples at random, with the sizes of the samples unchanged. The
 * counts are then those of samples from one distribution. Each call fills `before` and `now` with the counts of one
 * reassignment.
 *
 * @param counts counts of both samples together, by bin.
 * @param current number of rows of the current sample.
 */
export function permutedCounts(
  counts: readonly number[],
  current: number,
  uniform: Uniform,
): (before: number[], now: number[]) => void {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const drawn = Math.min(current, all - current);
  const deal =
    drawn <= counts.length * rowsPerBin ? byRow(counts, all, drawn, uniform) : byBin(counts, all, drawn, uniform);
  return (before, now) => {
    const [less, more] = current === drawn ? [now, before] : [before, now];
    deal(less);
    for (let bin = 0; bin < counts.length; bin += 1) more[bin] = (counts[bin] ?? 0) - (less[bin] ?? 0);
  };
}

type Deal = (into: number[]) => void;

/**
 * Takes the first rows of a shuffle. Each call shuffles the order that the previous call left, because a shuffle of any
 * order is uniform.
 */
function byRow(counts: readonly number[], all: number, drawn: number, uniform: Uniform): Deal {
  const binOfRow = new Uint32Array(all);
  let from = 0;
  for (const [bin, count] of counts.entries()) {
    binOfRow.fill(bin, from, from + count);
    from += count;
  }
  return (into) => {
    into.fill(0);
    for (let row = 0; row < drawn; row += 1) {
      const other = row + Math.floor(uniform() * (all - row));
      const bin = binOfRow[other] ?? 0;
      binOfRow[other] = binOfRow[row] ?? 0;
      binOfRow[row] = bin;
      into[bin] = (into[bin] ?? 0) + 1;
    }
  };
}

/** Draws the count of one bin after another, each conditional on the counts of the bins before it. */
function byBin(counts: readonly number[], all: number, drawn: number, uniform: Uniform): Deal {
  return (into) => {
    let [left, wanted] = [all, drawn];
    for (let bin = 0; bin < counts.length; bin += 1) {
      const count = counts[bin] ?? 0;
      left -= count;
      const taken = wanted === 0 ? 0 : drawHypergeometric(count, left, wanted, uniform);
      into[bin] = taken;
      wanted -= taken;
    }
  };
}
