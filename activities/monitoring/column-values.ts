import type { Cell } from '../../contracts/data-types.ts';

/** The finite numbers of a column, ascending. Booleans count as 0 and 1; whole numbers beyond 2^53, which travel as text, are rounded. */
export function presentNumbers(cells: readonly Cell[]): Float64Array {
  const numbers = cells.filter((cell) => cell !== null && cell !== '').map(Number);
  return Float64Array.from(numbers.filter(Number.isFinite)).sort();
}

/** How often each category occurs, by its text. */
export function categoryCounts(cells: readonly Cell[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const cell of cells) {
    if (cell === null || Number.isNaN(cell)) continue;
    const category = String(cell);
    counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  return counts;
}
