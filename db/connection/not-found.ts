import type { ErrorFields } from '../../contracts/errors.ts';
import { PerennialError } from '../../contracts/errors.ts';

/** The row, or `not-found` with this message: what was named, that it is absent, and the way out. */
export function found<Row>(row: Row | undefined, message: string, fields: ErrorFields): Row {
  if (row === undefined) throw new PerennialError('not-found', message, fields);
  return row;
}

/** A row that the same transaction wrote or locked; its absence is a defect. */
export function written<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Error('the database answered no row to a statement that always has one');
  return row;
}
