import type { ColumnBatch, StoredKind, TextColumn } from '../data/column-batch.ts';
import { layoutOf, TextColumnWriter } from '../data/column-batch.ts';
import type { Cell } from '../data/data-types.ts';
import { holds } from '../data/integer-range.ts';
import { PerennialError } from '../errors.ts';
import type { SignatureInput, TensorType } from './signature.ts';

/** One array per feature. */
export type CellColumns = Readonly<Record<string, readonly Cell[]>>;

const kindOfType: Readonly<Record<TensorType, StoredKind>> = {
  FP32: 'number',
  FP64: 'number',
  INT64: 'number',
  BOOL: 'boolean',
  BYTES: 'text',
};

export function kindOf({ type }: Pick<SignatureInput, 'type'>): StoredKind {
  return kindOfType[type];
}

const expected: Readonly<Record<TensorType, string>> = {
  FP32: 'a number',
  FP64: 'a number',
  INT64: 'an integer',
  BOOL: 'true or false',
  BYTES: 'a string',
};

/** The table engine's spelling of NaN. */
const notANumber = 'NaN';

/**
 * Returns the features as a batch whose columns have the order of `inputs`. Throws `prediction-invalid` for a feature
 * that is absent, or has a value of another type than the model takes.
 */
export function batchOfCells(inputs: readonly SignatureInput[], features: CellColumns, rows: number): ColumnBatch {
  const columns = inputs.map((input) => ({ input, cells: columnOf(features, input.name, rows) }));
  const kinds = columns.map(({ input, cells }) => kindOfCells(input, cells));
  const layout = layoutOf(
    inputs.map(({ name }) => name),
    kinds,
  );
  const numbers = new Float64Array(layout.numbers * rows);
  const texts: TextColumn[] = [];
  for (const [at, { input, cells }] of columns.entries()) {
    if (kinds[at] === 'text') texts.push(textsOf(input, cells));
    else fillNumbers(input, cells, numbers.subarray((layout.places[at] ?? 0) * rows));
  }
  return { layout, rows, numbers, texts };
}

function columnOf(features: CellColumns, name: string, rows: number): readonly Cell[] {
  const column = Object.hasOwn(features, name) ? features[name] : undefined;
  if (column?.length === rows) return column;
  throw new PerennialError(
    'prediction-invalid',
    `feature "${name}" has ${column?.length ?? 'no'} rows, but predictions for ${rows} rows are wanted`,
    { feature: name },
  );
}

/** Integers beyond 2^53 arrive as text, which holds all of them exactly. */
function kindOfCells(input: SignatureInput, cells: readonly Cell[]): StoredKind {
  const isLong = input.type === 'INT64' && cells.some((cell) => typeof cell === 'string' && cell !== notANumber);
  return isLong ? 'text' : kindOf(input);
}

function textsOf(input: SignatureInput, cells: readonly Cell[]): TextColumn {
  const writer = new TextColumnWriter(cells.length);
  for (const [row, cell] of cells.entries()) {
    if (cell === null) continue;
    const text = typeof cell === 'string' ? cell : input.type === 'INT64' ? String(Number(cell)) : undefined;
    if (text === undefined) throw wrongCell(input, row, cell);
    writer.set(row, text);
  }
  return writer.column;
}

function fillNumbers(input: SignatureInput, cells: readonly Cell[], into: Float64Array): void {
  for (let row = 0; row < cells.length; row += 1) {
    const cell = cells[row] ?? null;
    const value = numberOf(input, cell);
    if (value === undefined) throw wrongCell(input, row, cell);
    into[row] = value;
  }
}

/** Returns NaN for a missing value, as in training, and undefined for a value of another type. */
function numberOf({ type, integer }: SignatureInput, cell: Cell): number | undefined {
  if (cell === null || cell === notANumber) return Number.NaN;
  const number = typeof cell === 'boolean' ? Number(cell) : cell;
  if (typeof number !== 'number') return undefined;
  if (type === 'BOOL') return number === 0 || number === 1 ? number : undefined;
  if (type === 'INT64') return Number.isSafeInteger(number) && holds(integer, BigInt(number)) ? number : undefined;
  return number;
}

/** Creates the error for a value that the model cannot take. */
export function wrongCell(
  { name: feature, type, integer }: Pick<SignatureInput, 'name' | 'type' | 'integer'>,
  row: number,
  cell: Cell,
): PerennialError {
  const wanted = integer === undefined ? expected[type] : `an integer in the range of ${integer}`;
  if (cell === null)
    return new PerennialError(
      'prediction-invalid',
      `feature "${feature}", row ${row} has no value, but the model takes ${wanted}; set data.fill to the value that replaces a missing "${feature}", or remove the feature`,
      { feature, row },
    );
  const got = JSON.stringify(cell).slice(0, 60);
  return new PerennialError(
    'prediction-invalid',
    `feature "${feature}", row ${row}: the model takes ${wanted}, but the value is ${got}; remove the feature, or convert it before training`,
    { feature, row },
  );
}
