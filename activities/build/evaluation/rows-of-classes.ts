import { classKey } from '../../../contracts/models/classes.ts';
import type { Cell } from '../../../contracts/data/data-types.ts';
import type { ClassValue } from '../../../contracts/models/signature.ts';
import type { EvidenceRows } from '../../../ports/model-format.ts';
import type { ColumnData } from '../../../ports/table-engine.ts';

/** Bound the size of the JSON line that sends the rows to the inspecting process. */
const mostRows = 1000;
const mostCells = 100_000;

/** This many rows per class suffice to tell which answer belongs to the class. */
const enoughRows = 200;

interface Columns {
  readonly features: readonly string[];
  readonly target: string;
  readonly classes: readonly ClassValue[];
}

/** Number of rows picked so far per class, by class key. */
type Counts = Map<string, number>;

interface Picked {
  readonly table: ColumnData;
  readonly rows: readonly number[];
}

/** Returns how many rows are picked in all, how many of a class, and how many of a class suffice. */
export function enoughEvidence(
  features: number,
  classes: number,
): { readonly most: number; readonly each: number; readonly enough: number } {
  const most = Math.min(mostRows, Math.floor(mostCells / Math.max(1, features)));
  const each = Math.ceil(most / Math.max(1, classes));
  return { most, each, enough: Math.min(each, enoughRows) };
}

/**
 * Picks rows that show which of a model's answers belongs to which class. Picks equally from each table and each class,
 * so that rare classes are included. Rows with a value for every feature are preferred. Rows with missing values are
 * weaker evidence, because the training script may have dropped them; they are added only for classes that have too few
 * complete rows.
 */
export function rowsOfClasses({ features, target, classes }: Columns, tables: readonly ColumnData[]): EvidenceRows {
  const { most, each, enough } = enoughEvidence(features.length, classes.length);
  const isWhole = ({ columns }: ColumnData, row: number): boolean =>
    features.every((name) => (columns[name]?.[row] ?? null) !== null);
  const counts: Counts = new Map(classes.map((value) => [classKey(value), 0]));
  const whole = tables.map((table) => {
    const own: Counts = new Map(Array.from(counts.keys(), (key) => [key, 0]));
    const rows = pickedRows(table, target, own, { each, most, isPicked: (row) => isWhole(table, row) });
    for (const [key, count] of own) counts.set(key, (counts.get(key) ?? 0) + count);
    return { table, rows };
  });
  const lacking = tables.map((table) => ({
    table,
    rows: pickedRows(table, target, counts, { each: enough, most, isPicked: (row) => !isWhole(table, row) }),
  }));
  const picked: Picked[] = [...whole, ...lacking];
  const cells = (name: string): Cell[] =>
    picked.flatMap(({ table, rows }) => rows.map((row) => table.columns[name]?.[row] ?? null));
  return { columns: Object.fromEntries(features.map((name) => [name, cells(name)])), truth: cells(target) };
}

interface Wanted {
  /** Upper bounds per class and in total. */
  readonly each: number;
  readonly most: number;
  readonly isPicked: (row: number) => boolean;
}

/** Picks rows, and adds them to the counts. */
function pickedRows(
  { columns, rows }: ColumnData,
  target: string,
  counts: Counts,
  { each, most, isPicked }: Wanted,
): number[] {
  const picked: number[] = [];
  for (let row = 0; row < rows && picked.length < most; row += 1) {
    const own = columns[target]?.[row] ?? null;
    const key = own === null ? '' : classKey(own);
    const count = own === null ? undefined : counts.get(key);
    if (count === undefined || count >= each || !isPicked(row)) continue;
    counts.set(key, count + 1);
    picked.push(row);
  }
  return picked;
}
