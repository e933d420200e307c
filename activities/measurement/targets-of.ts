import type { Cell } from '../../contracts/data/data-types.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';

/**
 * Returns the targets of rows that were read with `labelledOnly`.
 *
 * @throws PerennialError `internal` for a row without a target, which would otherwise count as 0.
 */
export function targetsOf(cells: readonly Cell[]): ClassValue[] {
  return cells.map((cell, row) => {
    if (cell !== null) return cell;
    throw new PerennialError('internal', `row ${row} has no target, so it cannot be measured`, { row });
  });
}
