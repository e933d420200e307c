import type { ClassValue } from '../../contracts/models/signature.ts';

/** One label per row in typed arrays, or none. Each distinct class is kept once. */
export class LabelColumn {
  readonly rows: number;
  /** NaN for a row without a label. Absent if labels are classes. */
  #numbers: Float64Array | null;
  /** 0 for a row without a label, otherwise the place in `#classes` plus 1. */
  #codes = new Int32Array();
  readonly #classes: ClassValue[] = [];
  readonly #places = new Map<ClassValue, number>();

  constructor(rows: number, kind: 'number' | 'class') {
    this.rows = rows;
    this.#numbers = kind === 'number' ? new Float64Array() : null;
  }

  set(row: number, label: ClassValue): void {
    if (this.#numbers !== null) {
      // Rows without any label take no memory.
      if (this.#numbers.length === 0) this.#numbers = new Float64Array(this.rows).fill(Number.NaN);
      this.#numbers[row] = Number(label);
      return;
    }
    let place = this.#places.get(label);
    if (place === undefined) {
      place = this.#classes.push(label);
      this.#places.set(label, place);
    }
    if (this.#codes.length === 0) this.#codes = new Int32Array(this.rows);
    this.#codes[row] = place;
  }

  at(row: number): ClassValue | null {
    if (this.#numbers === null) return this.#classes[(this.#codes[row] ?? 0) - 1] ?? null;
    const number = this.#numbers[row] ?? Number.NaN;
    return Number.isNaN(number) ? null : number;
  }

  /** Returns the labels as numbers, ascending; empty if they are classes. */
  sortedNumbers(): Float64Array {
    return (this.#numbers ?? new Float64Array()).filter((label) => !Number.isNaN(label)).sort();
  }

  /** Returns how often each class occurs. */
  classCounts(): Map<ClassValue, number> {
    const counts = new Int32Array(this.#classes.length + 1);
    for (const code of this.#codes) counts[code] = (counts[code] ?? 0) + 1;
    return new Map(this.#classes.map((value, at) => [value, counts[at + 1] ?? 0]));
  }

  /** Returns the number of rows with a label. */
  count(): number {
    let count = 0;
    for (let row = 0; row < this.rows; row += 1) if (this.at(row) !== null) count += 1;
    return count;
  }
}
