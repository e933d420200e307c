import { join } from 'node:path';
import { cellIn, numbersIn } from '../../contracts/data/column-batch.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { ReadServed } from '../../ports/served-window.ts';
import type { TableEngine } from '../../ports/table-engine.ts';

/** Reads all rows of a window as cells, in the order of their events. */
export async function servedRows(
  engine: TableEngine,
  request: Pick<ReadServed, 'segments' | 'from' | 'to' | 'features'> & { readonly folder: string },
) {
  const { folder, ...asked } = request;
  const served = await engine.readServed({ ...asked, path: join(folder, 'served.columns') });
  const { stored, releases, width } = served;
  const rows: Record<string, Cell | (number | undefined)[]>[] = [];
  for await (const batch of stored.batches())
    for (let row = 0; row < batch.rows; row += 1) {
      const cells = Object.fromEntries(batch.layout.names.map((name, column) => [name, cellIn(batch, column, row)]));
      const release = releases[numbersIn(batch, 2)[row]!];
      const count = Number(cells['shares'] ?? 0);
      const shares = Array.from({ length: Math.min(count, width) }, (_, place) => Number(cells[`share ${place}`]));
      rows.push({
        id: cells['id']!,
        at: cells['at']!,
        prediction: cells['prediction']!,
        release: release?.release ?? null,
        modelVersion: release?.modelVersion ?? null,
        probabilities: count === 0 ? null : shares,
        ...Object.fromEntries((request.features ?? []).map((name) => [name, cells[`feature ${name}`] ?? null])),
      });
    }
  const ordered = rows.toSorted(
    (a, b) => Number(a['at']) - Number(b['at']) || (String(a['id']) < String(b['id']) ? -1 : 1),
  );
  const column = (name: string) => ordered.map((row) => row[name]);
  return {
    rows: served.rows,
    repeatedIds: served.repeatedIds,
    ids: column('id'),
    eventTimesMs: column('at'),
    predictions: column('prediction'),
    releases: column('release'),
    modelVersions: column('modelVersion'),
    probabilities: column('probabilities'),
    features: Object.fromEntries((request.features ?? []).map((name) => [name, column(name)])),
  };
}
