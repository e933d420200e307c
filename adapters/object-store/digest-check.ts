import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';

/** Returns the error for bytes whose digest is `found` instead of `sha256`. */
type Mismatch = (sha256: Sha256, found: Sha256) => PerennialError;

/**
 * Returns a copy of the stream that fails with the error of `mismatch` if the bytes do not have the digest `sha256`.
 * The last chunk is held back until the digest is verified, so that a reader never receives all of a wrong blob.
 * `worded` converts an error of the source for the reader.
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
  // The check may fail before its reader listens. A later reader still gets the error.
  check.on('error', () => undefined);
  if (source.destroyed && !source.readableEnded)
    check.destroy(worded(source.errored ?? new Error('the stream of bytes was interrupted')));
  source.on('error', (error) => check.destroy(worded(error)));
  source.on(
    'close',
    () => source.readableEnded || check.destroy(worded(new Error('the stream of bytes was interrupted'))),
  );
  check.on('close', () => source.destroy());
  return source.pipe(check);
}

/** Returns the error for an upload with the wrong digest, which is the sender's mistake: `digest-mismatch`. */
export const wrongUpload: Mismatch = (sha256, found) =>
  new PerennialError(
    'digest-mismatch',
    `the upload has SHA-256 ${found}, but the request names ${sha256}; send the bytes with the named digest, or name the digest of the bytes that you send`,
    { sha256, found },
  );

/** Returns the `Mismatch` of a stored blob with the wrong digest, which is the store's fault: `blob-corrupt`. */
export function corruptIn(where: string): Mismatch {
  return (sha256, found) =>
    new PerennialError(
      'blob-corrupt',
      `${where} has changed the blob ${sha256}: its bytes now have SHA-256 ${found}; upload the right bytes again, or restore the blob from a backup`,
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

/** Returns digest and size of a local file, which is read once in constant memory. */
export async function digestOfFile(path: string): Promise<{ readonly sha256: Sha256; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  // Pieces of the default size take twice as long.
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  });
  return { sha256: hash.digest('hex'), bytes };
}

/** Throws the error of `mismatch` if a local file does not have the digest `sha256`. */
export async function checkFile(path: string, sha256: Sha256, mismatch: Mismatch): Promise<void> {
  const found = await digestOfFile(path);
  if (found.sha256 !== sha256) throw mismatch(sha256, found.sha256);
}
