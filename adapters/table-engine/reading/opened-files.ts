import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { PerennialError, reasonOf } from '../../../contracts/errors.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';

type BatchFile = PrepareBatch['files'][number];

/**
 * Maximum ratio of unpacked to compressed size, checked once more than `largeFrom` bytes are unpacked. The disk limit
 * of the call bounds the unpacked size itself.
 */
const largestRatio = 250;
const largeFrom = 64 * 2 ** 20;

/**
 * Returns the files of a batch, with gzip-compressed CSV and NDJSON files unpacked into `folder`. Throws `too-large`
 * for a file that unpacks to more than `largestRatio` times its size.
 */
export async function openFiles(files: readonly BatchFile[], folder: string): Promise<readonly BatchFile[]> {
  const opened: BatchFile[] = [];
  for (const [at, file] of files.entries()) {
    const isCompressed = file.format !== 'parquet' && (await startsWith(file.path, [0x1f, 0x8b]));
    opened.push(isCompressed ? { ...file, path: await unpack(file, join(folder, `unpacked-${at}`)) } : file);
  }
  return opened;
}

async function startsWith(path: string, bytes: readonly number[]): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes.length), 0, bytes.length, 0);
    return bytesRead === bytes.length && bytes.every((byte, at) => buffer[at] === byte);
  } finally {
    await handle.close();
  }
}

async function unpack(file: BatchFile, path: string): Promise<string> {
  const source = createReadStream(file.path, { highWaterMark: 2 ** 18 });
  let unpacked = 0;
  const guard = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      unpacked += chunk.length;
      const isBomb = unpacked > largeFrom && unpacked > source.bytesRead * largestRatio;
      done(isBomb ? bomb(file) : null, chunk);
    },
  });
  try {
    await pipeline(source, createGunzip(), guard, createWriteStream(path));
  } catch (caught) {
    await rm(path, { force: true });
    if (!isAboutGzip(caught)) throw caught;
    throw new PerennialError(
      'data-unreadable',
      `${file.name} cannot be unpacked completely as gzip: ${reasonOf(caught)}; compress the file again, or send it uncompressed`,
      { file: file.name },
      { cause: caught },
    );
  }
  return path;
}

/** Returns whether gzip reported the error. Other errors come from the disk, not from the file's content. */
function isAboutGzip(caught: unknown): boolean {
  return caught instanceof Error && 'code' in caught && String(caught.code).startsWith('Z_');
}

function bomb(file: BatchFile): PerennialError {
  return new PerennialError(
    'too-large',
    `${file.name} unpacks to more than ${largestRatio} times its size, which real data does not do; if the data is real, send the file uncompressed`,
    { file: file.name, limit: largestRatio },
  );
}
