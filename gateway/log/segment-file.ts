import { write, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';

/** Writes `length` bytes of `bytes`, from `offset` on, at `position` of a file, like `write` of `node:fs`. */
export type WriteBytes = (
  descriptor: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  done: (error: Error | null, written: number) => void,
) => void;

type WriteAtOnce = (descriptor: number, bytes: Uint8Array, offset: number, length: number, position: number) => number;

/** More bytes than this are written by another thread. */
const mostBytesAtOnce = 256 * 2 ** 10;
/** A write that takes longer says that the disk is slow. */
const slowMs = 50;
const slowForMs = 60_000;

/**
 * Returns how to write while the disk is quick: in this thread, because the operating system takes a few thousand bytes
 * sooner than it wakes another thread. After a slow write, another thread writes for a minute, so that the event loop
 * never waits long for a disk.
 */
export function writesOf(steadyNow: () => number, writeAtOnce: WriteAtOnce = writeSync): WriteBytes {
  let slowUntil = Number.NEGATIVE_INFINITY;
  return (descriptor, bytes, offset, length, position, done) => {
    const begun = steadyNow();
    if (length > mostBytesAtOnce || begun < slowUntil) {
      write(descriptor, bytes, offset, length, position, done);
      return;
    }
    let written: number;
    try {
      written = writeAtOnce(descriptor, bytes, offset, length, position);
    } catch (caught) {
      done(caught instanceof Error ? caught : new Error(String(caught)), 0);
      return;
    } finally {
      const ended = steadyNow();
      if (ended - begun > slowMs) slowUntil = ended + slowForMs;
    }
    done(null, written);
  };
}

/** A file that grows by whole blocks. It takes one write at a time. */
export class SegmentFile {
  readonly #handle: FileHandle;
  readonly #write: WriteBytes;
  #bytes = 0;

  private constructor(handle: FileHandle, writeBytes: WriteBytes) {
    this.#handle = handle;
    this.#write = writeBytes;
  }

  static async create(path: string, writeBytes: WriteBytes): Promise<SegmentFile> {
    return new SegmentFile(await open(path, 'wx', 0o600), writeBytes);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Resolves when the operating system has the bytes, so that they survive the end of this process. Rejects with the
   * file system's error, in which case none of these bytes are in the file.
   */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      let written = 0;
      while (written < bytes.length) written += await this.#writeSome(bytes, written);
      this.#bytes += bytes.length;
    } catch (caught) {
      // A disk that fills up cuts a block short; the next append must not follow half a block.
      await this.#handle.truncate(this.#bytes).catch(() => undefined);
      throw caught;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** Returns the number of bytes written, which is less than asked for on a disk that fills up. */
  #writeSome(bytes: Uint8Array, from: number): Promise<number> {
    return new Promise((resolve, reject) => {
      // A callback costs less than a promise of the file handle.
      this.#write(this.#handle.fd, bytes, from, bytes.length - from, this.#bytes + from, (error, written) => {
        if (error) reject(error);
        else resolve(written);
      });
    });
  }
}
