import type { Tensor } from 'onnxruntime-node';
import type { Cell } from '../../../contracts/data/data-types.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { IntegerKind } from '../../../contracts/data/integer-range.ts';
import { holds } from '../../../contracts/data/integer-range.ts';
import type { OnnxSignature, OnnxSignatureInput } from '../../../contracts/model-format.ts';
import type { Fill, TensorType } from '../../../contracts/models/signature.ts';
import { onnxRuntime } from './onnx-runtime.ts';

export type FeatureColumns = Readonly<Record<string, readonly Cell[]>>;

const expected: Readonly<Record<TensorType, string>> = {
  FP32: 'a number',
  FP64: 'a number',
  INT64: 'an integer',
  BOOL: 'true or false',
  BYTES: 'a string',
};

/**
 * Returns the session's inputs for these rows. Throws `prediction-invalid` for a column that is absent or of another
 * type.
 */
export function feedsOf(signature: OnnxSignature, features: FeatureColumns, rows: number): Record<string, Tensor> {
  const columns = signature.inputs.map(({ name, fill }) => filled(columnOf(features, name, rows), fill));
  const [first] = signature.inputs;
  if (signature.layout === 'matrix' && signature.inputName !== undefined && first !== undefined) {
    const names = signature.inputs.map(({ name }) => name);
    return { [signature.inputName]: tensorOf(first, names, columns, rows) };
  }
  return Object.fromEntries(
    signature.inputs.map((input, at) => [input.name, tensorOf(input, [input.name], [columns[at] ?? []], rows)]),
  );
}

function columnOf(features: FeatureColumns, name: string, rows: number): readonly Cell[] {
  const column = Object.hasOwn(features, name) ? features[name] : undefined;
  if (column?.length === rows) return column;
  throw new PerennialError(
    'prediction-invalid',
    `feature "${name}" has ${column?.length ?? 'no'} rows, but predictions for ${rows} rows are wanted`,
    { feature: name },
  );
}

/**
 * Fills missing values. This happens here so that it is the same for every caller of a model: evaluation, gateway,
 * shadow and rehearsal.
 */
function filled(column: readonly Cell[], fill: Fill | undefined): readonly Cell[] {
  if (fill === undefined) return column;
  return column.map((cell) => (cell === null || cell === notANumber ? fill : cell));
}

/** The table engine's spelling of NaN. */
const notANumber = 'NaN';

/** Returns the columns side by side as one tensor `[rows, columns]`, or `[rows]` for rank 1. */
function tensorOf(
  { type, integer, rank }: OnnxSignatureInput,
  names: readonly string[],
  columns: readonly (readonly Cell[])[],
  rows: number,
): Tensor {
  const width = columns.length;
  const dims = rank === 1 ? [rows] : [rows, width];
  const fill = <Value>(into: { [index: number]: Value }, read: (cell: Cell) => Value | undefined): void => {
    columns.forEach((column, at) => {
      for (let row = 0; row < rows; row += 1) {
        const cell = column[row] ?? null;
        const value = read(cell);
        if (value === undefined) throw wrongCell(names[at] ?? '', { type, integer }, row, cell);
        into[row * width + at] = value;
      }
    });
  };
  switch (type) {
    case 'FP32': {
      const data = new Float32Array(rows * width);
      fill(data, toNumber);
      return new onnxRuntime.Tensor('float32', data, dims);
    }
    case 'FP64': {
      const data = new Float64Array(rows * width);
      fill(data, toNumber);
      return new onnxRuntime.Tensor('float64', data, dims);
    }
    case 'INT64': {
      if (integer !== undefined) return narrowTensor(integer, rows * width, dims, fill);
      const data = new BigInt64Array(rows * width);
      fill(data, (cell) => toInteger(cell, undefined));
      return new onnxRuntime.Tensor('int64', data, dims);
    }
    case 'BOOL': {
      const data = new Uint8Array(rows * width);
      fill(data, toTruth);
      return new onnxRuntime.Tensor('bool', data, dims);
    }
    case 'BYTES': {
      const data = Array.from({ length: rows * width }, () => '');
      fill(data, toText);
      return new onnxRuntime.Tensor('string', data, dims);
    }
  }
}

type FillIn = <Value>(into: { [index: number]: Value }, read: (cell: Cell) => Value | undefined) => void;

const narrowArrays = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
} as const;

/** Returns a tensor of an integer type other than int64. Values outside its range are refused, not truncated. */
function narrowTensor(kind: IntegerKind, size: number, dims: number[], fill: FillIn): Tensor {
  if (kind === 'uint64') {
    const data = new BigUint64Array(size);
    fill(data, (cell) => toInteger(cell, kind));
    return new onnxRuntime.Tensor('uint64', data, dims);
  }
  const data = new narrowArrays[kind](size);
  fill(data, (cell) => {
    const value = toInteger(cell, kind);
    return value === undefined ? undefined : Number(value);
  });
  return new onnxRuntime.Tensor(kind, data, dims);
}

/** Returns NaN for a missing value, as in training. */
function toNumber(cell: Cell): number | undefined {
  if (typeof cell === 'number') return cell;
  if (typeof cell === 'boolean') return Number(cell);
  return cell === null || cell === notANumber ? Number.NaN : undefined;
}

/** Returns undefined also for a value outside the range of the kind. */
function toInteger(cell: Cell, kind: IntegerKind | undefined): bigint | undefined {
  const value = toWhole(cell);
  return value !== undefined && holds(kind, value) ? value : undefined;
}

function toWhole(cell: Cell): bigint | undefined {
  if (typeof cell === 'number') return Number.isSafeInteger(cell) ? BigInt(cell) : undefined;
  if (typeof cell === 'boolean') return BigInt(cell);
  // Integers beyond 2^53 arrive as text.
  return typeof cell === 'string' && /^-?\d{1,20}$/.test(cell) ? BigInt(cell) : undefined;
}

function toTruth(cell: Cell): number | undefined {
  if (typeof cell === 'boolean') return Number(cell);
  return cell === 0 || cell === 1 ? cell : undefined;
}

function toText(cell: Cell): string | undefined {
  return typeof cell === 'string' ? cell : undefined;
}

function wrongCell(
  feature: string,
  { type, integer }: Pick<OnnxSignatureInput, 'type' | 'integer'>,
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

interface WantedNumbers {
  readonly name: string;
  readonly width: number;
}

/** Returns `width` finite numbers per row. Throws `prediction-invalid` otherwise. */
export function numbersOf(output: Tensor | undefined, wanted: WantedNumbers, rows: number): Float64Array {
  const numbers = anyNumbersOf(output, wanted, rows);
  const [odd] = notFiniteIn(numbers, wanted.width);
  if (odd !== undefined) throw notFinite(wanted.name, odd);
  return numbers;
}

/** The first infinite or NaN number of a row. */
export interface OddNumber {
  readonly row: number;
  readonly value: number;
}

export function notFiniteIn(numbers: Float64Array, width: number): OddNumber[] {
  const odd: OddNumber[] = [];
  for (let at = 0; at < numbers.length; at += 1) {
    const value = numbers[at] ?? Number.NaN;
    const row = Math.floor(at / width);
    if (!Number.isFinite(value) && odd.at(-1)?.row !== row) odd.push({ row, value });
  }
  return odd;
}

export function notFinite(output: string, { row, value }: OddNumber): PerennialError {
  return new PerennialError(
    'prediction-invalid',
    `the model answers row ${row} with ${value}, which is not a finite number; check how the model handles missing and extreme values`,
    { output, row },
  );
}

/**
 * Returns `width` numbers per row, which may be infinite or NaN. Throws `prediction-invalid` if there are more or
 * fewer.
 */
export function anyNumbersOf(output: Tensor | undefined, { name, width }: WantedNumbers, rows: number): Float64Array {
  if (output === undefined || output.size !== rows * width)
    throw new PerennialError(
      'prediction-invalid',
      `the model's output "${name}" has ${output?.size ?? 0} values for ${rows} rows; it must have ${width === 1 ? 'one' : width} per row`,
      { output: name, rows },
    );
  const { data } = output;
  const numbers = new Float64Array(rows * width);
  for (let at = 0; at < numbers.length; at += 1) numbers[at] = Number(data[at]);
  return numbers;
}
