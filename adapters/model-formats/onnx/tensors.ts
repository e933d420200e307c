import type { Tensor } from 'onnxruntime-node';
import type { ColumnBatch } from '../../../contracts/data/column-batch.ts';
import { cellIn } from '../../../contracts/data/column-batch.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { IntegerKind } from '../../../contracts/data/integer-range.ts';
import { holds } from '../../../contracts/data/integer-range.ts';
import type { OnnxSignature, OnnxSignatureInput } from '../../../contracts/model-format.ts';
import { wrongCell } from '../../../contracts/models/batch-of-cells.ts';
import type { Fill } from '../../../contracts/models/signature.ts';
import { onnxRuntime } from './onnx-runtime.ts';

/**
 * Returns the session's inputs for these rows. Missing values are filled here, so that it is the same for every caller
 * of a model: evaluation, gateway, shadow and rehearsal. Throws `prediction-invalid` for a value that the model cannot
 * take.
 *
 * @param batch the features, in the order of the signature's inputs.
 */
export function feedsOf({ layout, inputName, inputs }: OnnxSignature, batch: ColumnBatch): Record<string, Tensor> {
  if (layout === 'matrix' && inputName !== undefined && inputs[0] !== undefined)
    return { [inputName]: tensorOf(inputs, 0, batch) };
  return Object.fromEntries(inputs.map((input, at) => [input.name, tensorOf([input], at, batch)]));
}

/**
 * Returns columns side by side as one tensor `[rows, columns]`, or `[rows]` for rank 1.
 *
 * @param from index of the first of these inputs among the batch's columns.
 */
function tensorOf(inputs: readonly OnnxSignatureInput[], from: number, batch: ColumnBatch): Tensor {
  const [first] = inputs;
  if (first === undefined) throw new PerennialError('internal', 'a model without inputs has no tensor');
  const { rows } = batch;
  const width = inputs.length;
  const size = rows * width;
  const dims = first.rank === 1 ? [rows] : [rows, width];
  const target = { inputs, from, batch };
  switch (first.type) {
    case 'FP32':
      return new onnxRuntime.Tensor('float32', fillNumbers(new Float32Array(size), target), dims);
    case 'FP64':
      return new onnxRuntime.Tensor('float64', fillNumbers(new Float64Array(size), target), dims);
    case 'INT64':
      return integerTensor(first.integer, size, dims, target);
    case 'BOOL':
      return new onnxRuntime.Tensor('bool', fillWith(new Uint8Array(size), target, readTruth), dims);
    case 'BYTES': {
      const data = Array.from({ length: size }, () => '');
      return new onnxRuntime.Tensor('string', fillWith(data, target, readText), dims);
    }
  }
}

/** Columns of a batch that go into one tensor. */
interface Target {
  readonly inputs: readonly OnnxSignatureInput[];
  readonly from: number;
  readonly batch: ColumnBatch;
}

function fillNumbers<Into extends Float32Array | Float64Array>(into: Into, { inputs, from, batch }: Target): Into {
  const { layout, rows, numbers } = batch;
  const width = inputs.length;
  for (let at = 0; at < width; at += 1) {
    const input = inputs[at];
    if (input === undefined) continue;
    if (layout.kinds[from + at] === 'text') throw wrongCell(input, 0, cellIn(batch, from + at, 0));
    const start = (layout.places[from + at] ?? 0) * rows;
    const fill = input.fill === undefined ? Number.NaN : numberIn(input, input.fill);
    const isFilled = !Number.isNaN(fill);
    for (let row = 0; row < rows; row += 1) {
      const value = numbers[start + row] ?? Number.NaN;
      into[row * width + at] = isFilled && Number.isNaN(value) ? fill : value;
    }
  }
  return into;
}

function numberIn(input: OnnxSignatureInput, fill: Fill): number {
  if (typeof fill === 'string') throw wrongCell(input, 0, fill);
  return Number(fill);
}

type Reader<Value> = (input: OnnxSignatureInput, value: string | number | boolean) => Value | undefined;

/** Fills a tensor's data value by value. Throws `prediction-invalid` for a value that `read` does not take. */
function fillWith<Value, Into extends { [index: number]: Value }>(
  into: Into,
  { inputs, from, batch }: Target,
  read: Reader<Value>,
): Into {
  const width = inputs.length;
  for (const [at, input] of inputs.entries())
    for (let row = 0; row < batch.rows; row += 1) {
      const cell = cellIn(batch, from + at, row) ?? input.fill ?? null;
      const value = cell === null ? undefined : read(input, cell);
      if (value === undefined) throw wrongCell(input, row, cell);
      into[row * width + at] = value;
    }
  return into;
}

const narrowArrays = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
} as const;

/** Returns a tensor of an integer type. Values outside its range are refused, not truncated. */
function integerTensor(kind: IntegerKind | undefined, size: number, dims: number[], target: Target): Tensor {
  if (kind === undefined)
    return new onnxRuntime.Tensor('int64', fillWith(new BigInt64Array(size), target, readInteger), dims);
  if (kind === 'uint64')
    return new onnxRuntime.Tensor('uint64', fillWith(new BigUint64Array(size), target, readInteger), dims);
  const data = fillWith(new narrowArrays[kind](size), target, (input, value) => {
    const integer = readInteger(input, value);
    return integer === undefined ? undefined : Number(integer);
  });
  return new onnxRuntime.Tensor(kind, data, dims);
}

/** Returns undefined also for a value outside the range of the input's type. */
function readInteger({ integer }: OnnxSignatureInput, value: string | number | boolean): bigint | undefined {
  const whole = toWhole(value);
  return whole !== undefined && holds(integer, whole) ? whole : undefined;
}

function toWhole(value: string | number | boolean): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value === 'boolean') return BigInt(value);
  // Integers beyond 2^53 arrive as text.
  return /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

function readTruth(_input: OnnxSignatureInput, value: string | number | boolean): number | undefined {
  if (typeof value === 'boolean') return Number(value);
  return value === 0 || value === 1 ? value : undefined;
}

function readText(_input: OnnxSignatureInput, value: string | number | boolean): string | undefined {
  return typeof value === 'string' ? value : undefined;
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
  if (data instanceof Float32Array || data instanceof Float64Array) return Float64Array.from(data);
  const numbers = new Float64Array(rows * width);
  for (let at = 0; at < numbers.length; at += 1) numbers[at] = Number(data[at]);
  return numbers;
}
