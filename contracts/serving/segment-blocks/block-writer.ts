const initialBytes = 4096;

/** Sections of a block are aligned to 8 bytes, so that readers can view them as typed arrays without copying. */
export const alignment = 8;

export function aligned(bytes: number): number {
  return (bytes + alignment - 1) & -alignment;
}

/**
 * A growing buffer of sections. Numbers are written in the byte order of the machine, which is little-endian on every
 * supported platform.
 */
export class BlockWriter {
  #length = 0;
  #bytes!: Buffer;
  #doubles!: Float64Array;
  #words!: Int32Array;

  constructor(capacity = initialBytes) {
    this.#allocate(aligned(capacity));
  }

  /** Bytes written so far; a multiple of 8 between two sections. */
  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  /** The bytes written from `from` on, without a copy. The next write may replace them. */
  written(from = 0): Buffer {
    return this.#bytes.subarray(from, this.#length);
  }

  /** Discards everything after the first `length` bytes. */
  cut(length: number): void {
    this.#length = length;
  }

  /** Appends two unsigned 32-bit integers. */
  pair(first: number, second: number): void {
    this.#reserve(8);
    this.setWord(this.#length, first);
    this.setWord(this.#length + 4, second);
    this.#length += 8;
  }

  /** Replaces an unsigned 32-bit integer at a byte offset that is a multiple of 4. */
  setWord(offset: number, value: number): void {
    this.#words[offset >>> 2] = value;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#doubles[this.#length >>> 3] = value;
    this.#length += 8;
  }

  doubles(values: Float64Array): void {
    this.#reserve(values.length * 8);
    this.#doubles.set(values, this.#length >>> 3);
    this.#length += values.length * 8;
  }

  words(values: ArrayLike<number>): void {
    this.#reserve(values.length * 4);
    this.#words.set(values, this.#length >>> 2);
    this.#advance(values.length * 4);
  }

  /** Appends bytes whose number is a multiple of 8. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Appends the number of texts and of bytes, the length of each text in bytes, and the texts in UTF-8. */
  texts(texts: readonly string[]): void {
    const joined = texts.length === 1 ? (texts[0] ?? '') : texts.join('');
    const lengthsAt = this.#length + 8;
    const bytesAt = lengthsAt + texts.length * 4;
    // A UTF-16 code unit takes at most three bytes.
    this.#reserve(bytesAt + joined.length * 3 - this.#length);
    const written = this.#bytes.write(joined, bytesAt, 'utf8');
    const lengths = lengthsAt >>> 2;
    if (written === joined.length)
      for (let at = 0; at < texts.length; at += 1) this.#words[lengths + at] = texts[at]?.length ?? 0;
    else this.#writeEach(texts, lengths, bytesAt);
    const total = written === joined.length ? written : this.#sum(lengths, texts.length);
    this.setWord(this.#length, texts.length);
    this.setWord(this.#length + 4, total);
    this.#advance(bytesAt + total - this.#length);
  }

  /** Texts are written one by one, because joining could make one character of the halves of a surrogate pair. */
  #writeEach(texts: readonly string[], lengths: number, bytesAt: number): void {
    let end = bytesAt;
    for (let at = 0; at < texts.length; at += 1) {
      const bytes = this.#bytes.write(texts[at] ?? '', end, 'utf8');
      this.#words[lengths + at] = bytes;
      end += bytes;
    }
  }

  #sum(lengths: number, count: number): number {
    let sum = 0;
    for (let at = 0; at < count; at += 1) sum += this.#words[lengths + at] ?? 0;
    return sum;
  }

  /** Moves the end by `bytes` and pads it with zeros to the alignment. */
  #advance(bytes: number): void {
    const end = this.#length + bytes;
    this.#length = aligned(end);
    if (end !== this.#length) this.#bytes.fill(0, end, this.#length);
  }

  #reserve(bytes: number): void {
    // Room for the padding of the section too.
    const needed = this.#length + bytes + alignment;
    if (needed <= this.#bytes.length) return;
    const before = this.#bytes;
    this.#allocate(aligned(Math.max(needed, before.length * 2)));
    this.#bytes.set(before.subarray(0, this.#length));
  }

  #allocate(capacity: number): void {
    const buffer = new ArrayBuffer(capacity);
    this.#bytes = Buffer.from(buffer);
    this.#doubles = new Float64Array(buffer);
    this.#words = new Int32Array(buffer);
  }
}
