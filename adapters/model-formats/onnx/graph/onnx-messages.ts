import { broken, fieldsOf, joined, lengthDelimited } from './protobuf.ts';

// The parts of onnx.proto that can hold tensors, by field number. The table is written by hand, because a decoder would
// skip a newer field (FunctionProto.attribute_proto) and would copy weights.
export type MessageName =
  | 'model'
  | 'training'
  | 'function'
  | 'graph'
  | 'node'
  | 'attribute'
  | 'sparseTensor'
  | 'tensor';

export const nested: Readonly<Record<MessageName, Readonly<Record<number, MessageName>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparseTensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparseTensor', 23: 'sparseTensor' },
  sparseTensor: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
};

export const deepest = 100;

/** Applies `change` to every tensor of the model, however nested. Returns the same bytes if nothing changes. */
export function withTensors(model: Uint8Array, change: (tensor: Uint8Array) => Uint8Array): Uint8Array {
  return rewritten('model', model, change, 0);
}

function rewritten(
  message: MessageName,
  bytes: Uint8Array,
  change: (tensor: Uint8Array) => Uint8Array,
  depth: number,
): Uint8Array {
  if (depth > deepest) throw broken(`it is nested more than ${deepest} levels deep`);
  if (message === 'tensor') return change(bytes);
  let isChanged = false;
  const parts: Uint8Array[] = [];
  for (const { number, bytes: content, whole } of fieldsOf(bytes)) {
    const inner = nested[message][number];
    const next = inner === undefined || content === undefined ? content : rewritten(inner, content, change, depth + 1);
    if (next === content) parts.push(whole);
    else if (next !== undefined) {
      parts.push(lengthDelimited(number, next));
      isChanged = true;
    }
  }
  return isChanged ? joined(parts) : bytes;
}
