import { PerennialError } from '../../contracts/errors.ts';
import type { Page, PageRequest } from '../../contracts/identifiers.ts';
import { Id } from '../../contracts/identifiers.ts';

// Lists are read newest first and go on below the last key that was seen, so that rows added meanwhile move nothing.

type Key = readonly (string | number)[];

function unusable(): PerennialError {
  return new PerennialError(
    'invalid-request',
    'the cursor is not one that this list gave; leave it out to begin at the first page',
    { parameter: 'cursor' },
  );
}

export function encodeCursor(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** The key within a cursor; undefined on the first page. */
export function decodeCursor(cursor: string | undefined): Key | undefined {
  if (cursor === undefined) return undefined;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(key) && key.every((part) => typeof part === 'string' || typeof part === 'number')) return key;
  } catch {
    // Said below.
  }
  throw unusable();
}

/** Of a list ordered by `id desc`: only rows below this id. */
export function belowId(page: PageRequest): Id | undefined {
  const key = decodeCursor(page.cursor);
  if (key === undefined) return undefined;
  const id = Id.safeParse(key[0]);
  if (!id.success || key.length !== 1) throw unusable();
  return id.data;
}

/** Of a list ordered by `number desc`: only rows below this number. */
export function belowNumber(page: PageRequest): number | undefined {
  const key = decodeCursor(page.cursor);
  if (key === undefined) return undefined;
  const [number] = key;
  if (key.length !== 1 || typeof number !== 'number' || !Number.isSafeInteger(number)) throw unusable();
  return number;
}

/** Of a list with a key of its own kind; the caller has `decodeCursor` and refuses with this. */
export const unusableCursor = unusable;

/** Makes a page of rows that were read with `limit + 1`. */
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
