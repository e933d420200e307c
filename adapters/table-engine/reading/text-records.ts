import { createReadStream } from 'node:fs';

/** Content that a text file must not have: a NUL byte, or a value or line that is too long. */
export type Flaw = 'nul' | 'long-cell' | 'long-line';

export interface RecordScan {
  /** Number of records, including the header; blank lines do not count. */
  readonly records: number;
  /** CSV: number of fields that consist of two quotes and nothing else. */
  readonly quotedEmpty: number;
  /**
   * CSV: whether every field, including those of the header, is quoted. Quotes then do not distinguish empty text from
   * a missing value.
   */
  readonly quotesAll: boolean;
  /** First line of the record in which a quote is still open at the end of the file. */
  readonly openQuote?: number;
  /** The first flaw and its line. The scan stops at it. */
  readonly flaw?: { readonly kind: Flaw; readonly line: number };
}

/** Character that ends a cell; null if each line is a record, whatever it contains (NDJSON). */
export type Delimiter = string | null;

/** Maximum size in bytes of a value, of a CSV record and of an NDJSON record. */
export const longestCell = 2 ** 20;
export const longestCsvRecord = 2_000_000;
export const longestNdjsonRecord = 2 ** 24;

const quote = 0x22;
const newline = 0x0a;
const carriageReturn = 0x0d;

/**
 * Scans the records of a text file without parsing their values. DuckDB silently drops everything after a quote that is
 * never closed. The scan finds such a quote, and its record count shows whether any other row was lost.
 */
export async function scanRecords(path: string, delimiter: Delimiter): Promise<RecordScan> {
  const scanner = new RecordScanner(delimiter);
  let records = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
    scanner.take(chunk, (isBlank) => {
      if (!isBlank) records += 1;
      return false;
    });
    if (scanner.flaw) return { records, ...scanner.quoting, flaw: scanner.flaw };
  }
  if (scanner.isWithin) {
    records += 1;
    scanner.endField();
  }
  return { records, ...scanner.quoting, ...(scanner.isOpen ? { openQuote: scanner.line } : {}) };
}

/**
 * Returns the line on which a file's `record`-th record begins. Both count from 1, and the header is record 1. They
 * differ if cells contain line breaks or lines are blank. Reads the file, so use it for messages only.
 */
export async function lineOfRecord(
  path: string,
  delimiter: Delimiter,
  record: number,
  options: { readonly countBlank: boolean },
): Promise<number> {
  const [line = record] = await linesOfRecords(path, delimiter, [record], options);
  return line;
}

/**
 * Returns the lines on which the given records begin. The records must be in ascending order; the file is read once.
 */
export async function linesOfRecords(
  path: string,
  delimiter: Delimiter,
  records: readonly number[],
  { countBlank }: { readonly countBlank: boolean },
): Promise<readonly number[]> {
  const scanner = new RecordScanner(delimiter);
  const lines: number[] = [];
  let passed = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    const stopped = scanner.take(chunk, (isBlank) => {
      if (countBlank || !isBlank) passed += 1;
      if (passed === records[lines.length]) lines.push(scanner.line);
      return lines.length === records.length;
    });
    if (stopped) return lines;
  }
  // The last record may have no line break at its end.
  if (lines.length < records.length) lines.push(scanner.line);
  return lines;
}

/**
 * Finds where records end, by the rules of RFC 4180 and DuckDB: a quote opens a cell only as the cell's first
 * character.
 */
class RecordScanner {
  /** Line on which the current record began. */
  line = 1;
  flaw: RecordScan['flaw'];
  readonly #delimiter: number | null;
  readonly #longestRecord: number;
  #cell = 0;
  #quotes = 0;
  #quotedEmpty = 0;
  #unquoted = 0;
  #state: 'start' | 'plain' | 'quoted' | 'closing' = 'start';
  #newlines = 0;
  #length = 0;
  #previous = 0;
  #atFileStart = true;

  constructor(delimiter: Delimiter) {
    this.#delimiter = delimiter === null ? null : delimiter.charCodeAt(0);
    this.#longestRecord = delimiter === null ? longestNdjsonRecord : longestCsvRecord;
  }

  get isOpen(): boolean {
    return this.#state === 'quoted';
  }

  get quoting(): Pick<RecordScan, 'quotedEmpty' | 'quotesAll'> {
    return { quotedEmpty: this.#quotedEmpty, quotesAll: this.#unquoted === 0 };
  }

  get isWithin(): boolean {
    return this.#length > 0;
  }

  /**
   * Calls `onEnd` at the end of each record, while `line` is still the first line of that record. Returns true if
   * `onEnd` asked to stop.
   */
  take(chunk: Buffer, onEnd: (isBlank: boolean) => boolean): boolean {
    // A byte order mark is not part of the first cell.
    const start = this.#atFileStart && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? 3 : 0;
    this.#atFileStart = false;
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      const isSecondHalf = byte === newline && this.#previous === carriageReturn;
      this.#previous = byte;
      if (isSecondHalf) continue;
      const endsLine = byte === newline || byte === carriageReturn;
      if (endsLine) this.#newlines += 1;
      if (endsLine && this.#state !== 'quoted') {
        if (onEnd(this.#length === 0)) return true;
        if (this.#length > 0) this.endField();
        this.line += this.#newlines;
        this.#newlines = 0;
        this.#length = 0;
        this.#cell = 0;
        this.#state = 'start';
      } else {
        this.#length += 1;
        if (this.#delimiter !== null) this.#step(byte, this.#delimiter);
        if (byte === 0 || this.#cell > longestCell || this.#length > this.#longestRecord) this.#note(byte);
      }
    }
    return false;
  }

  /** Counts the field that ends here. */
  endField(): void {
    if (this.#quotes === 0 || this.#state === 'plain' || this.#state === 'start') this.#unquoted += 1;
    else if (this.#quotes === 2 && this.#cell === 0) this.#quotedEmpty += 1;
    this.#quotes = 0;
  }

  #note(byte: number): void {
    const kind = byte === 0 ? 'nul' : this.#cell > longestCell ? 'long-cell' : 'long-line';
    // The usual cause of a long value is an unclosed quote before it, so the reported line is the one where the record
    // began.
    this.flaw ??= { kind, line: kind === 'nul' ? this.line + this.#newlines : this.line };
  }

  #step(byte: number, delimiter: number): void {
    if (byte === quote) this.#quotes += 1;
    if (byte === delimiter && this.#state !== 'quoted') this.endField();
    if (byte !== quote) this.#cell += 1;
    if (this.#state === 'quoted') {
      if (byte === quote) this.#state = 'closing';
    } else if (byte === quote && this.#state !== 'plain') {
      this.#state = 'quoted';
    } else {
      this.#state = byte === delimiter ? 'start' : 'plain';
      if (byte === delimiter) this.#cell = 0;
    }
  }
}
