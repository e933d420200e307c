import { crc32 } from 'node:zlib';
import type { ClassValue } from '../../models/signature.ts';
import type { PredictionRecord } from '../prediction.ts';
import type { BlockContext } from './block-format.ts';
import {
  blockFlags,
  blockRoles,
  blockVersion,
  continuedVersion,
  headerBytes,
  roleShift,
  uncheckedBytes,
} from './block-format.ts';
import { aligned, alignment } from './block-writer.ts';

/** Texts in UTF-8. */
export interface EncodedTexts {
  readonly count: number;
  readonly lengths: Uint32Array;
  readonly bytes: Buffer;
}

export interface CodedTexts {
  readonly texts: EncodedTexts;
  readonly codes: Int32Array;
}

/** Numbers of one output, `width` per row. */
export interface WideNumbers {
  readonly width: number;
  readonly numbers: Float64Array;
}

/** A decoded block. Its arrays are views of the bytes that it was read from. */
export interface DecodedBlock {
  readonly rows: number;
  readonly role: PredictionRecord['role'];
  readonly replay: boolean;
  readonly recordedAt: number;
  readonly context: BlockContext;
  readonly eventTimes: Float64Array | null;
  readonly request: Uint8Array | null;
  /** Row of the request that is the block's first row. */
  readonly firstRow: number;
  readonly ids: EncodedTexts;
  /** Number and boolean columns, one after the other. */
  readonly numbers: Float64Array;
  readonly numberColumns: number;
  readonly texts: readonly CodedTexts[];
  readonly predictions: Float64Array | { readonly labels: readonly ClassValue[]; readonly codes: Int32Array };
  readonly probabilities: WideNumbers | null;
  /** In the order of the context's names. */
  readonly vectors: readonly WideNumbers[];
  readonly failures: { readonly reasons: EncodedTexts; readonly rows: Int32Array } | null;
}

/** A block whose bytes are not those that were written. */
export class BrokenBlockError extends Error {
  override readonly name = 'BrokenBlockError';
}

/** Returns each text's bytes, without a copy. */
export function* eachText({ lengths, bytes }: EncodedTexts): Generator<Buffer> {
  let at = 0;
  for (const length of lengths) {
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/**
 * Returns the length of the block that begins at `at`, or `torn` if the file ends before the block does: the process was
 * killed while it wrote the block, and had not answered yet. Throws `BrokenBlockError` if these bytes do not begin a
 * block.
 *
 * @param remaining number of bytes from the block's first byte to the end of the file.
 */
export function blockLength(bytes: Uint8Array, at: number, remaining: number): number | 'torn' {
  if (remaining < headerBytes) return 'torn';
  const length = wordAt(bytes, at);
  if (~length >>> 0 !== wordAt(bytes, at + 4) || length < headerBytes || length % alignment !== 0)
    throw new BrokenBlockError('the length of a block does not match its complement');
  return length > remaining ? 'torn' : length;
}

/** Reads an unsigned, little-endian 32-bit integer. */
function wordAt(bytes: Uint8Array, at: number): number {
  const [first = 0, second = 0, third = 0, fourth = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return (first | (second << 8) | (third << 16) | (fourth << 24)) >>> 0;
}

/** Throws `BrokenBlockError` if the block's bytes do not match its checksum or its version is unknown. */
export function checkBlock(block: Uint8Array): void {
  if (crc32(block.subarray(uncheckedBytes)) !== wordAt(block, 8))
    throw new BrokenBlockError('the checksum of a block does not match its bytes');
  const version = wordAt(block, 12);
  if (version !== blockVersion && version !== continuedVersion)
    throw new BrokenBlockError(`a block has version ${version}, which is unknown`);
}

/** Decodes blocks, and parses each distinct context once. */
export class BlockDecoder {
  readonly #contexts = new Map<string, BlockContext>();

  /** Decodes a block that begins at a multiple of 8 in its buffer. Throws `BrokenBlockError`. */
  decode(block: Uint8Array): DecodedBlock {
    const section = new Sections(block);
    const [rows, flags] = section.pair();
    const [recordedAt = 0] = section.doubles(1);
    const context = this.#context(section.texts().bytes);
    const eventTimes = flags & blockFlags.eventTimes ? section.doubles(rows) : null;
    const request = flags & blockFlags.request ? section.texts().bytes : null;
    const [firstRow] = flags & blockFlags.continued ? section.pair() : [0];
    const ids = section.texts();
    const [numberColumns, textColumns] = section.pair();
    const numbers = section.doubles(numberColumns * rows);
    const texts = Array.from({ length: textColumns }, () => section.coded(rows));
    const predictions = flags & blockFlags.labels ? labelsIn(section.coded(rows)) : section.doubles(rows);
    const probabilities = flags & blockFlags.probabilities ? section.wide(rows) : null;
    const vectors = context.vectors.map(() => section.wide(rows));
    const failures = flags & blockFlags.failures ? failuresIn(section) : null;
    const role = blockRoles[flags >>> roleShift];
    if (role === undefined || ids.count !== rows || !section.ended)
      throw new BrokenBlockError('the sections of a block contradict each other');
    const replay = (flags & blockFlags.replay) !== 0;
    return {
      rows,
      role,
      replay,
      recordedAt,
      context,
      eventTimes,
      request,
      firstRow,
      ids,
      numbers,
      numberColumns,
      texts,
      predictions,
      probabilities,
      vectors,
      failures,
    };
  }

  #context(bytes: Buffer): BlockContext {
    const text = bytes.toString('utf8');
    let context = this.#contexts.get(text);
    if (context === undefined) this.#contexts.set(text, (context = contextIn(JSON.parse(text))));
    return context;
  }
}

/** Checked by hand, because the process that seals segments loads no schemas. */
function contextIn(value: unknown): BlockContext {
  if (typeof value === 'object' && value !== null) {
    const { release, modelVersion, generation, vectors }: Partial<Record<keyof BlockContext, unknown>> = value;
    if (
      typeof release === 'string' &&
      typeof modelVersion === 'number' &&
      typeof generation === 'number' &&
      Array.isArray(vectors) &&
      vectors.every((name: unknown): name is string => typeof name === 'string')
    )
      return { release, modelVersion, generation, vectors };
  }
  throw new BrokenBlockError('the context of a block is not one');
}

function labelIn(value: unknown): ClassValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw new BrokenBlockError('a label of a block is neither text, number nor truth value');
}

function labelsIn({ texts, codes }: CodedTexts): DecodedBlock['predictions'] {
  return { labels: [...eachText(texts)].map((text) => labelIn(JSON.parse(text.toString('utf8')))), codes };
}

function failuresIn(section: Sections): NonNullable<DecodedBlock['failures']> {
  const reasons = section.texts();
  return { reasons, rows: section.words(reasons.count) };
}

/** Reads the sections of a block one after the other. */
class Sections {
  readonly #block: Uint8Array;
  #at = headerBytes;

  constructor(block: Uint8Array) {
    this.#block = block;
  }

  get ended(): boolean {
    return this.#at === this.#block.length;
  }

  pair(): readonly [number, number] {
    const at = this.#take(8);
    const [first = 0, second = 0] = new Uint32Array(this.#block.buffer, at, 2);
    return [first, second];
  }

  doubles(count: number): Float64Array {
    return new Float64Array(this.#block.buffer, this.#take(count * 8), count);
  }

  words(count: number): Int32Array {
    return new Int32Array(this.#block.buffer, this.#take(count * 4), count);
  }

  texts(): EncodedTexts {
    const [count, total] = this.pair();
    const at = this.#take(count * 4 + total);
    const lengths = new Uint32Array(this.#block.buffer, at, count);
    return { count, lengths, bytes: Buffer.from(this.#block.buffer, at + count * 4, total) };
  }

  coded(rows: number): CodedTexts {
    const texts = this.texts();
    return { texts, codes: this.words(rows) };
  }

  wide(rows: number): WideNumbers {
    const [width] = this.pair();
    return { width, numbers: this.doubles(width * rows) };
  }

  /** Returns the offset of the next `bytes` bytes in the buffer. */
  #take(bytes: number): number {
    const at = this.#at;
    this.#at += aligned(bytes);
    if (this.#at > this.#block.length) throw new BrokenBlockError('a section of a block exceeds the block');
    return this.#block.byteOffset + at;
  }
}
