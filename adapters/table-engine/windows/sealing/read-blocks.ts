import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { headerBytes } from '../../../../contracts/serving/segment-blocks/block-format.ts';
import { blockLength } from '../../../../contracts/serving/segment-blocks/decode-block.ts';

/** Bytes that are read at once; a larger block is read alone. */
const chunkBytes = 4 * 2 ** 20;

/**
 * Reads a file of blocks and yields the bytes of some blocks at a time. They are valid until the next ones are asked
 * for. An incomplete last block is left out. Throws `BrokenBlockError` if bytes that should begin a block do not.
 */
export async function* readBlocks(path: string): AsyncGenerator<readonly Uint8Array[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let bytesWanted = chunkBytes;
    for (let position = 0; position < size;) {
      const chunk = await bytesOf(file, position, Math.min(bytesWanted, size - position));
      const { blocks, end, next } = blocksIn(chunk, size - position);
      if (blocks.length > 0) yield blocks;
      if (next === 'torn') return;
      position += end;
      bytesWanted = Math.max(chunkBytes, next);
    }
  } finally {
    await file.close();
  }
}

interface BlocksInChunk {
  readonly blocks: readonly Uint8Array[];
  /** Where the blocks end in the chunk. */
  readonly end: number;
  /** Length of the next block if it does not fit into the chunk; 0 if it is not known yet. */
  readonly next: number | 'torn';
}

function blocksIn(chunk: Uint8Array, remaining: number): BlocksInChunk {
  const blocks: Uint8Array[] = [];
  let at = 0;
  while (chunk.length - at >= headerBytes) {
    const length = blockLength(chunk, at, remaining - at);
    if (length === 'torn' || length > chunk.length - at) return { blocks, end: at, next: length };
    blocks.push(chunk.subarray(at, at + length));
    at += length;
  }
  return { blocks, end: at, next: at < remaining && remaining - at < headerBytes ? 'torn' : 0 };
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
