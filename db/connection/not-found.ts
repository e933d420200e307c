import type { ErrorFields } from '../../contracts/errors.ts';
import { PerennialError } from '../../contracts/errors.ts';

/** Returns the row, or throws `not-found` with this message, which names the missing thing and says what to do. */
export function found<Row>(row: Row | undefined, message: string, fields: ErrorFields): Row {
  if (row === undefined) throw new PerennialError('not-found', message, fields);
  return row;
}

/** Returns a row that the same transaction wrote or locked. A missing row is a defect. */
export function written<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Error('the database returned no row for a statement that always returns one');
  return row;
}
