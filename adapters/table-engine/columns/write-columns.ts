import { type FileHandle, open } from 'node:fs/promises';
import { type DuckDBDataChunk, DuckDBDoubleVector, DuckDBVarCharVector, type DuckDBVector } from '@duckdb/node-api';
import type { StoredKind } from '../../../contracts/data/column-batch.ts';
import { TextColumnWriter } from '../../../contracts/data/column-batch.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { cellOf } from '../typing/cells.ts';
import { type ColumnFile, rowsOfBatch, type StoredBatch } from './column-file.ts';

export interface WrittenColumn {
  readonly name: string;
  readonly kind: StoredKind;
  /** SQL of the value: a DOUBLE for numbers and booleans; any type for texts. */
  readonly sql: string;
  /** Whether a text hardly ever occurs twice, so that looking for equal ones is not worth it. */
  readonly isUnique?: boolean;
}

/**
 * Writes the rows of a query to a file of typed columns, in the query's order.
 *
 * @param from SQL that follows the selected columns.
 */
export async function writeColumns(
  database: LockedDatabase,
  columns: readonly WrittenColumn[],
  from: string,
  path: string,
): Promise<ColumnFile> {
  const selected = columns.map(({ sql }) => sql);
  const file = await open(path, 'w');
  try {
    const writer = new BatchWriter(file, columns);
    const query = `SELECT ${selected.length === 0 ? '1' : selected.join(', ')} FROM ${from}`;
    for await (const chunk of await database.connection.stream(query)) await writer.add(chunk);
    const { rows, batches } = await writer.end();
    return { rows, names: columns.map(({ name }) => name), kinds: columns.map(({ kind }) => kind), batches };
  } finally {
    await file.close();
  }
}

class BatchWriter {
  readonly #file: FileHandle;
  readonly #columns: readonly WrittenColumn[];
  readonly #numbers: readonly (Float64Array | null)[];
  readonly #batches: StoredBatch[] = [];
  #texts: readonly (TextColumnWriter | null)[];
  #filled = 0;
  #rows = 0;

  constructor(file: FileHandle, columns: readonly WrittenColumn[]) {
    this.#file = file;
    this.#columns = columns;
    this.#numbers = columns.map(({ kind }) => (kind === 'text' ? null : new Float64Array(rowsOfBatch)));
    this.#texts = this.#emptyTexts();
  }

  async add(chunk: DuckDBDataChunk): Promise<void> {
    // Each look at the chunk's number of rows is a call of the native library.
    const rows = chunk.rowCount;
    if (this.#filled + rows > rowsOfBatch) await this.#flush();
    for (const [at, numbers] of this.#numbers.entries()) {
      const vector = chunk.getColumnVector(at);
      if (numbers === null) this.#addTexts(vector, at, rows);
      else copyNumbers(vector, rows, numbers, this.#filled);
    }
    this.#filled += rows;
    this.#rows += rows;
  }

  async end(): Promise<Pick<ColumnFile, 'rows' | 'batches'>> {
    await this.#flush();
    return { rows: this.#rows, batches: this.#batches };
  }

  #addTexts(vector: DuckDBVector, at: number, rows: number): void {
    const texts = this.#texts[at];
    const isText = vector instanceof DuckDBVarCharVector;
    for (let row = 0; row < rows; row += 1) {
      const value = vector.getItem(row);
      const text = isText ? value : cellOf(value);
      if (text !== null && text !== undefined) texts?.set(this.#filled + row, String(text));
    }
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    const bytes: number[] = [];
    for (const [at, numbers] of this.#numbers.entries()) {
      const blocks = numbers === null ? this.#textBlocks(at) : [bytesOf(numbers.subarray(0, this.#filled))];
      for (const block of blocks) await this.#file.appendFile(block);
      bytes.push(blocks.reduce((sum, block) => sum + block.length, 0));
    }
    this.#batches.push({ rows: this.#filled, bytes });
    this.#filled = 0;
    this.#texts = this.#emptyTexts();
  }

  #textBlocks(at: number): Uint8Array[] {
    const { codes, texts } = this.#texts[at]?.column ?? { codes: new Int32Array(), texts: [] };
    return [bytesOf(codes.subarray(0, this.#filled)), Buffer.from(JSON.stringify(texts))];
  }

  #emptyTexts(): (TextColumnWriter | null)[] {
    return this.#columns.map(({ kind, isUnique }) =>
      kind === 'text' ? new TextColumnWriter(rowsOfBatch, isUnique) : null,
    );
  }
}

function copyNumbers(vector: DuckDBVector, rows: number, into: Float64Array, from: number): void {
  if (!(vector instanceof DuckDBDoubleVector)) throw new TypeError('a column of numbers is not DOUBLE');
  for (let row = 0; row < rows; row += 1) into[from + row] = vector.getItem(row) ?? Number.NaN;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
