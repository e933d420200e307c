import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';

interface Pending {
  readonly lines: string;
  readonly rows: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * An append-only file of JSON lines. Appends made in one turn of the event loop, or while a write is active, are
 * combined into one write. A resolved append means that the operating system has the bytes, so they survive the end of
 * this process.
 */
export class SegmentFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #pending: Pending[] = [];
  #writing = false;
  #rows = 0;
  #bytes = 0;
  #whenIdle: (() => void) | undefined;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  static async create(path: string): Promise<SegmentFile> {
    return new SegmentFile(path, await open(path, 'wx', 0o600));
  }

  /** Rows that have been written. */
  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Appends `lines`, which must end with a newline. Rejects with the file system's error, in which case none of these
   * lines are in the file.
   */
  append(lines: string, rows: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ lines, rows, resolve, reject });
      if (this.#writing) return;
      this.#writing = true;
      process.nextTick(() => void this.#drain());
    });
  }

  /** Waits for pending appends, then closes the file. */
  async close(): Promise<void> {
    if (this.#writing) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    await this.#handle.close();
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      try {
        await this.#write(Buffer.from(batch.map((pending) => pending.lines).join('')));
        for (const { rows, resolve } of batch) {
          this.#rows += rows;
          resolve();
        }
      } catch (caught) {
        for (const { reject } of batch) reject(caught);
      }
    }
    this.#writing = false;
    this.#whenIdle?.();
  }

  async #write(bytes: Buffer): Promise<void> {
    try {
      let written = 0;
      while (written < bytes.length)
        written += (await this.#handle.write(bytes, written, bytes.length - written, this.#bytes + written))
          .bytesWritten;
      this.#bytes += bytes.length;
    } catch (caught) {
      // A disk that fills up cuts a line short; the next append must not follow half a line.
      await this.#handle.truncate(this.#bytes).catch(() => undefined);
      throw caught;
    }
  }
}
