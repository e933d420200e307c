import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { readFromStart } from './open-file.ts';

/** Returns the SHA-256 of a file's bytes as hexadecimal text. */
export async function digestFile(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(readFromStart(file), hash);
  return hash.digest('hex');
}
