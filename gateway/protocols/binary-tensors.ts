import { isUtf8 } from 'node:buffer';
import { quoted, refuse } from './tensor-columns.ts';

/** The header that tells how many bytes of a body are JSON; binary tensors follow. */
export const jsonLengthHeader = 'inference-header-content-length';

export interface BinaryInput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** `parameters.binary_data_size`. */
  readonly size: unknown;
}

type View = new (buffer: ArrayBuffer) => ArrayLike<number | bigint>;

const views: Readonly<Record<string, { readonly bytes: number; readonly view: View }>> = {
  BOOL: { bytes: 1, view: Uint8Array },
  INT8: { bytes: 1, view: Int8Array },
  UINT8: { bytes: 1, view: Uint8Array },
  INT16: { bytes: 2, view: Int16Array },
  UINT16: { bytes: 2, view: Uint16Array },
  FP16: { bytes: 2, view: Float16Array },
  INT32: { bytes: 4, view: Int32Array },
  UINT32: { bytes: 4, view: Uint32Array },
  FP32: { bytes: 4, view: Float32Array },
  INT64: { bytes: 8, view: BigInt64Array },
  UINT64: { bytes: 8, view: BigUint64Array },
  FP64: { bytes: 8, view: Float64Array },
};

/**
 * Reads the binary tensors of a body one after the other, as the protocol's extension describes them: little-endian
 * values in row order; a text is its length in four bytes and its UTF-8.
 */
export class BinaryTensors {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param bytes what follows the JSON. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Returns the values of the next tensor. Throws `invalid-request` if its bytes do not fit its shape and datatype. */
  next({ name, datatype, shape, size }: BinaryInput): ArrayLike<unknown> {
    const refuseInput = (problem: string) => refuse(`input ${quoted(name)}: ${problem}`, { input: name });
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      throw refuseInput('"binary_data_size" must be a number of bytes');
    const left = this.#bytes.length - this.#at;
    if (size > left)
      throw refuseInput(
        `"binary_data_size" is ${size} bytes, but the body has only ${left} more; send the header Inference-Header-Content-Length with the number of bytes of the JSON`,
      );
    const bytes = this.#bytes.subarray(this.#at, this.#at + size);
    this.#at += size;
    const count = shape.reduce((product, length) => product * length, 1);
    if (datatype === 'BYTES') return textsIn(bytes, count, refuseInput);
    const known = Object.hasOwn(views, datatype) ? views[datatype] : undefined;
    if (known === undefined)
      throw refuseInput(`the datatype ${datatype.slice(0, 20)} is not supported in binary tensors`);
    if (size !== count * known.bytes)
      throw refuseInput(
        `"binary_data_size" is ${size} bytes, but ${count} values of datatype ${datatype} have ${count * known.bytes}`,
      );
    // A copy, because the values may begin anywhere, and a typed array only at a multiple of their size.
    return new known.view(Uint8Array.from(bytes).buffer);
  }

  /** Throws `invalid-request` if bytes are left that belong to no tensor. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0)
      throw refuse(`the body has ${left} bytes after its last tensor; check "binary_data_size" of the inputs`);
  }
}

function textsIn(bytes: Uint8Array, count: number, refuseInput: (problem: string) => Error): readonly string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts: string[] = [];
  let at = 0;
  while (at < buffer.length && texts.length <= count) {
    const end = at + 4 <= buffer.length ? at + 4 + buffer.readUInt32LE(at) : Infinity;
    if (end > buffer.length) throw refuseInput(`text ${texts.length} is longer than the tensor`);
    const text = buffer.subarray(at + 4, end);
    if (!isUtf8(text)) throw refuseInput(`text ${texts.length} is not UTF-8; encode it as UTF-8`);
    texts.push(text.toString('utf8'));
    at = end;
  }
  if (texts.length !== count)
    throw refuseInput(
      `the shape requires ${count} texts, but the tensor has ${texts.length}${at < buffer.length ? ' or more' : ''}`,
    );
  return texts;
}
