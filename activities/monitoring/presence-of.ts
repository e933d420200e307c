import type { Cell } from '../../contracts/data/data-types.ts';
import type { ColumnReference } from '../../contracts/models/model-version.ts';
import type { Presence } from '../../statistics/drift/missing-change.ts';
import { categoryCounts, presentNumbers } from '../measurement/column-values.ts';

/** Increase of the share of missing values that is a finding if the configuration has no `quality.missing`. */
export const defaultMissingRise = 0.1;

/** Returns, for the reference and for the window, the number of rows with a value of the column and without one. */
export function presenceOf(
  reference: ColumnReference,
  cells: readonly Cell[],
): { readonly before: Presence; readonly now: Presence } {
  const present = presentIn(reference, cells);
  return { before: [reference.count, missingIn(reference)], now: [present, cells.length - present] };
}

/**
 * References that older releases of Perennial stored do not count missing values. In one without any value, all were
 * missing.
 */
function missingIn({ count, missing }: ColumnReference): number {
  return missing ?? (count === 0 ? 1 : 0);
}

function presentIn({ kind }: ColumnReference, cells: readonly Cell[]): number {
  if (kind === 'numeric') return presentNumbers(cells).length;
  return [...categoryCounts(cells).values()].reduce((sum, rows) => sum + rows, 0);
}
