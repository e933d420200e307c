import type { Signature, TensorType } from '../../contracts/models/signature.ts';
import type { Answers } from '../../ports/model-format.ts';
import type { RowText } from './answer-text.ts';
import { numbersText, predictionText } from './answer-text.ts';

/** Writes one output of a version. It is prepared once per version. */
export interface OutputWriter {
  readonly name: string;
  /** The tensor's JSON for this many rows, up to its data or its parameters. */
  opening(rows: number): string;
  /** JSON of the tensor's own parameters; `undefined` if it has none. */
  readonly parameters: string | undefined;
  text(answers: Answers, failed: ReadonlySet<number>): RowText;
  /**
   * Returns the values as a binary tensor, or `undefined` if it cannot hold them: a row without an answer is NaN among
   * numbers, and has no notation among integers, truth values and texts.
   */
  bytes(answers: Answers, failed: ReadonlySet<number>): Uint8Array | undefined;
}

const prepared = new WeakMap<Signature, readonly OutputWriter[]>();

/** Returns the writers of a version's outputs: the prediction, the class probabilities, and any further vectors. */
export function outputWriters(signature: Signature): readonly OutputWriter[] {
  let writers = prepared.get(signature);
  if (!writers) prepared.set(signature, (writers = writersOf(signature)));
  return writers;
}

function writersOf(signature: Signature): OutputWriter[] {
  const { output, probabilities, classes = [], vectors = [] } = signature;
  const isTruth = output.type === 'BOOL';
  return [
    {
      name: output.name,
      opening: openingOf(output),
      parameters: undefined,
      text: (answers, failed) => predictionText(answers, failed, isTruth),
      bytes: ({ values }, failed) => binaryPredictions(values, output.type, failed),
    },
    ...(probabilities === undefined
      ? []
      : [wideWriter(probabilities, `"classes":${JSON.stringify(classes)}`, (answers) => answers.probabilities)]),
    ...vectors.map((vector) => wideWriter(vector, undefined, ({ vectors: given }) => given[vector.name] ?? null)),
  ];
}

interface WideOutput {
  readonly name: string;
  readonly type: TensorType;
  readonly width: number;
}

function wideWriter(
  { name, type, width }: WideOutput,
  parameters: string | undefined,
  numbersOf: (answers: Answers) => Float64Array | null,
): OutputWriter {
  const none = new Float64Array();
  return {
    name,
    opening: openingOf({ name, type, width }),
    parameters,
    text: (answers, failed) => numbersText(numbersOf(answers) ?? none, width, failed),
    bytes(answers, failed) {
      const numbers = new Float64Array(numbersOf(answers) ?? none);
      for (const row of failed) numbers.fill(Number.NaN, row * width, (row + 1) * width);
      return binaryNumbers(numbers, type);
    },
  };
}

function openingOf({ name, type, width }: Omit<WideOutput, 'width'> & { readonly width?: number }) {
  const begin = `{"name":${JSON.stringify(name)},"shape":[`;
  const end = `${width === undefined ? '' : `,${width}`}],"datatype":"${type}"`;
  return (rows: number) => `${begin}${rows}${end}`;
}

function binaryPredictions(
  values: Answers['values'],
  type: TensorType,
  failed: ReadonlySet<number>,
): Uint8Array | undefined {
  if (type === 'BYTES') return failed.size > 0 ? undefined : binaryTexts(Array.from(values, String));
  if (type === 'BOOL') return failed.size > 0 ? undefined : Uint8Array.from(values, (value) => (value ? 1 : 0));
  const numbers = new Float64Array(values.length);
  for (let row = 0; row < values.length; row += 1) numbers[row] = failed.has(row) ? Number.NaN : Number(values[row]);
  return binaryNumbers(numbers, type);
}

function binaryNumbers(numbers: Float64Array, type: TensorType): Uint8Array | undefined {
  if (type === 'FP32') return bytesOf(new Float32Array(numbers));
  if (type === 'FP64') return bytesOf(numbers);
  if (type !== 'INT64') return undefined;
  const integers = new BigInt64Array(numbers.length);
  for (let at = 0; at < numbers.length; at += 1) {
    const number = numbers[at] ?? Number.NaN;
    if (!Number.isSafeInteger(number)) return undefined;
    integers[at] = BigInt(number);
  }
  return bytesOf(integers);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function binaryTexts(texts: readonly string[]): Uint8Array {
  return Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}
