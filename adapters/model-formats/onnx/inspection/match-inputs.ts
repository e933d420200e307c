import type { InferenceSession } from 'onnxruntime-node';
import { PerennialError } from '../../../../contracts/errors.ts';
import { integerKinds } from '../../../../contracts/data/integer-range.ts';
import type { OnnxSignature, OnnxSignatureInput } from '../../../../contracts/model-format.ts';
import type { TensorType } from '../../../../contracts/models/signature.ts';
import { adviceFor } from '../graph/converter-advice.ts';
import type { TensorMetadata } from '../session.ts';

type Metadata = InferenceSession.ValueMetadata;

const inputTypes: Readonly<Record<string, TensorType>> = {
  float32: 'FP32',
  float64: 'FP64',
  int64: 'INT64',
  bool: 'BOOL',
  string: 'BYTES',
};
export const outputTypes: Readonly<Record<string, TensorType>> = {
  ...inputTypes,
  ...Object.fromEntries(integerKinds.map((kind): [string, TensorType] => [kind, 'INT64'])),
};

/** Type and rank of one input. */
type InputKind = Pick<OnnxSignatureInput, 'type' | 'integer' | 'rank'>;

/**
 * Matches the graph's inputs to the features, as one input per feature or as one matrix. Throws `artifact-invalid`,
 * which says what was found and what was wanted.
 */
export function matchInputs(
  metadata: readonly Metadata[],
  features: readonly string[],
  producer: string,
): Pick<OnnxSignature, 'layout' | 'inputName' | 'inputs'> {
  return (
    matchColumns(metadata, features) ?? matchMatrix(metadata, features) ?? refuseInputs(metadata, features, producer)
  );
}

function matchColumns(
  metadata: readonly Metadata[],
  features: readonly string[],
): Pick<OnnxSignature, 'layout' | 'inputs'> | undefined {
  if (metadata.length !== features.length) return undefined;
  const inputs: OnnxSignatureInput[] = [];
  for (const feature of features) {
    const input = metadata.find((candidate) => candidate.name === feature);
    const kind = input && kindOfRows(input, 1);
    if (kind === undefined) return undefined;
    inputs.push({ name: feature, ...kind });
  }
  return { layout: 'columns', inputs };
}

function matchMatrix(
  metadata: readonly Metadata[],
  features: readonly string[],
): Pick<OnnxSignature, 'layout' | 'inputName' | 'inputs'> | undefined {
  const [input] = metadata;
  if (input === undefined || metadata.length !== 1) return undefined;
  const kind = kindOfRows(input, features.length);
  if (kind === undefined) return undefined;
  return { layout: 'matrix', inputName: input.name, inputs: features.map((name) => ({ name, ...kind })) };
}

/**
 * Returns the tensor's kind if its shape is `[rows, width]`, or `[rows]` for a width of 1, with any number of rows. A
 * width that the graph leaves open is accepted here; running the model decides.
 */
function kindOfRows(input: Metadata, width: number): InputKind | undefined {
  if (!input.isTensor || input.shape.length < 1 || input.shape.length > 2) return undefined;
  const [rows, columns = 1] = input.shape;
  if (typeof rows === 'number' || (typeof columns === 'number' && columns !== width)) return undefined;
  const rank = input.shape.length === 1 ? ({ rank: 1 } as const) : {};
  const integer = integerKinds.find((kind) => kind === input.type);
  if (integer !== undefined) return { type: 'INT64', integer, ...rank };
  const type = inputTypes[input.type];
  return type && { type, ...rank };
}

function refuseInputs(metadata: readonly Metadata[], features: readonly string[], producer: string): never {
  const found = metadata.map(show).join(', ') || 'none';
  const isFixed = metadata.some((input) => input.isTensor && typeof input.shape[0] === 'number');
  const advice = isFixed
    ? `. The number of rows is fixed in the graph, but requests may have any number of rows: ${adviceFor(producer, 'rows')}`
    : '';
  throw new PerennialError(
    'artifact-invalid',
    `the inputs of model.onnx do not match the features. Found: ${found}. Expected: one input [rows, ${features.length}] with the features in the order ${features.join(', ')}, or for each feature an input [rows, 1] or [rows] with its name; the type is a float, an integer, bool or string, and the number of rows is not fixed${advice}`,
    { found: metadata.map(({ name }) => name), wanted: [...features] },
  );
}

/**
 * Returns the outputs that may have one entry per row; running the model shows which do. Converters may declare a
 * number of rows that the graph does not keep, and only a run on several rows reveals that.
 */
export function outputCandidates(metadata: readonly Metadata[], rows: number): readonly TensorMetadata[] {
  return metadata.filter(
    (output): output is TensorMetadata =>
      output.isTensor &&
      outputTypes[output.type] !== undefined &&
      output.shape.length <= 2 &&
      (typeof output.shape[0] !== 'number' || rows > 1),
  );
}

/** Returns the only output with one number per row. Throws `artifact-invalid` if there is not exactly one. */
export function pickOutput(answered: readonly TensorMetadata[], all: readonly Metadata[]): OnnxSignature['output'] {
  const [output] = answered;
  const type = output && outputTypes[output.type];
  if (output !== undefined && type !== undefined && answered.length === 1) return { name: output.name, type };
  const found = all.map(show).join(', ') || 'none';
  throw new PerennialError(
    'artifact-invalid',
    `model.onnx has ${answered.length} outputs with one number per row, but exactly one is needed: [rows] or [rows, 1]${answered.length > 1 ? '; set build.output to the name of the right one' : ''}. Found: ${found}`,
    { found: all.map(({ name }) => name) },
  );
}

export function show(value: Metadata): string {
  const name = value.name.slice(0, 100);
  return value.isTensor ? `${name} ${value.type}[${value.shape.join(', ')}]` : `${name} (not a tensor)`;
}
