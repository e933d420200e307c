import { classKey } from '../../../contracts/models/classes.ts';
import { cellIn } from '../../../contracts/data/column-batch.ts';
import type { ColumnBatch } from '../../../contracts/data/column-batch.ts';
import type { ClassValue, Fill } from '../../../contracts/models/signature.ts';
import type { ColumnData } from '../../../ports/table-engine.ts';
import type { StoredColumns } from '../../../ports/stored-columns.ts';
import { rowsAt } from '../../measurement/holdout-rows.ts';
import { enoughEvidence } from './rows-of-classes.ts';
import { withFill } from './take-missing.ts';

interface Columns {
  readonly features: readonly string[];
  readonly target: string;
  readonly classes: readonly ClassValue[];
  /** Replaces missing values; columns without an entry keep them. */
  readonly fill: Readonly<Record<string, Fill>>;
}

/**
 * Returns the first rows of each class, with and without missing values, from which `rowsOfClasses` picks the same rows
 * as from all rows.
 */
export async function evidenceTable(stored: StoredColumns, columns: Columns): Promise<ColumnData> {
  const { features, target, classes, fill } = columns;
  const { each, enough } = enoughEvidence(features.length, classes.length);
  const names = [...new Set([target, ...features])];
  const known = new Set(classes.map(classKey));
  const counts = { whole: new Map<string, number>(), lacking: new Map<string, number>() };
  const rows: number[] = [];
  let first = 0;
  for await (const batch of stored.batches(names)) {
    for (let row = 0; row < batch.rows; row += 1) {
      const truth = cellIn(batch, 0, row);
      const key = truth === null ? '' : classKey(truth);
      if (truth === null || !known.has(key)) continue;
      const isWhole = hasAll(batch, row, names, fill);
      const own = isWhole ? counts.whole : counts.lacking;
      const count = own.get(key) ?? 0;
      if (count >= (isWhole ? each : enough)) continue;
      own.set(key, count + 1);
      rows.push(first + row);
    }
    first += batch.rows;
    if ([...known].every((key) => counts.whole.get(key) === each)) break;
  }
  const table = await rowsAt(stored, names, rows);
  return { ...table, columns: withFill(table.columns, fill) };
}

function hasAll(batch: ColumnBatch, row: number, names: readonly string[], fill: Columns['fill']): boolean {
  return names.every((name, at) => at === 0 || cellIn(batch, at, row) !== null || Object.hasOwn(fill, name));
}
