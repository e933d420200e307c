import type { ColumnReference } from '../../contracts/models/model-version.ts';
import type { Presence } from '../../statistics/drift/missing-change.ts';
import type { CountedColumn } from '../measurement/counted-column.ts';
import { presentIn } from '../measurement/counted-column.ts';

/** Increase of the share of missing values that is a finding if the configuration has no `quality.missing`. */
export const defaultMissingRise = 0.1;

/** Returns, for the reference and for the window, the number of rows with a value of the column and without one. */
export function presenceOf(
  reference: ColumnReference,
  served: CountedColumn,
): { readonly before: Presence; readonly now: Presence } {
  const present = presentIn(served);
  return { before: [reference.count, missingIn(reference)], now: [present, served.rows - present] };
}

/**
 * References that older releases of Perennial stored do not count missing values. In one without any value, all were
 * missing.
 */
function missingIn({ count, missing }: ColumnReference): number {
  return missing ?? (count === 0 ? 1 : 0);
}
