import type { FileHandle } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { Duplex, Readable } from 'node:stream';

// Node's own file streams close the file when they are destroyed, or prevent their owner from closing it, so they are
// not used here.

const chunkBytes = 256 * 1024;

/** Reads an open file from its first byte. Does not close the file. */
export function readFromStart(file: FileHandle): Readable {
  return Readable.from(chunksOf(file), { objectMode: false });
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Appends to the end of an open file. Does not close the file. */
export function writeTo(file: FileHandle): Writable {
  return Duplex.from(async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) await file.appendFile(chunk);
  });
}
