import { cellIn } from '../../contracts/data/column-batch.ts';
import type { StoredColumns } from '../../ports/stored-columns.ts';
import { numberOfCell } from './column-values.ts';

/** Returns the numbers of a stored column in ascending order, as `presentNumbers` does. One column is in memory at once. */
export async function sortedNumbers(stored: StoredColumns, name: string): Promise<Float64Array> {
  const isText = stored.layout.kinds[stored.layout.names.indexOf(name)] === 'text';
  const numbers = isText ? await numbersOfTexts(stored, name) : await stored.numbers(name);
  let present = 0;
  for (const value of numbers) {
    if (Number.isNaN(value)) continue;
    numbers[present] = Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, value));
    present += 1;
  }
  return numbers.subarray(0, present).sort();
}

async function numbersOfTexts(stored: StoredColumns, name: string): Promise<Float64Array> {
  const numbers = new Float64Array(stored.rows);
  let first = 0;
  for await (const batch of stored.batches([name])) {
    for (let row = 0; row < batch.rows; row += 1) numbers[first + row] = numberOfCell(cellIn(batch, 0, row));
    first += batch.rows;
  }
  return numbers;
}
