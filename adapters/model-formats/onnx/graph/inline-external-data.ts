import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { PerennialError } from '../../../../contracts/errors.ts';
import { protobufBytesAtMost } from '../../../../contracts/models/protobuf-bytes.ts';
import { withTensors } from './onnx-messages.ts';
import type { ProtobufField } from './protobuf.ts';
import { fieldsOf, joined, lengthDelimited, unpackedVarints } from './protobuf.ts';

/** Paths of the files in the output folder, by name. */
export type FilesBeside = Readonly<Record<string, string>>;

const tensorField = { dims: 1, type: 2, name: 8, raw: 9, external: 13, location: 14 } as const;

/** Bytes per element by TensorProto.DataType. 4-bit types pack two elements into a byte. Strings cannot be external. */
const typesByBytes: readonly (readonly [number, readonly number[]])[] = [
  [16, [15]],
  [8, [7, 11, 13, 14]],
  [4, [1, 6, 12]],
  [2, [4, 5, 10, 16]],
  [1, [2, 3, 9, 17, 18, 19, 20]],
  [0.5, [21, 22, 23]],
];
const elementBytes = new Map(typesByBytes.flatMap(([bytes, types]) => types.map((type) => [type, bytes] as const)));

interface ExternalTensor {
  readonly name: string;
  readonly place: ReadonlyMap<string, string>;
  /** Bytes of all elements; undefined for a type or shape that cannot be external. */
  readonly bytes: number | undefined;
  readonly rest: readonly ProtobufField[];
}

/**
 * Copies external tensors from plain files of the output folder into the model. Throws `artifact-invalid` for any other
 * location: a path, a link, or a range beyond the end of the file. `fields.beside` names the files that are missing.
 */
export function inlineExternalData(model: Uint8Array, files: FilesBeside): Uint8Array {
  const missing = Array.from(tensorsBeside(model)).filter(([file]) => !Object.hasOwn(files, file));
  const [first] = missing;
  if (first !== undefined)
    throw new PerennialError(
      'artifact-invalid',
      `model.onnx stores the tensor "${first[1].slice(0, 100)}" in another file, ${JSON.stringify(first[0].slice(0, 100))}, but the output folder has no such plain file; links are not followed: write the file to the output folder, or save the model without external data`,
      { tensor: first[1].slice(0, 100), beside: missing.map(([file]) => file) },
    );
  return withTensors(model, (bytes) => {
    const tensor = externalTensor(bytes);
    return tensor === undefined ? bytes : inlined(tensor, files);
  });
}

/**
 * Returns the first tensor of each external file. Checks all file names and the total size before anything is read:
 * tensors can share the bytes of one file, so a small file could expand without bound.
 */
function tensorsBeside(model: Uint8Array): ReadonlyMap<string, string> {
  const tensors = new Map<string, string>();
  let total = model.byteLength;
  withTensors(model, (bytes) => {
    const tensor = externalTensor(bytes);
    if (tensor === undefined) return bytes;
    const file = nameOf(tensor);
    if (!tensors.has(file)) tensors.set(file, tensor.name);
    total += tensor.bytes ?? 0;
    if (total <= protobufBytesAtMost) return bytes;
    throw refused(
      tensor,
      `with this tensor the model would have more than ${protobufBytesAtMost} bytes, the limit of the ONNX format for one file, which no setting can raise; make the model smaller`,
    );
  });
  return tensors;
}

function externalTensor(bytes: Uint8Array): ExternalTensor | undefined {
  const fields = [...fieldsOf(bytes)];
  const isExternal = fields.some(
    ({ number, varint }) =>
      number === tensorField.external || (number === tensorField.location && varint !== undefined && varint !== 0n),
  );
  if (!isExternal) return undefined;
  const own = (number: number): ProtobufField[] => fields.filter((field) => field.number === number);
  const place = new Map<string, string>();
  const name = new TextDecoder().decode(own(tensorField.name).at(-1)?.bytes);
  for (const { bytes: entry } of own(tensorField.external)) {
    const [key, value] = [1, 2].map((number) =>
      new TextDecoder().decode(
        [...fieldsOf(entry ?? new Uint8Array())].find((field) => field.number === number)?.bytes,
      ),
    );
    if (place.has(key ?? '')) throw refused({ name }, `its "${key}" occurs twice`);
    place.set(key ?? '', value ?? '');
  }
  const size = elementBytes.get(Number(own(tensorField.type).at(-1)?.varint ?? 0n));
  const elements = own(tensorField.dims).flatMap(unpackedVarints);
  const count = elements.reduce((product, length) => product * length, 1);
  const isWhole = elements.every((length) => length >= 0) && Number.isSafeInteger(count);
  const { raw, external, location } = tensorField;
  return {
    name,
    place,
    bytes: size === undefined || !isWhole ? undefined : Math.ceil(count * size),
    rest: fields.filter(({ number }) => number !== raw && number !== external && number !== location),
  };
}

function nameOf(tensor: ExternalTensor): string {
  const name = tensor.place.get('location') ?? '';
  const isPlain = /^[^/\\:\p{Cc}]{1,255}$/u.test(name) && name !== '.' && name !== '..';
  if (isPlain) return name;
  throw refused(
    tensor,
    `${JSON.stringify(name.slice(0, 100))} is not the name of a file in the same folder; save the model without external data`,
  );
}

function inlined(tensor: ExternalTensor, files: FilesBeside): Uint8Array {
  const { bytes, place, rest } = tensor;
  if (bytes === undefined) throw refused(tensor, 'tensors of its type or shape cannot be stored there');
  const offset = wholeNumber(tensor, 'offset') ?? 0;
  const length = wholeNumber(tensor, 'length') ?? bytes;
  if (length !== bytes) throw refused(tensor, `its length is ${length}, but its shape and type need ${bytes} bytes`);
  const raw = readRange(tensor, files[place.get('location') ?? ''] ?? '', { offset, length });
  return joined([...rest.map(({ whole }) => whole), lengthDelimited(tensorField.raw, raw)]);
}

function wholeNumber(tensor: ExternalTensor, key: string): number | undefined {
  const text = tensor.place.get(key);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw refused(tensor, `its ${key} is ${JSON.stringify(text.slice(0, 40))}, which is not a whole number`);
}

/** Reads a range of the file that was opened and checked, even if its name was replaced meanwhile. */
function readRange(
  tensor: ExternalTensor,
  path: string,
  { offset, length }: { readonly offset: number; readonly length: number },
): Uint8Array {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const found = fstatSync(file);
    if (!found.isFile() || offset + length > found.size)
      throw refused(
        tensor,
        `the tensor refers to bytes ${offset} to ${offset + length}, but the file has ${found.size}`,
      );
    const raw = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const read = readSync(file, raw, at, length - at, offset + at);
      if (read === 0) throw refused(tensor, 'the file ended while it was read');
      at += read;
    }
    return raw;
  } finally {
    closeSync(file);
  }
}

function refused({ name }: Pick<ExternalTensor, 'name'>, reason: string): PerennialError {
  const tensor = name === '' ? 'without a name' : `"${name.slice(0, 100)}"`;
  return new PerennialError('artifact-invalid', `model.onnx stores the tensor ${tensor} in another file: ${reason}`, {
    tensor: name.slice(0, 100),
  });
}
