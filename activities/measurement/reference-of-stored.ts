import { cellIn, textsIn } from '../../contracts/data/column-batch.ts';
import type { ColumnReference } from '../../contracts/models/model-version.ts';
import type { Fill } from '../../contracts/models/signature.ts';
import type { StoredColumns } from '../../ports/stored-columns.ts';
import { categoricalReference, numericReference } from './reference-of.ts';
import { sortedNumbers } from './sorted-numbers.ts';
import { areCodes } from './whole-number-codes.ts';

/** Rows of a column that had no value before `data.fill`. */
export interface FilledRows {
  readonly value: Fill;
  readonly rows: number;
}

/**
 * Returns the distribution of a stored column, as `referenceOf` does for cells. As many of the values that equal the fill
 * count as missing as were missing before it.
 */
export async function referenceOfStored(
  stored: StoredColumns,
  name: string,
  kind?: ColumnReference['kind'],
  filled?: FilledRows,
): Promise<ColumnReference> {
  const chosen = kind ?? (await kindOfStored(stored, name, filled));
  return chosen === 'numeric' ? numericColumn(stored, name, filled) : categories(stored, name, filled);
}

/** A column with more distinct numbers has no codes. */
const mostKept = 100;

async function kindOfStored(
  stored: StoredColumns,
  name: string,
  filled: FilledRows | undefined,
): Promise<ColumnReference['kind']> {
  const numbers = new Set<number>();
  const fill = filled === undefined ? undefined : String(filled.value);
  let left = filled?.rows ?? 0;
  for await (const batch of stored.batches([name]))
    for (let row = 0; row < batch.rows; row += 1) {
      const cell = cellIn(batch, 0, row);
      if (cell === null) continue;
      if (left > 0 && String(cell) === fill) {
        left -= 1;
        continue;
      }
      if (typeof cell !== 'number') return 'categorical';
      if (!Number.isInteger(cell)) return 'numeric';
      if (numbers.size <= mostKept) numbers.add(cell);
    }
  return areCodes(numbers) ? 'categorical' : 'numeric';
}

async function numericColumn(
  stored: StoredColumns,
  name: string,
  filled: FilledRows | undefined,
): Promise<ColumnReference> {
  const sorted = await sortedNumbers(stored, name);
  return numericReference(name, filled === undefined ? sorted : without(sorted, filled), stored.rows);
}

/** Leaves out as many of the values that equal the fill as were filled. */
function without(sorted: Float64Array, { value, rows }: FilledRows): Float64Array {
  const fill = Number(value);
  const from = sorted.indexOf(fill);
  if (from === -1) return sorted;
  let to = from;
  while (to < sorted.length && sorted[to] === fill && to - from < rows) to += 1;
  sorted.copyWithin(from, to);
  return sorted.subarray(0, sorted.length - (to - from));
}

async function categories(
  stored: StoredColumns,
  name: string,
  filled: FilledRows | undefined,
): Promise<ColumnReference> {
  const counts = new Map<string, number>();
  const add = (category: string, rows: number): void => void counts.set(category, (counts.get(category) ?? 0) + rows);
  for await (const batch of stored.batches([name])) {
    if (batch.layout.kinds[0] === 'text') {
      const { codes, texts } = textsIn(batch, 0);
      const rows = new Int32Array(texts.length);
      for (const code of codes) if (code >= 0) rows[code] = (rows[code] ?? 0) + 1;
      for (const [code, text] of texts.entries()) add(text, rows[code] ?? 0);
    } else
      for (let row = 0; row < batch.rows; row += 1) {
        const cell = cellIn(batch, 0, row);
        if (cell !== null) add(String(cell), 1);
      }
  }
  if (filled !== undefined) {
    const category = String(filled.value);
    const left = (counts.get(category) ?? 0) - filled.rows;
    if (left > 0) counts.set(category, left);
    else counts.delete(category);
  }
  return categoricalReference(name, counts, stored.rows);
}

/** Returns the names of the columns that lack a value in some row. */
export async function columnsThatMiss(stored: StoredColumns, names: readonly string[]): Promise<Set<string>> {
  const missing = new Set<string>();
  for await (const batch of stored.batches(names))
    for (const [at, name] of names.entries())
      for (let row = 0; row < batch.rows && !missing.has(name); row += 1)
        if (cellIn(batch, at, row) === null) missing.add(name);
  return missing;
}
