import { PerennialError } from '../../../../contracts/errors.ts';

/** One field of a message: its number, its varint or content bytes, and its whole encoding. */
export interface ProtobufField {
  readonly number: number;
  readonly bytes: Uint8Array | undefined;
  readonly varint: bigint | undefined;
  /** Tag, length and content. */
  readonly whole: Uint8Array;
}

/** Reads the fields of a protobuf message in order, without copying. Throws `artifact-invalid`. */
export function* fieldsOf(bytes: Uint8Array): Generator<ProtobufField> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw broken('it ends in the middle of a field');
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw broken('it has a number that does not end');
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw broken('it ends in the middle of a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const begin = at;
    const tag = varint();
    const number = Number(tag >> 3n);
    const wireType = Number(tag & 7n);
    const wholeNumber = wireType === 0 ? varint() : undefined;
    const content = wireType === 0 ? undefined : take(lengthOf(wireType, varint));
    const message = wireType === 2 ? content : undefined;
    yield { number, bytes: message, varint: wholeNumber, whole: bytes.subarray(begin, at) };
  }
}

function lengthOf(wireType: number, varint: () => bigint): number {
  if (wireType === 2) return Number(varint());
  if (wireType === 1) return 8;
  if (wireType === 5) return 4;
  throw broken(`ONNX has no wire type ${wireType}`);
}

/** Returns the signed 64-bit integers of a repeated field, packed or not. */
export function unpackedVarints({ varint, bytes }: Pick<ProtobufField, 'varint' | 'bytes'>): number[] {
  if (varint !== undefined) return [signed(varint)];
  const values: number[] = [];
  let value = 0n;
  let shift = 0n;
  for (const byte of bytes ?? []) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    values.push(signed(value));
    value = 0n;
    shift = 0n;
  }
  return values;
}

function signed(varint: bigint): number {
  return Number(BigInt.asIntN(64, varint));
}

/** Encodes a length-delimited field: text, bytes or a message. */
export function lengthDelimited(number: number, content: Uint8Array): Uint8Array {
  return joined([encodeVarint((number << 3) | 2), encodeVarint(content.length), content]);
}

export function varintField(number: number, value: number): Uint8Array {
  return joined([encodeVarint(number << 3), encodeVarint(value)]);
}

export function textField(number: number, text: string): Uint8Array {
  return lengthDelimited(number, new TextEncoder().encode(text));
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

export function broken(reason: string): PerennialError {
  return new PerennialError(
    'artifact-invalid',
    `model.onnx is not an ONNX model: ${reason}; write the file again, for example with onnx.save`,
  );
}
