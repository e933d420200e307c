import { createReadStream } from 'node:fs';

export interface CsvScan {
  /** Records, the header among them; blank lines are none. */
  readonly records: number;
  /** The line of the record whose quote is still open at the end of the file. */
  readonly openQuote?: number;
}

const quote = 0x22;
const newline = 0x0a;
const carriageReturn = 0x0d;

/**
 * Goes through the records of a CSV file without reading their values. DuckDB drops, without a word, what follows a
 * quote that is never closed: this finds it, and the count of records shows that no other row was lost.
 */
export async function scanCsv(path: string, delimiter: string): Promise<CsvScan> {
  const scanner = new RecordScanner(delimiter);
  let records = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
    scanner.take(chunk, (isBlank) => {
      if (!isBlank) records += 1;
      return false;
    });
  }
  if (scanner.isWithin) records += 1;
  return scanner.isOpen ? { records, openQuote: scanner.line } : { records };
}

/**
 * The line on which a file's `record`-th record begins (both count from 1, the header being record 1). They differ
 * where cells hold line breaks and where lines are blank. Reads the file; for messages only.
 */
export async function lineOfRecord(
  path: string,
  delimiter: string,
  record: number,
  { countBlank }: { readonly countBlank: boolean },
): Promise<number> {
  const scanner = new RecordScanner(delimiter);
  let left = record;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    const stopped = scanner.take(chunk, (isBlank) => {
      if (countBlank || !isBlank) left -= 1;
      return left === 0;
    });
    if (stopped) break;
  }
  return scanner.line;
}

/** Where records end, by the rules of RFC 4180 and DuckDB: a quote counts only where a cell begins with it. */
class RecordScanner {
  /** On which line the record at hand began. */
  line = 1;
  readonly #delimiter: number;
  #state: 'start' | 'plain' | 'quoted' | 'closing' = 'start';
  #newlines = 0;
  #length = 0;
  #previous = 0;
  #atFileStart = true;

  constructor(delimiter: string) {
    this.#delimiter = delimiter.charCodeAt(0);
  }

  get isOpen(): boolean {
    return this.#state === 'quoted';
  }

  get isWithin(): boolean {
    return this.#length > 0;
  }

  /** Calls `onEnd` at each record's end, `line` being still its own; true once that asked to stop. */
  take(chunk: Buffer, onEnd: (isBlank: boolean) => boolean): boolean {
    // A byte order mark is no part of the first cell.
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
        this.line += this.#newlines;
        this.#newlines = 0;
        this.#length = 0;
        this.#state = 'start';
      } else {
        this.#length += 1;
        this.#step(byte);
      }
    }
    return false;
  }

  #step(byte: number): void {
    if (this.#state === 'quoted') {
      if (byte === quote) this.#state = 'closing';
    } else if (byte === quote && this.#state !== 'plain') {
      this.#state = 'quoted';
    } else {
      this.#state = byte === this.#delimiter ? 'start' : 'plain';
    }
  }
}
