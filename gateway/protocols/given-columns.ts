/** The values that a request gives for one column. */
export interface GivenColumn {
  readonly length: number;
  /** Returns the value as the request has it; null or `undefined`: missing. */
  at(row: number): unknown;
}

/** Values of which every `width`th belongs to the column, beginning with the one at `from`. */
export class ListedColumn implements GivenColumn {
  readonly length: number;
  readonly #values: ArrayLike<unknown>;
  readonly #from: number;
  readonly #width: number;

  constructor(values: ArrayLike<unknown>, from = 0, width = 1) {
    this.length = Math.ceil((values.length - from) / width);
    this.#values = values;
    this.#from = from;
    this.#width = width;
  }

  at(row: number): unknown {
    return this.#values[this.#from + row * this.#width];
  }
}

/** One position of rows that are lists. */
export class PlaceInRows implements GivenColumn {
  readonly length: number;
  readonly #rows: readonly (readonly unknown[])[];
  readonly #place: number;

  constructor(rows: readonly (readonly unknown[])[], place: number) {
    this.length = rows.length;
    this.#rows = rows;
    this.#place = place;
  }

  at(row: number): unknown {
    return this.#rows[row]?.[this.#place];
  }
}

/** One name of rows that are objects. A row without the name has no value. */
export class NameInRecords implements GivenColumn {
  readonly length: number;
  readonly #records: readonly Readonly<Record<string, unknown>>[];
  readonly #name: string;

  constructor(records: readonly Readonly<Record<string, unknown>>[], name: string) {
    this.length = records.length;
    this.#records = records;
    this.#name = name;
  }

  at(row: number): unknown {
    const record = this.#records[row];
    return record !== undefined && Object.hasOwn(record, this.#name) ? record[this.#name] : null;
  }
}

/** One value per row for each column that the request names. */
export type NamedColumns = ReadonlyMap<string, GivenColumn>;
