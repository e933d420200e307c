import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { PerennialError } from '../../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../../contracts/model-format.ts';
import type { TensorType } from '../../../../contracts/models/signature.ts';
import type { Graph } from '../graph/onnx-graph.ts';
import type { TensorMetadata } from '../session.ts';
import { outputTypes, show } from './match-inputs.ts';

export type Outputs = Pick<OnnxSignature, 'output' | 'classes' | 'probabilities' | 'vectors'>;

/** An output of a trial run, with its type, shape and values. */
export interface Tried {
  readonly name: string;
  readonly type: TensorType;
  readonly width: number;
  readonly tensor: Tensor;
}

/** A model's answers to the trial rows. */
export interface Trial {
  readonly graph: Graph;
  readonly all: readonly InferenceSession.ValueMetadata[];
  readonly candidates: readonly TensorMetadata[];
  readonly answers: InferenceSession.OnnxValueMapType;
  readonly rows: number;
}

/** Returns the outputs with one entry per row. */
export function triedOutputs(trial: Trial): Tried[] {
  return trial.candidates.flatMap((candidate) => triedOf(trial, candidate));
}

function triedOf({ answers, rows }: Trial, { name, type }: TensorMetadata): Tried[] {
  const tensor = answers[name];
  const known = outputTypes[type];
  if (tensor === undefined || known === undefined || tensor.dims[0] !== rows || tensor.dims.length > 2) return [];
  return [{ name, type: known, width: tensor.dims[1] ?? 1, tensor }];
}

/** Finds the output that `build.output` names. Throws `artifact-invalid`, which lists the existing outputs. */
export function namedOutput({ all }: Trial, tried: readonly Tried[], name: string): Tried {
  const found = tried.find((output) => output.name === name);
  if (found !== undefined) return found;
  const reason = all.some((output) => output.name === name)
    ? 'does not have one answer per row'
    : 'is not an output of the model';
  throw new PerennialError(
    'artifact-invalid',
    `build.output is "${name}", which ${reason}; the outputs of model.onnx: ${all.map(show).join(', ') || 'none'}`,
    { output: name },
  );
}
