import type { PerennialError } from '../../contracts/errors.ts';
import type { Signature, TensorType } from '../../contracts/models/signature.ts';
import { outputsIn } from './answers.ts';
import { BinaryTensors } from './binary-tensors.ts';
import type { GivenColumn } from './given-columns.ts';
import { ListedColumn } from './given-columns.ts';
import { isStorableId, parametersIn } from './request-parameters.ts';
import type { Taken } from './taken.ts';
import type { Columns } from './tensor-columns.ts';
import {
  checkRows,
  featureList,
  isRecord,
  listed,
  quoted,
  readAllColumns,
  readNamedColumns,
  refuse,
} from './tensor-columns.ts';

export interface AskedOutput {
  readonly name: string;
  /** Whether the values are sent as a binary tensor. */
  readonly binary: boolean;
}

/** What an Open Inference Protocol request asks for, besides its rows. */
export interface InferenceHead {
  readonly id: string | undefined;
  /** The requested version; `undefined`: the version in the path, or the one that serves. */
  readonly version: string | undefined;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** `undefined`: all outputs. */
  readonly outputs: readonly AskedOutput[] | undefined;
  /** Whether outputs are binary tensors if the request names none. */
  readonly binary: boolean;
}

/**
 * A parsed Open Inference Protocol request. Its tensors are not checked yet, because the version that answers, and so
 * the required inputs, is still unknown.
 */
export interface InferenceBody {
  readonly head: InferenceHead;
  readonly inputs: readonly unknown[];
}

interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** One value per element, or lists of them if the request nests them. */
  readonly data: ArrayLike<unknown>;
}

const numeric = new Set([
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'FP16',
  'FP32',
  'FP64',
  'BOOL',
]);

/**
 * Returns whether a tensor's datatype is allowed for the feature. JSON has only one notation for numbers, so any
 * numeric datatype is; each value is checked against the feature's type later.
 */
function accepts(type: TensorType, datatype: string): boolean {
  return type === 'BYTES' ? datatype === type : numeric.has(datatype);
}

const mostOutputs = 1000;

/** Parses the body; `readInferenceColumns` checks the content of the tensors. Throws `invalid-request`. */
export function parseInferenceBody(body: unknown): InferenceBody {
  if (!isRecord(body)) throw refuse('the body must be a JSON object with "inputs"');
  const { inputs } = body;
  const id = body.id ?? undefined;
  const parameters = parametersIn(body.parameters ?? {}, 'parameters');
  const version = body.model_version === '' ? undefined : (body.model_version ?? undefined);
  const outputs = body.outputs ?? undefined;
  if (id !== undefined && (typeof id !== 'string' || !isStorableId(id)))
    throw refuse('"id" must be a string of at most 200 characters of valid Unicode');
  if (version !== undefined && typeof version !== 'string') throw refuse('"model_version" must be a string, e.g. "3"');
  if (!Array.isArray(inputs) || inputs.length === 0)
    throw refuse('"inputs" must be a list of tensors, one per feature');
  const binary = parameters.binary_data_output === true;
  return { head: { id, version, parameters, outputs: parseOutputs(outputs, binary), binary }, inputs };
}

function parseOutputs(outputs: unknown, binary: boolean): readonly AskedOutput[] | undefined {
  if (outputs === undefined) return undefined;
  if (!Array.isArray(outputs)) throw refuse('"outputs" must be a list of {"name": …}');
  if (outputs.length > mostOutputs)
    throw refuse(`"outputs" has ${outputs.length} entries, but at most ${mostOutputs} are accepted`);
  // Clients that request no particular outputs send an empty list.
  return outputs.length === 0 ? undefined : outputs.map((output: unknown) => parseOutput(output, binary));
}

function parseOutput(output: unknown, binaryByDefault: boolean): AskedOutput {
  if (!isRecord(output) || typeof output.name !== 'string') throw refuse('"outputs" must be a list of {"name": …}');
  const parameters = ownParameters(output);
  const { name } = output;
  const extension = ['classification', 'shared_memory_region'].find((key) => key in parameters);
  if (extension !== undefined)
    throw refuse(`output ${quoted(name)}: the extension "${extension}" is not supported; leave it out`, {
      output: name,
    });
  const binary = parameters.binary_data ?? binaryByDefault;
  if (typeof binary !== 'boolean')
    throw refuse(`output ${quoted(name)}: "binary_data" must be true or false`, { output: name });
  return { name, binary };
}

function ownParameters({ parameters }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return isRecord(parameters) ? parameters : {};
}

function parseTensor(value: unknown, index: number, binary: BinaryTensors): Tensor {
  if (!isRecord(value) || typeof value.name !== 'string')
    throw refuse(`inputs[${index}]: expected {"name", "shape", "datatype", "data"}`);
  const { name, datatype, shape, data } = value;
  const refuseInput = (problem: string) => refuse(`input ${quoted(name)}: ${problem}`, { input: name });
  if (typeof datatype !== 'string') throw refuseInput('"datatype" is missing, e.g. "FP64"');
  if (
    !Array.isArray(shape) ||
    !shape.every((size: unknown): size is number => typeof size === 'number' && Number.isInteger(size) && size >= 0)
  )
    throw refuseInput('"shape" must be a list of whole numbers, e.g. [1]');
  const size: unknown = isRecord(value.parameters) ? value.parameters.binary_data_size : undefined;
  if (size !== undefined) {
    if (data !== undefined) throw refuseInput('give the values either as "data" or as a binary tensor, not as both');
    return { name, datatype, shape, data: binary.next({ name, datatype, shape, size }) };
  }
  if (Array.isArray(data)) return { name, datatype, shape, data };
  if ('shared_memory_region' in ownParameters(value))
    throw refuseInput('shared memory is not supported; send the values as "data"');
  throw refuseInput('"data" must be a list of values');
}

function shown(shape: readonly number[]): string {
  return `[${listed(shape.map(String))}]`;
}

/** Returns a tensor's values as one flat list in row order. The protocol allows both flat and nested data. */
function flatData(tensor: Tensor, width: number): ArrayLike<unknown> {
  const [rows = 0] = tensor.shape;
  const wanted = rows * width;
  const { data } = tensor;
  if (data.length === wanted && !Array.isArray(data[0])) return data;
  if (
    Array.isArray(data) &&
    data.length === rows &&
    data.every((row: unknown) => Array.isArray(row) && row.length === width)
  )
    return data.flat();
  throw refuse(
    `input ${quoted(tensor.name)}: shape ${shown(tensor.shape)} requires ${wanted} values, but "data" has ${data.length}${Array.isArray(data[0]) ? ' lists' : ''}`,
    { input: tensor.name },
  );
}

function readMatrix(tensor: Tensor, taken: Taken): Columns {
  const { names } = taken.layout;
  const [rows = 0, width] = tensor.shape;
  if (tensor.shape.length !== 2 || width !== names.length)
    throw refuse(
      `input "${tensor.name}": expected shape [rows, ${names.length}] (${listed(names)}), got ${shown(tensor.shape)}`,
      { input: tensor.name },
    );
  checkRows(rows);
  const type = taken.signature.inputs[0]?.type ?? 'FP32';
  if (!accepts(type, tensor.datatype))
    throw refuse(`input "${tensor.name}": expected datatype ${type}, got ${tensor.datatype.slice(0, 20)}`, {
      input: tensor.name,
    });
  const flat = flatData(tensor, width);
  return readAllColumns(taken, rows, (at) => new ListedColumn(flat, at, width));
}

function readFeature(tensor: Tensor, type: TensorType): GivenColumn {
  const [rows = 0, width = 1] = tensor.shape;
  if (tensor.shape.length < 1 || tensor.shape.length > 2 || width !== 1)
    throw refuse(`feature "${tensor.name}": expected shape [rows] or [rows, 1], got ${shown(tensor.shape)}`, {
      feature: tensor.name,
    });
  checkRows(rows);
  const data = flatData(tensor, 1);
  // A client cannot know the type of a column that has no values.
  if (!accepts(type, tensor.datatype) && Array.from(data).some((value) => value !== null))
    throw refuse(`feature "${tensor.name}": expected datatype ${type}, got ${tensor.datatype.slice(0, 20)}`, {
      feature: tensor.name,
    });
  return new ListedColumn(data);
}

/**
 * Reads one tensor of shape `[rows]` or `[rows, 1]` per feature. A matrix model also accepts a single tensor of shape
 * `[rows, features]` with the graph's own input name.
 *
 * @param behind the bytes that follow the JSON: the binary tensors.
 */
export function readInferenceColumns(inputs: readonly unknown[], behind: Uint8Array, taken: Taken): Columns {
  const { signature, places } = taken;
  const binary = new BinaryTensors(behind);
  const given = new Map<string, GivenColumn>();
  for (const [index, value] of inputs.entries()) {
    const tensor = parseTensor(value, index, binary);
    const place = places.get(tensor.name);
    if (
      place === undefined &&
      inputs.length === 1 &&
      signature.layout === 'matrix' &&
      tensor.name === signature.inputName
    ) {
      binary.end();
      return readMatrix(tensor, taken);
    }
    const type = place === undefined ? undefined : signature.inputs[place]?.type;
    if (type === undefined) throw unknownInput(tensor.name, signature);
    if (given.has(tensor.name)) throw refuse(`input ${quoted(tensor.name)} occurs twice`, { input: tensor.name });
    given.set(tensor.name, readFeature(tensor, type));
  }
  binary.end();
  return readNamedColumns(taken, given);
}

function unknownInput(name: string, signature: Signature): PerennialError {
  const { layout, inputName, inputs } = signature;
  const whole =
    layout === 'matrix' ? `, or all of them in one input "${inputName}" of shape [rows, ${inputs.length}]` : '';
  return refuse(`unknown input ${quoted(name)}; the model takes ${featureList(signature)}${whole}`, { input: name });
}

export function checkOutputs({ outputs }: InferenceHead, signature: Signature): void {
  if (outputs === undefined) return;
  const known = outputsIn(signature).map(({ name }) => name);
  const unknown = outputs.find(({ name }) => !known.includes(name));
  if (unknown !== undefined)
    throw refuse(`unknown output ${quoted(unknown.name)}; the model has the outputs ${listed(known)}`, {
      output: unknown.name,
    });
}
