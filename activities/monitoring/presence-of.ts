import type { Cell } from '../../contracts/data/data-types.ts';
import type { ColumnReference } from '../../contracts/models/model-version.ts';
import type { Presence } from '../../statistics/drift/missing-change.ts';
import { categoryCounts, presentNumbers } from '../measurement/column-values.ts';

/** Without `quality.missing` in the configuration, such a rise of the share of missing values is a finding. */
export const defaultMissingRise = 0.1;

/** How many rows of both sides have a value of the column, and how many have none. */
export function presenceOf(
  reference: ColumnReference,
  cells: readonly Cell[],
): { readonly before: Presence; readonly now: Presence } {
  const present = presentIn(reference, cells);
  return { before: [reference.count, missingIn(reference)], now: [present, cells.length - present] };
}

/** References of before did not count missing values; one without any value had them all missing. */
function missingIn({ count, missing }: ColumnReference): number {
  return missing ?? (count === 0 ? 1 : 0);
}

function presentIn({ kind }: ColumnReference, cells: readonly Cell[]): number {
  if (kind === 'numeric') return presentNumbers(cells).length;
  return [...categoryCounts(cells).values()].reduce((sum, rows) => sum + rows, 0);
}
