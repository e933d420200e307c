import { PerennialError } from '../../contracts/errors.ts';
import type { Page, PageRequest } from '../../contracts/identifiers.ts';
import { Id } from '../../contracts/identifiers.ts';

// Lists are read newest first. A next page starts below the last key seen, so that rows added meanwhile shift nothing.

type Key = readonly (string | number)[];

function unusable(): PerennialError {
  return new PerennialError(
    'invalid-request',
    'the cursor does not come from an earlier page of this list; leave it out to begin at the first page',
    { parameter: 'cursor' },
  );
}

export function encodeCursor(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** Returns the key in a cursor; `undefined` for the first page. */
export function decodeCursor(cursor: string | undefined): Key | undefined {
  if (cursor === undefined) return undefined;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(key) && key.every((part) => typeof part === 'string' || typeof part === 'number')) return key;
  } catch {
    // The throw below reports it.
  }
  throw unusable();
}

/** Returns the id below which the page starts, for a list ordered by `id desc`. */
export function belowId(page: PageRequest): Id | undefined {
  const key = decodeCursor(page.cursor);
  if (key === undefined) return undefined;
  const id = Id.safeParse(key[0]);
  if (!id.success || key.length !== 1) throw unusable();
  return id.data;
}

/** Returns the number below which the page starts, for a list ordered by `number desc`. */
export function belowNumber(page: PageRequest): number | undefined {
  const key = decodeCursor(page.cursor);
  if (key === undefined) return undefined;
  const [number] = key;
  if (key.length !== 1 || typeof number !== 'number' || !Number.isSafeInteger(number)) throw unusable();
  return number;
}

/** Creates the error for an invalid cursor of a list that decodes its own key with `decodeCursor`. */
export const unusableCursor = unusable;

/** Builds a page from rows that were read with a limit of `limit + 1`. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  page: PageRequest,
  keyOf: (row: Row) => string | number | Key,
  itemOf: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  const items = shown.map(itemOf);
  if (rows.length <= page.limit || last === undefined) return { items };
  const key = keyOf(last);
  return { items, next: encodeCursor(typeof key === 'object' ? key : [key]) };
}
