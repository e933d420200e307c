import type { Cell } from './data-types.ts';

/**
 * How a column's values are stored. `boolean` is stored like `number`, as 0 and 1. Integers beyond 2^53 are `text`, as
 * digits.
 */
export type StoredKind = 'number' | 'boolean' | 'text';

/** Texts of one column: a code per row that points into `texts`; `missingCode` if the row has no value. */
export interface TextColumn {
  readonly codes: Int32Array;
  readonly texts: readonly string[];
}

export const missingCode = -1;

/** Names and kinds of a batch's columns. It is made once per model version and shared by all its batches. */
export interface BatchLayout {
  readonly names: readonly string[];
  readonly kinds: readonly StoredKind[];
  /** For each column its index among the number and boolean columns, or among the text columns. */
  readonly places: readonly number[];
  readonly numbers: number;
  readonly texts: number;
}

/**
 * A bounded batch of rows, stored by column in typed arrays: no object per row. A missing number or boolean is NaN,
 * which is never a value of its own here.
 */
export interface ColumnBatch {
  readonly layout: BatchLayout;
  readonly rows: number;
  /** The number and boolean columns one after the other, each of length `rows`. */
  readonly numbers: Float64Array;
  readonly texts: readonly TextColumn[];
}

export function layoutOf(names: readonly string[], kinds: readonly StoredKind[]): BatchLayout {
  let numbers = 0;
  let texts = 0;
  const places = kinds.map((kind) => (kind === 'text' ? texts++ : numbers++));
  return { names, kinds, places, numbers, texts };
}

/** Returns the values of a number or boolean column, without a copy. */
export function numbersIn({ layout, rows, numbers }: ColumnBatch, column: number): Float64Array {
  const place = layout.places[column] ?? 0;
  return numbers.subarray(place * rows, (place + 1) * rows);
}

export function textsIn({ layout, texts }: ColumnBatch, column: number): TextColumn {
  return texts[layout.places[column] ?? 0] ?? { codes: new Int32Array(), texts: [] };
}

/** Returns one value as a JSON cell. */
export function cellIn(batch: ColumnBatch, column: number, row: number): Cell {
  const kind = batch.layout.kinds[column];
  if (kind === 'text') {
    const { codes, texts } = textsIn(batch, column);
    return texts[codes[row] ?? missingCode] ?? null;
  }
  const value = batch.numbers[(batch.layout.places[column] ?? 0) * batch.rows + row] ?? Number.NaN;
  if (Number.isNaN(value)) return null;
  return kind === 'boolean' ? value === 1 : value;
}

/** Returns the rows from `from` (inclusive) to `to` (exclusive). */
export function sliceOfBatch(batch: ColumnBatch, from: number, to: number): ColumnBatch {
  const rows = to - from;
  const numbers = new Float64Array(batch.layout.numbers * rows);
  for (let place = 0; place < batch.layout.numbers; place += 1)
    numbers.set(batch.numbers.subarray(place * batch.rows + from, place * batch.rows + to), place * rows);
  const texts = batch.texts.map((column) => ({ codes: column.codes.subarray(from, to), texts: column.texts }));
  return { layout: batch.layout, rows, numbers, texts };
}

/** Puts batches of one layout below one another. */
export function joinBatches(batches: readonly ColumnBatch[]): ColumnBatch {
  const [first] = batches;
  if (first === undefined) throw new RangeError('there is no batch to join');
  if (batches.length === 1) return first;
  const { layout } = first;
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const numbers = new Float64Array(layout.numbers * rows);
  let offset = 0;
  for (const batch of batches) {
    for (let place = 0; place < layout.numbers; place += 1)
      for (let row = 0; row < batch.rows; row += 1)
        numbers[place * rows + offset + row] = batch.numbers[place * batch.rows + row] ?? Number.NaN;
    offset += batch.rows;
  }
  const texts = first.texts.map((_, place) =>
    joinTexts(
      batches.map((batch) => batch.texts[place]),
      rows,
    ),
  );
  return { layout, rows, numbers, texts };
}

function joinTexts(columns: readonly (TextColumn | undefined)[], rows: number): TextColumn {
  const codes = new Int32Array(rows);
  const texts: string[] = [];
  let offset = 0;
  for (const column of columns) {
    if (column === undefined) continue;
    for (let row = 0; row < column.codes.length; row += 1) {
      const code = column.codes[row] ?? missingCode;
      codes[offset + row] = code === missingCode ? missingCode : code + texts.length;
    }
    texts.push(...column.texts);
    offset += column.codes.length;
  }
  return { codes, texts };
}

/** Collects the texts of a column, each distinct text once. */
export class TextColumnWriter {
  readonly #codes: Int32Array;
  readonly #texts: string[] = [];
  readonly #known: Map<string, number> | undefined;

  /** @param isUnique whether a text hardly ever occurs twice; equal ones are then kept twice. */
  constructor(rows: number, isUnique = false) {
    this.#codes = new Int32Array(rows).fill(missingCode);
    this.#known = isUnique ? undefined : new Map();
  }

  set(row: number, text: string): void {
    let code = this.#known?.get(text);
    if (code === undefined) {
      code = this.#texts.push(text) - 1;
      this.#known?.set(text, code);
    }
    this.#codes[row] = code;
  }

  get column(): TextColumn {
    return { codes: this.#codes, texts: this.#texts };
  }
}
