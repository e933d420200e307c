import { PerennialError } from '../../contracts/errors.ts';
import { broken, fieldsOf } from './protobuf.ts';

// The parts of onnx.proto that can hold tensors, by field number. A hand-written table and not a decoder, so that a
// newer field which a decoder would skip (FunctionProto.attribute_proto) is looked into, and no weights are copied.
type MessageName = 'model' | 'training' | 'function' | 'graph' | 'node' | 'attribute' | 'sparseTensor' | 'tensor';

const nested: Readonly<Record<MessageName, Readonly<Record<number, MessageName>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparseTensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparseTensor', 23: 'sparseTensor' },
  sparseTensor: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
};
const tensorField = { name: 8, externalData: 13, dataLocation: 14 } as const;

const deepest = 100;

/**
 * Reads an ONNX model's protobuf and refuses one that keeps a tensor outside of it, wherever in it the tensor is.
 * Throws `artifact-invalid` that names the tensor, also for bytes that are no protobuf.
 */
export function refuseExternalData(model: Uint8Array): void {
  look('model', model, 0);
}

function look(message: MessageName, bytes: Uint8Array, depth: number): void {
  if (depth > deepest) throw broken(`it is nested more than ${deepest} deep`);
  let name = '';
  let external = false;
  for (const field of fieldsOf(bytes)) {
    const inner = nested[message][field.number];
    if (inner !== undefined && field.bytes !== undefined) look(inner, field.bytes, depth + 1);
    if (message !== 'tensor') continue;
    if (field.number === tensorField.name && field.bytes !== undefined) name = new TextDecoder().decode(field.bytes);
    if (field.number === tensorField.externalData && field.bytes !== undefined) external = true;
    if (field.number === tensorField.dataLocation && field.varint !== undefined && field.varint !== 0n) external = true;
  }
  if (external) {
    const tensor = name === '' ? 'without a name' : `"${name.slice(0, 100)}"`;
    throw new PerennialError(
      'artifact-invalid',
      `model.onnx keeps the tensor ${tensor} in another file, and a model must be one file: save it without external data`,
      { tensor: name.slice(0, 100) },
    );
  }
}
