import { closeSync, copyFileSync, openSync, readSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

const limitBytes = 16 * 2 ** 20;
const tailBytes = 16 * 2 ** 10;

/** Log of one part: a file of limited size to which the part itself appends, and the previous file. */
export class PartLog {
  readonly path: string;

  constructor(folder: string, part: string) {
    this.path = join(folder, `${part}.log`);
    // Each start of the stack begins a new file, so that the end of the log always belongs to the current start.
    if (this.#size() > 0) renameSync(this.path, this.#earlier);
  }

  /** Opens a descriptor for appending. The caller closes its own copy once the part has inherited one. */
  open(): number {
    return openSync(this.path, 'a', 0o600);
  }

  /**
   * Limits the size of the log. The part keeps its open file, so the content is copied to the previous file and the
   * open file is truncated.
   */
  bound(): void {
    if (this.#size() < limitBytes) return;
    try {
      this.#empty();
    } catch {
      // The disk is full, so the log cannot be copied. It stays as it is, and the incomplete copy is removed.
      rmSync(this.#earlier, { force: true });
    }
  }

  #empty(): void {
    copyFileSync(this.path, this.#earlier);
    truncateSync(this.path);
  }

  tail(lines = 15): string {
    const from = Math.max(0, this.#size() - tailBytes);
    if (this.#size() === 0) return '(the log is empty)';
    const file = openSync(this.path, 'r');
    try {
      const bytes = Buffer.alloc(tailBytes);
      const read = readSync(file, bytes, 0, tailBytes, from);
      return bytes.toString('utf8', 0, read).trimEnd().split('\n').slice(-lines).join('\n');
    } finally {
      closeSync(file);
    }
  }

  get #earlier(): string {
    return `${this.path}.1`;
  }

  #size(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }
}
