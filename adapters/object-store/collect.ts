import type { Readable } from 'node:stream';
import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';

/** Default limit of `read`: 1 GiB. */
export const defaultReadLimit = 2 ** 30;

/** Returns all bytes of a checked stream. Throws `too-large` as soon as there are more than `limit`. */
export async function collect(stream: Readable, sha256: Sha256, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limit)
      throw new PerennialError(
        'too-large',
        `blob ${sha256} is larger than ${limit} bytes, the limit for reading into memory; download the blob to a file instead`,
        { sha256, limit },
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}
