import type { Cell } from '../../contracts/data/data-types.ts';

/**
 * Returns the numbers of a column in ascending order. Booleans count as 0 and 1. Whole numbers beyond 2^53 arrive as
 * text and are rounded. Infinities become the greatest finite number of the same sign.
 */
export function presentNumbers(cells: readonly Cell[]): Float64Array {
  const numbers = Float64Array.from(cells, numberOfCell);
  return numbers
    .filter((number) => !Number.isNaN(number))
    .map((number) => Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, number)))
    .sort();
}

/** Returns a cell as a number; NaN if it is missing or no number. */
export function numberOfCell(cell: Cell): number {
  return cell === null || (typeof cell === 'string' && cell.trim() === '') ? Number.NaN : Number(cell);
}

/** Returns how often each category occurs, by its text. */
export function categoryCounts(cells: readonly Cell[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const cell of cells) {
    if (cell === null || Number.isNaN(cell)) continue;
    const category = String(cell);
    counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  return counts;
}
