import { PerennialError } from '../../../../contracts/errors.ts';
import { deepest, nested } from './onnx-messages.ts';
import type { MessageName } from './onnx-messages.ts';
import { broken, fieldsOf } from './protobuf.ts';

const tensorField = { name: 8, externalData: 13, dataLocation: 14 } as const;

/**
 * Reads an ONNX model's protobuf and refuses tensors that are stored in another file, at any level of nesting. Throws
 * `artifact-invalid`, which names the tensor. Also throws it for bytes that are not protobuf.
 */
export function refuseExternalData(model: Uint8Array): void {
  look('model', model, 0);
}

function look(message: MessageName, bytes: Uint8Array, depth: number): void {
  if (depth > deepest) throw broken(`it is nested more than ${deepest} levels deep`);
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
      `model.onnx stores the tensor ${tensor} in another file, but a model must be a single file: save the model without external data`,
      { tensor: name.slice(0, 100) },
    );
  }
}
