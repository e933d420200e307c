import { cellIn, numbersIn } from '../../contracts/data/column-batch.ts';
import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { ColumnData } from '../../ports/table-engine.ts';
import type { StoredColumns } from '../../ports/stored-columns.ts';

/**
 * Returns the times of all rows in milliseconds since 1970 in UTC; NaN without a time. All are NaN if the rows have no
 * column `_at`.
 */
export async function timesOf(stored: StoredColumns): Promise<Float64Array> {
  const hasTimes = stored.layout.names.includes('_at');
  return hasTimes ? stored.numbers('_at') : new Float64Array(stored.rows).fill(Number.NaN);
}

/** Returns all cells of columns. Equal texts of a batch are one string. A column that is absent has only missing values. */
export async function cellsOfColumns(
  stored: StoredColumns,
  names: readonly string[],
): Promise<Record<string, readonly Cell[]>> {
  const cells = names.map((): Cell[] => []);
  const there = names.filter((name) => stored.layout.names.includes(name));
  for await (const batch of stored.batches(there))
    for (const [at, name] of there.entries())
      for (let row = 0; row < batch.rows; row += 1) cells[names.indexOf(name)]?.push(cellIn(batch, at, row));
  return Object.fromEntries(
    names.map((name, at) => {
      const own = cells[at] ?? [];
      return [name, there.includes(name) ? own : Array<Cell>(stored.rows).fill(null)];
    }),
  );
}

/** Returns some of the rows. */
export async function rowsAt(
  stored: StoredColumns,
  names: readonly string[],
  rows: readonly number[],
): Promise<ColumnData> {
  const cells = names.map((): Cell[] => []);
  let [first, next] = [0, 0];
  for await (const batch of stored.batches(names)) {
    for (; next < rows.length && (rows[next] ?? 0) < first + batch.rows; next += 1)
      for (const [at, own] of cells.entries()) own.push(cellIn(batch, at, (rows[next] ?? 0) - first));
    first += batch.rows;
    if (next === rows.length) break;
  }
  return { rows: next, columns: Object.fromEntries(names.map((name, at) => [name, cells[at] ?? []])) };
}

/** Says of each row whether it was trained on, by its time and the text of its holdout column. */
export async function eachRow(
  stored: StoredColumns,
  key: string | undefined,
  of: (atMs: number, key: string | null) => boolean,
): Promise<boolean[]> {
  const hasTimes = stored.layout.names.includes('_at');
  const names = [...(hasTimes ? ['_at'] : []), ...(key === undefined ? [] : [key])];
  if (names.length === 0) return Array.from({ length: stored.rows }, () => of(Number.NaN, null));
  const said: boolean[] = [];
  for await (const batch of stored.batches(names)) {
    const times = hasTimes ? numbersIn(batch, 0) : null;
    for (let row = 0; row < batch.rows; row += 1)
      said.push(of(times?.[row] ?? Number.NaN, key === undefined ? null : textAt(batch, names.length - 1, row)));
  }
  return said;
}

function textAt(batch: ColumnBatch, column: number, row: number): string | null {
  const cell = cellIn(batch, column, row);
  return cell === null ? null : String(cell);
}
