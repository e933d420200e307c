import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { headerBytes } from '../../../../contracts/serving/segment-blocks/block-format.ts';
import { blockLength } from '../../../../contracts/serving/segment-blocks/decode-block.ts';

/** Bytes that are read at once; a larger block is read alone. */
const chunkBytes = 4 * 2 ** 20;

/**
 * Reads a file of blocks and yields the bytes of each. A block is valid until the next one is asked for. An incomplete
 * last block is left out. Throws `BrokenBlockError` if bytes that should begin a block do not.
 */
export async function* readBlocks(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let chunk: Uint8Array = new Uint8Array();
    let at = 0;
    for (let position = 0; position < size;) {
      if (chunk.length - at < headerBytes) {
        chunk = await bytesOf(file, position, Math.min(chunkBytes, size - position));
        at = 0;
      }
      const length = blockLength(chunk.subarray(at), size - position);
      if (length === 'torn') return;
      if (chunk.length - at < length) {
        chunk = await bytesOf(file, position, Math.min(Math.max(chunkBytes, length), size - position));
        at = 0;
      }
      yield chunk.subarray(at, at + length);
      at += length;
      position += length;
    }
  } finally {
    await file.close();
  }
}

async function bytesOf(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let read = 0; read < length;) {
    const { bytesRead } = await file.read(bytes, read, length - read, position + read);
    if (bytesRead === 0) throw new Error('the file became shorter while it was read');
    read += bytesRead;
  }
  return bytes;
}
