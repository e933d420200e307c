import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';

/** The error for bytes whose digest is `found` and not the one that names them. */
type Mismatch = (sha256: Sha256, found: Sha256) => PerennialError;

/**
 * The stream, failing with the error of `mismatch` if its bytes are not `sha256`. The last chunk is held back until the
 * whole is known to be right, so that whoever copies the stream never has all of a wrong blob. What breaks the
 * source off reaches the reader as `worded` says it.
 */
export function checkedStream(
  source: Readable,
  sha256: Sha256,
  mismatch: Mismatch,
  worded: (error: Error) => Error = (error) => error,
): Readable {
  const hash = createHash('sha256');
  let held: Buffer | undefined;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      const ready = held;
      held = chunk;
      done(null, ready);
    },
    flush(done) {
      const found = hash.digest('hex');
      if (found === sha256) done(null, held);
      else done(mismatch(sha256, found));
    },
  });
  // It may fail before its reader has begun to listen; whoever reads it later still gets the error.
  check.on('error', () => undefined);
  if (source.destroyed && !source.readableEnded)
    check.destroy(worded(source.errored ?? new Error('the bytes broke off')));
  source.on('error', (error) => check.destroy(worded(error)));
  source.on('close', () => source.readableEnded || check.destroy(worded(new Error('the bytes broke off'))));
  check.on('close', () => source.destroy());
  return source.pipe(check);
}

/** The sender's mistake: `digest-mismatch`. */
export const wrongUpload: Mismatch = (sha256, found) =>
  new PerennialError(
    'digest-mismatch',
    `the upload has SHA-256 ${found}, and ${sha256} was named; send the bytes that were named, or name the digest of what is sent`,
    { sha256, found },
  );

/** The store's fault: `blob-corrupt`. */
export function corruptIn(where: string): Mismatch {
  return (sha256, found) =>
    new PerennialError(
      'blob-corrupt',
      `${where} has changed the blob ${sha256}: its bytes have SHA-256 ${found} now; upload the right bytes again, or restore the blob from a backup`,
      { sha256, found },
    );
}

export function blobMissing(sha256: Sha256, where: string): PerennialError {
  return new PerennialError(
    'blob-missing',
    `${where} has no blob ${sha256}; upload it again, or restore it from a backup`,
    { sha256 },
  );
}

/** Digest and size of a local file, read once in constant memory. */
export async function digestOfFile(path: string): Promise<{ readonly sha256: Sha256; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  });
  return { sha256: hash.digest('hex'), bytes };
}
