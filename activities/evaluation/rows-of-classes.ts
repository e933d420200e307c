import { classKey } from '../../contracts/classes.ts';
import type { Cell } from '../../contracts/data-types.ts';
import type { ClassValue } from '../../contracts/model-version.ts';
import type { EvidenceRows } from '../../ports/model-runtime.ts';
import type { ColumnData } from '../../ports/table-engine.ts';

/** Bounds the line of JSON in which the rows are sent to the inspecting process. */
const mostRows = 1000;
const mostCells = 100_000;

interface Columns {
  readonly features: readonly string[];
  readonly target: string;
  readonly classes: readonly ClassValue[];
}

/**
 * Rows that show which of a model's answers is which class. Takes the same number from each table and cycles through the
 * classes, so that rare classes are included. Skips rows with missing values, because the script may have left them out.
 */
export function rowsOfClasses({ features, target, classes }: Columns, tables: readonly ColumnData[]): EvidenceRows {
  const most = Math.min(mostRows, Math.floor(mostCells / Math.max(1, features.length)));
  const picked = tables.map((table) => ({ table, rows: pickedRows(table, { features, target, classes }, most) }));
  const cells = (name: string): Cell[] =>
    picked.flatMap(({ table, rows }) => rows.map((row) => table.columns[name]?.[row] ?? null));
  return { columns: Object.fromEntries(features.map((name) => [name, cells(name)])), truth: cells(target) };
}

function pickedRows({ columns, rows }: ColumnData, { features, target, classes }: Columns, most: number): number[] {
  const isWhole = (row: number): boolean => features.every((name) => (columns[name]?.[row] ?? null) !== null);
  const each = Math.ceil(most / Math.max(1, classes.length));
  const counts = new Map(classes.map((value) => [classKey(value), 0]));
  const picked: number[] = [];
  for (let row = 0; row < rows && picked.length < most; row += 1) {
    const own = columns[target]?.[row] ?? null;
    const key = own === null ? '' : classKey(own);
    const count = own === null ? undefined : counts.get(key);
    if (count === undefined || count >= each || !isWhole(row)) continue;
    counts.set(key, count + 1);
    picked.push(row);
  }
  return picked;
}
