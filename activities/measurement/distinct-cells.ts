import { cellIn } from '../../contracts/data/column-batch.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { StoredColumns } from '../../ports/stored-columns.ts';

/** Returns each value of a stored column once. */
export async function distinctCells(stored: StoredColumns, name: string): Promise<Cell[]> {
  const cells = new Set<Cell>();
  for await (const batch of stored.batches([name]))
    for (let row = 0; row < batch.rows; row += 1) cells.add(cellIn(batch, 0, row));
  return [...cells];
}
