import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';

/** Throws, before anything is asked of the API, where a file cannot or should not be written. */
export async function refuseToOverwrite(file: string, overwrite: boolean): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined && !(found.isFile() && overwrite))
    throw new PerennialError(
      'invalid-request',
      found.isFile()
        ? `${file} is there already; name another file, or give --force to overwrite it`
        : `${file} is not a file`,
      { file },
    );
  const folder = await stat(dirname(file)).catch(() => undefined);
  if (folder?.isDirectory() !== true)
    throw new PerennialError('invalid-request', `there is no folder ${dirname(file)} to write ${file} in`, { file });
}

/** Writes beside the file and renames it at the end, so that what breaks off leaves nothing. Answers the bytes. */
export async function downloadTo(
  file: string,
  body: ReadableStream<Uint8Array>,
  told: (received: number) => void,
): Promise<number> {
  const partial = `${file}.${process.pid}.partial`;
  let received = 0;
  const counted = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      told((received += chunk.length));
      done(null, chunk);
    },
  });
  try {
    await pipeline(Readable.fromWeb(body), counted, createWriteStream(partial, { flags: 'wx' }));
    await rename(partial, file);
    return received;
  } catch (caught) {
    await rm(partial, { force: true });
    throw new PerennialError(
      'internal',
      `the download broke off after ${received} bytes, and nothing was written to ${file} (${reasonOf(caught)}); try again`,
      { file },
      { cause: caught },
    );
  }
}
