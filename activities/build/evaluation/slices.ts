import type { Cell } from '../../../contracts/data/data-types.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { MeasuredRows } from './measured-rows.ts';

/** A column with more values is probably a key, and an evaluation with so many slices could not be read. */
const mostSlices = 1000;

interface Slice {
  readonly column: string;
  readonly value: string;
  readonly rows: readonly number[];
}

/**
 * Returns the rows of each distinct value of a column, in numeric order or, if the column has text, in alphabetical
 * order. Missing values form the slice `null`.
 */
export function slicesBy(column: string, { slices }: Pick<MeasuredRows, 'slices'>): Slice[] {
  const cells = slices[column];
  if (cells === undefined) {
    throw new PerennialError(
      'invalid-configuration',
      `a gate slices by "${column}", which is not a column of the dataset`,
      { column },
    );
  }
  const rowsOf = new Map<string, number[]>();
  for (const [row, cell] of cells.entries()) {
    const value = String(cell);
    const rows = rowsOf.get(value);
    if (rows) rows.push(row);
    else rowsOf.set(value, [row]);
  }
  if (rowsOf.size > mostSlices) {
    throw new PerennialError(
      'invalid-configuration',
      `a gate slices by "${column}", which has ${rowsOf.size} values; slice by a column with at most ${mostSlices}`,
      { column, values: rowsOf.size },
    );
  }
  const kinds = new Set(cells.map((cell: Cell) => typeof cell));
  const order = kinds.has('string') ? byText : byNumber;
  return [...rowsOf].map(([value, rows]) => ({ column, value, rows })).toSorted((a, b) => order(a.value, b.value));
}

function byNumber(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? byText(a, b) : x - y;
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
