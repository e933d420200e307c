/** Blocks of rows that belong together and are drawn together, e.g. the hours of a day. */
export interface Blocks {
  readonly count: number;
  /** The block of each row, 0 to `count − 1`. */
  readonly ofRow: Int32Array;
}

/**
 * Numbers the blocks in the order of their first rows.
 *
 * @param ids the block of each row, by any name.
 */
export function blocksOf(ids: ArrayLike<string | number>): Blocks {
  if (ids instanceof Int32Array) return blocksOfNumbers(ids);
  const numbers = new Map<string | number, number>();
  const ofRow = Int32Array.from(ids, (id) => {
    const number = numbers.get(id) ?? numbers.size;
    numbers.set(id, number);
    return number;
  });
  return { count: numbers.size, ofRow };
}

/** A map of millions of rows that are blocks of their own would take hundreds of megabytes. */
function blocksOfNumbers(ids: Int32Array): Blocks {
  const least = ids.reduce((a, b) => Math.min(a, b), Infinity);
  const greatest = ids.reduce((a, b) => Math.max(a, b), -Infinity);
  const numbers = new Int32Array(ids.length === 0 ? 0 : greatest - least + 1).fill(-1);
  let count = 0;
  const ofRow = ids.map((id) => {
    const known = numbers[id - least] ?? -1;
    if (known >= 0) return known;
    numbers[id - least] = count;
    count += 1;
    return count - 1;
  });
  return { count, ofRow };
}

/** Computes a metric on a resample. `drawn` says how many times each block was drawn; at least one must have been. */
export type BlockMetric = (drawn: Uint32Array) => number;

export function sumByBlock(blocks: Blocks, of: (row: number) => number): Float64Array {
  const sums = new Float64Array(blocks.count);
  blocks.ofRow.forEach((block, row) => {
    sums[block] = (sums[block] ?? 0) + of(row);
  });
  return sums;
}

export function weightedSum(sums: Float64Array, drawn: Uint32Array): number {
  let total = 0;
  for (let block = 0; block < sums.length; block += 1) total += (sums[block] ?? 0) * (drawn[block] ?? 0);
  return total;
}
