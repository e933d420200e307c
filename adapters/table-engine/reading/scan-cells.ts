import { createReadStream } from 'node:fs';
import { CellForms, emptyState, numberLikeBit } from './cell-forms.ts';
import { longestCell, longestCsvRecord } from './text-records.ts';

/** What the cells of one column have in common. */
export interface CellsOfColumn {
  /** Number of cells that are neither empty nor a text that means a missing value. */
  readonly values: number;
  /** Forms that all of these cells have, and forms that at least one of them has, as bits of `cell-forms.ts`. */
  readonly all: number;
  readonly some: number;
  /** Number of these cells that look like numbers. */
  readonly numberLike: number;
}

export interface CellScan {
  /** Number of records, including the header; blank lines do not count. */
  readonly records: number;
  readonly columns: readonly CellsOfColumn[];
}

interface Dialect {
  readonly delimiter: string;
  /** Number of columns in the header. */
  readonly width: number;
  /** Texts that mean a missing value. */
  readonly nulls: readonly string[];
  /** Number of bytes that are read at once. Default: 1 MiB. */
  readonly chunkBytes?: number;
}

/**
 * Reads a CSV file once and returns the forms of its cells. Returns undefined for a file that needs a closer look: with
 * a quote that is never closed or is followed by text, an empty quoted field, a NUL byte, a value or record that is too
 * long, or a record with more or fewer values than the header.
 */
export async function scanCells(path: string, dialect: Dialect): Promise<CellScan | undefined> {
  const scanner = new CellScanner(dialect);
  for await (const chunk of createReadStream(path, {
    highWaterMark: dialect.chunkBytes ?? 2 ** 20,
  }) as AsyncIterable<Buffer>) {
    scanner.take(chunk);
    if (scanner.isOdd) return undefined;
  }
  return scanner.finish();
}

const newline = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;

/** Follows the records and cells of a file by the rules of `RecordScanner`. */
class CellScanner {
  isOdd = false;
  #records = 0;
  readonly #width: number;
  readonly #delimiter: number;
  readonly #marks: ReadonlySet<number>;
  readonly #cells: CellForms;
  readonly #nulls: NullTexts | undefined;
  /** Number of values by `state * width + column`. It grows with the states that occur. */
  #counts: Float64Array;
  #column = 0;
  #state = emptyState;
  #mode: 'plain' | 'quoted' | 'closing' = 'plain';
  #null = 0;
  /** Positions in the file. */
  #base = 0;
  #cellStart = 0;
  #recordStart = 0;
  #afterReturn = -1;

  constructor({ delimiter, width, nulls }: Dialect) {
    this.#width = width;
    this.#delimiter = delimiter.charCodeAt(0);
    this.#marks = new Set([0, quote, newline, carriageReturn, this.#delimiter]);
    this.#cells = new CellForms(this.#marks);
    this.#nulls = nulls.some((text) => text !== '') ? new NullTexts(nulls) : undefined;
    this.#counts = new Float64Array(32 * width);
  }

  take(chunk: Buffer): void {
    // A byte order mark is not part of the first cell.
    const hasMark = this.#base === 0 && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    if (hasMark) this.#cellStart = this.#recordStart = 3;
    for (let at = hasMark ? 3 : 0; at < chunk.length && !this.isOdd;) {
      at = this.#mode === 'plain' && this.#nulls === undefined ? this.#takePlain(chunk, at) : at;
      if (at < chunk.length && !this.isOdd) this.#takeByte(chunk[at] ?? 0, this.#base + at);
      at += 1;
    }
    this.#base += chunk.length;
    if (this.#base - this.#recordStart > longestCsvRecord) this.isOdd = true;
  }

  /** Takes bytes up to the next one that `takeByte` must see. This loop reads nearly every byte of a file. */
  #takePlain(chunk: Buffer, from: number): number {
    if (this.#records === 0) return from;
    const [cells, base, width, delimiter] = [this.#cells, this.#base, this.#width, this.#delimiter];
    const { next } = cells;
    const [end, last] = [chunk.length, width - 1];
    let [state, column, cellStart, counts] = [this.#state, this.#column, this.#cellStart, this.#counts];
    let at = from;
    for (; at < end; at += 1) {
      const byte = chunk[at] ?? 0;
      const following = next[(state << 8) | byte] ?? 0;
      if (following !== 0) {
        state = following;
        continue;
      }
      const isEnd = byte === newline;
      if (byte !== delimiter && !isEnd) {
        if (this.#marks.has(byte)) break;
        state = cells.grow(state, byte);
        counts = this.#countsUpTo(state);
        continue;
      }
      const position = base + at + 1;
      if (isEnd ? column !== last || position - 1 <= this.#recordStart : column >= last) break;
      if (state !== emptyState) {
        const place = state * width + column;
        counts[place] = (counts[place] ?? 0) + 1;
        state = emptyState;
      }
      if (position - cellStart > longestCell) this.isOdd = true;
      cellStart = position;
      column += 1;
      if (!isEnd) continue;
      if (position - this.#recordStart > longestCsvRecord) this.isOdd = true;
      this.#recordStart = position;
      this.#records += 1;
      column = 0;
    }
    [this.#state, this.#column, this.#cellStart] = [state, column, cellStart];
    return at;
  }

  #takeByte(byte: number, at: number): void {
    const isLineEnd = byte === newline || byte === carriageReturn;
    if (byte === 0) this.isOdd = true;
    else if (byte === quote) this.#quote(at);
    else if (this.#mode === 'quoted' || !this.#marks.has(byte)) {
      // Text after the closing quote.
      if (this.#mode === 'closing') this.isOdd = true;
      this.#content(byte);
    } else if (!isLineEnd) {
      this.#endCell(at);
      this.#column += 1;
    } else {
      const isSecondHalf = byte === newline && this.#afterReturn === at;
      if (byte === carriageReturn) this.#afterReturn = at + 1;
      if (!isSecondHalf && at > this.#recordStart) this.#endRecord(at);
      this.#cellStart = this.#recordStart = at + 1;
    }
  }

  finish(): CellScan | undefined {
    if (this.#mode === 'quoted') return undefined;
    if (this.#base > this.#recordStart) this.#endRecord(this.#base);
    if (this.isOdd) return undefined;
    return { records: this.#records, columns: Array.from({ length: this.#width }, (_, at) => this.#cellsOf(at)) };
  }

  #cellsOf(column: number): CellsOfColumn {
    let cells: CellsOfColumn = { values: 0, all: -1, some: 0, numberLike: 0 };
    for (let state = 0, place = column; place < this.#counts.length; state += 1, place += this.#width) {
      const count = this.#counts[place] ?? 0;
      if (count === 0) continue;
      const forms = this.#cells.forms[state] ?? 0;
      cells = {
        values: cells.values + count,
        all: cells.all & forms,
        some: cells.some | forms,
        numberLike: cells.numberLike + ((forms & numberLikeBit) === 0 ? 0 : count),
      };
    }
    return cells;
  }

  #quote(at: number): void {
    if (this.#mode === 'quoted') this.#mode = 'closing';
    else if (this.#mode === 'closing') {
      // Two adjacent quotes within a quoted cell stand for one quote.
      this.#mode = 'quoted';
      this.#content(quote);
    } else if (at === this.#cellStart) this.#mode = 'quoted';
    else this.#content(quote);
  }

  #content(byte: number): void {
    this.#state = this.#cells.next[(this.#state << 8) | byte] || this.#cells.grow(this.#state, byte);
    if (this.#nulls !== undefined) this.#null = this.#nulls.step(this.#null, byte);
  }

  #count(column: number, state: number): void {
    const [counts, place] = [this.#countsUpTo(state), state * this.#width + column];
    counts[place] = (counts[place] ?? 0) + 1;
  }

  /** Returns the counts, with places for a state. */
  #countsUpTo(state: number): Float64Array {
    const needed = (state + 1) * this.#width;
    if (needed > this.#counts.length) {
      const grown = new Float64Array(Math.max(needed, 2 * this.#counts.length));
      grown.set(this.#counts);
      this.#counts = grown;
    }
    return this.#counts;
  }

  #endRecord(at: number): void {
    this.#endCell(at);
    if (this.#column !== this.#width - 1 || at - this.#recordStart > longestCsvRecord) this.isOdd = true;
    this.#records += 1;
    this.#column = 0;
  }

  #endCell(at: number): void {
    const column = this.#column;
    if (at - this.#cellStart > longestCell || column >= this.#width) this.isOdd = true;
    const isEmpty = this.#state === emptyState;
    if (isEmpty && this.#mode === 'closing') this.isOdd = true;
    const isMissing = isEmpty || (this.#nulls !== undefined && this.#nulls.has(this.#null));
    if (this.#records > 0 && !isMissing && !this.isOdd) this.#count(column, this.#state);
    this.#state = emptyState;
    this.#null = 0;
    this.#mode = 'plain';
    this.#cellStart = at + 1;
  }
}

/** Recognises the texts that mean a missing value, byte by byte. */
class NullTexts {
  readonly #next: Map<number, number>[] = [new Map()];
  readonly #ends = new Set<number>();

  constructor(texts: readonly string[]) {
    for (const text of texts) {
      let state = 0;
      for (const byte of Buffer.from(text)) {
        const known = this.#next[state]?.get(byte) ?? this.#next.push(new Map()) - 1;
        this.#next[state]?.set(byte, known);
        state = known;
      }
      if (text !== '') this.#ends.add(state);
    }
  }

  step(state: number, byte: number): number {
    return state === -1 ? -1 : (this.#next[state]?.get(byte) ?? -1);
  }

  has(state: number): boolean {
    return this.#ends.has(state);
  }
}
