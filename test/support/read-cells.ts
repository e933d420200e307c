import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cellIn } from '../../contracts/data/column-batch.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { ColumnData, TableEngine } from '../../ports/table-engine.ts';

/** Returns all cells of stored columns. Instants of `_at` are milliseconds since 1970. */
export async function readCells(
  engine: TableEngine,
  request: Omit<Parameters<TableEngine['storeColumns']>[0], 'path'>,
): Promise<ColumnData> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-cells-'));
  try {
    const stored = await engine.storeColumns({ ...request, path: join(folder, 'rows.columns') });
    const columns: Record<string, Cell[]> = Object.fromEntries(stored.layout.names.map((name) => [name, []]));
    for await (const batch of stored.batches())
      for (const [at, name] of batch.layout.names.entries())
        for (let row = 0; row < batch.rows; row += 1) columns[name]?.push(cellIn(batch, at, row));
    return { rows: stored.rows, columns };
  } finally {
    await rm(folder, { recursive: true });
  }
}
