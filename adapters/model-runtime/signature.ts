import type { InferenceSession } from 'onnxruntime-node';
import { PerennialError } from '../../contracts/errors.ts';
import type { Signature, TensorType } from '../../contracts/model-version.ts';
import type { TensorMetadata } from './session.ts';

type Metadata = InferenceSession.ValueMetadata;

const inputTypes: Readonly<Record<string, TensorType>> = {
  float32: 'FP32',
  float64: 'FP64',
  int64: 'INT64',
  bool: 'BOOL',
  string: 'BYTES',
};
export const outputTypes: Readonly<Record<string, TensorType>> = {
  float32: 'FP32',
  float64: 'FP64',
  int64: 'INT64',
  int32: 'INT64',
  bool: 'BOOL',
  string: 'BYTES',
};

/** The graph's inputs as the features, one way or the other. `artifact-invalid` says what was found and what was wanted. */
export function matchInputs(
  metadata: readonly Metadata[],
  features: readonly string[],
): Pick<Signature, 'layout' | 'inputName' | 'inputs'> {
  return matchColumns(metadata, features) ?? matchMatrix(metadata, features) ?? refuseInputs(metadata, features);
}

function matchColumns(
  metadata: readonly Metadata[],
  features: readonly string[],
): Pick<Signature, 'layout' | 'inputs'> | undefined {
  if (metadata.length !== features.length) return undefined;
  const inputs: { name: string; type: TensorType }[] = [];
  for (const feature of features) {
    const input = metadata.find((candidate) => candidate.name === feature);
    const type = input && typeOfRows(input, 1);
    if (type === undefined) return undefined;
    inputs.push({ name: feature, type });
  }
  return { layout: 'columns', inputs };
}

function matchMatrix(
  metadata: readonly Metadata[],
  features: readonly string[],
): Pick<Signature, 'layout' | 'inputName' | 'inputs'> | undefined {
  const [input] = metadata;
  if (input === undefined || metadata.length !== 1) return undefined;
  const type = typeOfRows(input, features.length);
  if (type === undefined) return undefined;
  return { layout: 'matrix', inputName: input.name, inputs: features.map((name) => ({ name, type })) };
}

/** Its type, if it is `[rows, width]` with a free number of rows; a width that the graph leaves open is tried out. */
function typeOfRows(input: Metadata, width: number): TensorType | undefined {
  if (!input.isTensor || input.shape.length !== 2) return undefined;
  const [rows, columns] = input.shape;
  if (typeof rows === 'number' || (typeof columns === 'number' && columns !== width)) return undefined;
  return inputTypes[input.type];
}

function refuseInputs(metadata: readonly Metadata[], features: readonly string[]): never {
  const found = metadata.map(show).join(', ') || 'none';
  throw new PerennialError(
    'artifact-invalid',
    `model.onnx has other inputs than the features. Found: ${found}. Wanted: one input [rows, ${features.length}] with the features in the order ${features.join(', ')}, or one input [rows, 1] a feature, named as it; of float, double, int64, bool or string, and rows left free`,
    { found: metadata.map(({ name }) => name), wanted: [...features] },
  );
}

/** Outputs that may say something of each row; what each of them is, running it tells. */
export function outputCandidates(metadata: readonly Metadata[]): readonly TensorMetadata[] {
  return metadata.filter(
    (output): output is TensorMetadata =>
      output.isTensor &&
      outputTypes[output.type] !== undefined &&
      output.shape.length <= 2 &&
      typeof output.shape[0] !== 'number',
  );
}

/** The one output among those that answered with a value a row. */
export function pickOutput(answered: readonly TensorMetadata[], all: readonly Metadata[]): Signature['output'] {
  const [output] = answered;
  const type = output && outputTypes[output.type];
  if (output !== undefined && type !== undefined && answered.length === 1) return { name: output.name, type };
  const found = all.map(show).join(', ') || 'none';
  throw new PerennialError(
    'artifact-invalid',
    `model.onnx has ${answered.length} outputs of one number a row, and exactly one is wanted: [rows] or [rows, 1]${answered.length > 1 ? '; name the one that is measured with build.output' : ''}. Found: ${found}`,
    { found: all.map(({ name }) => name) },
  );
}

export function show(value: Metadata): string {
  const name = value.name.slice(0, 100);
  return value.isTensor ? `${name} ${value.type}[${value.shape.join(', ')}]` : `${name} (not a tensor)`;
}
