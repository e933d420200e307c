import { isDeepStrictEqual } from 'node:util';
import type { Cell, Column } from '../../contracts/data/data-types.ts';
import type { ColumnProfile, DatasetProfile } from '../../contracts/data/dataset-version.ts';
import type { ColumnPiece, PartFacts } from '../../contracts/data/part-summary.ts';

interface LastVersion {
  readonly number: number;
  readonly columns: readonly Column[];
  readonly profile: DatasetProfile | null;
}

/** Datasets of fewer rows are always profiled in full, because that takes less than a second. */
const fewRows = 100_000;
/** Share of the rows that may have changed since every row was last profiled. */
const changedAtMost = 0.1;

/**
 * Returns the profile of a version that has the rows of the last version and more, from the facts of its parts. Counts,
 * missing values, minimum, maximum, mean and standard deviation cover all rows; the rest is that of the last version in
 * which every row was profiled. Returns null if every row must be profiled: there is no such version, the columns have
 * changed, the dataset is small, or more than a tenth of its rows were added or replaced since then.
 */
export function mergeProfile(
  last: LastVersion | undefined,
  columns: readonly Column[],
  { facts, rowsChanged }: { readonly facts: readonly (PartFacts | undefined)[]; readonly rowsChanged: number },
): DatasetProfile | null {
  const profile = last?.profile ?? null;
  if (last === undefined || profile === null) return null;
  const typesOf = (given: readonly Column[]) => given.map(({ name, type }) => ({ name, type }));
  if (!isDeepStrictEqual(typesOf(columns), typesOf(last.columns))) return null;
  const { number, rowsChangedSince } = profile.asOf ?? { number: last.number, rowsChangedSince: 0 };
  const asOf = { number, rowsChangedSince: rowsChangedSince + rowsChanged };
  const merged: ColumnProfile[] = [];
  for (const { name, type } of columns) {
    const before = profile.columns.find((column) => column.name === name);
    const pieces = facts.map((part) => part?.pieces.find((piece) => piece.name === name));
    if (before === undefined || pieces.some((piece) => piece === undefined)) return null;
    const column = mergeColumn(
      before,
      pieces.flatMap((piece) => piece ?? []),
      type,
    );
    if (column === null || column.count < fewRows || asOf.rowsChangedSince > column.count * changedAtMost) return null;
    merged.push(column);
  }
  return { schemaVersion: 1, columns: merged, asOf };
}

/** Returns null if a piece lacks its moments. */
function mergeColumn(
  before: ColumnProfile,
  pieces: readonly ColumnPiece[],
  type: Column['type'],
): ColumnProfile | null {
  const [count, nulls] = [sum(pieces.map((piece) => piece.count)), sum(pieces.map((piece) => piece.nulls))];
  const filled = pieces.filter((piece) => piece.count > piece.nulls);
  const values = count - nulls;
  const isNumber = type === 'integer' || type === 'number';
  const hasMean = isNumber || type === 'boolean';
  if (hasMean && filled.some(({ mean, squares }) => mean === null || (isNumber && squares === null))) return null;
  const mean =
    hasMean && values > 0
      ? sum(filled.map((piece) => ((piece.count - piece.nulls) / values) * (piece.mean ?? 0)))
      : null;
  // The squares about the common mean, after Chan, Golub and LeVeque (1983).
  const squares = sum(
    filled.map((piece) => (piece.squares ?? 0) + (piece.count - piece.nulls) * ((piece.mean ?? 0) - (mean ?? 0)) ** 2),
  );
  const deviation = isNumber && values > 1 ? Math.sqrt(squares / (values - 1)) : null;
  return {
    ...before,
    count,
    nulls,
    min: extreme(filled, ({ min }) => min, type, -1),
    max: extreme(filled, ({ max }) => max, type, 1),
    mean,
    standardDeviation: deviation,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function extreme(
  pieces: readonly ColumnPiece[],
  of: (piece: ColumnPiece) => Cell,
  type: Column['type'],
  sign: 1 | -1,
): Cell {
  return pieces.reduce<Cell>((most, piece) => {
    const cell = of(piece);
    return most === null || (cell !== null && order(cell, most, type) * sign > 0) ? cell : most;
  }, null);
}

function order(one: Cell, other: Cell, type: Column['type']): number {
  if (type === 'integer') return Number(BigInt(String(one)) - BigInt(String(other)));
  if (type === 'number' || type === 'boolean') return Number(one) - Number(other);
  return Buffer.compare(Buffer.from(String(one)), Buffer.from(String(other)));
}
