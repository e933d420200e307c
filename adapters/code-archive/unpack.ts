import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Extract, type Header, extract } from 'tar-stream';
import type { CodeLimits } from '../../contracts/code/code-limits.ts';
import { codeTooLarge, refuseLargeCode } from '../../contracts/code/code-limits.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import { type EntryPaths, createEntryPaths, entryPath } from './entry-paths.ts';

type Entry = Extract extends AsyncIterable<infer Item> ? Item : never;

const subject = 'the unpacked code archive';
/** Bytes allowed for the headers and the padding of one entry, in addition to the file's content. */
const entryOverhead = 2_048;

/**
 * Unpacks a tar, plain or compressed by gzip, into an empty folder. Accepts only regular files and folders inside the
 * folder, and each file once. Throws `archive-unsafe` or `too-large`. Any failure leaves the folder empty.
 */
export async function unpackArchive(
  archivePath: string,
  folder: string,
  limits: CodeLimits,
): Promise<{ files: number; bytes: number }> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0)
    throw new PerennialError(
      'conflict',
      `${folder} is not empty, but an archive is only unpacked into an empty folder`,
      {
        folder,
      },
    );
  try {
    return await unpackInto(archivePath, folder, limits);
  } catch (caught) {
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    if (caught instanceof PerennialError || isSystemError(caught)) throw caught;
    throw new PerennialError(
      'archive-unsafe',
      `the code archive cannot be read: ${reasonOf(caught)}; send a tar archive, uncompressed or compressed with gzip`,
      {},
      { cause: caught },
    );
  }
}

async function unpackInto(
  archivePath: string,
  folder: string,
  limits: CodeLimits,
): Promise<{ files: number; bytes: number }> {
  const entries = extract();
  const stages: [Readable, ...NodeJS.ReadWriteStream[]] = [createReadStream(archivePath)];
  if (await isGzip(archivePath)) stages.push(createGunzip());
  const reading = pipeline([...stages, limited(limits), entries]);
  // If the archive is truncated, the stream of the current entry never ends, so it must be aborted.
  const broken = new AbortController();
  const writing = writeEntries(entries, folder, broken.signal, limits);
  reading.catch(() => broken.abort());
  try {
    const [unpacked] = await Promise.all([writing, reading]);
    return unpacked;
  } finally {
    // Both must have ended before the folder is cleared: one that is still running would write into it again.
    await Promise.allSettled([writing, reading]);
  }
}

async function writeEntries(
  entries: Extract,
  folder: string,
  broken: AbortSignal,
  limits: CodeLimits,
): Promise<{ files: number; bytes: number }> {
  const paths = createEntryPaths();
  let files = 0;
  let bytes = 0;
  let count = 0;
  for await (const entry of entries) {
    count += 1;
    bytes += entry.header.size;
    refuseLargeCode(subject, { bytes, files: count }, limits);
    if (await writeEntry(entry, folder, paths, broken)) files += 1;
  }
  return { files, bytes };
}

async function writeEntry(entry: Entry, folder: string, paths: EntryPaths, broken: AbortSignal): Promise<boolean> {
  const { header } = entry;
  const kind = kindOf(header);
  const path = entryPath(header.name, kind);
  paths.claim(path, kind);
  if (kind === 'directory') {
    await mkdir(join(folder, path), { recursive: true });
    entry.resume();
    return false;
  }
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  const mode = (header.mode & 0o100) === 0 ? 0o644 : 0o755;
  await pipeline(entry, createWriteStream(target, { flags: 'wx', mode }), { signal: broken });
  return true;
}

function kindOf(header: Header): 'file' | 'directory' {
  if (header.type === 'file' || header.type === 'contiguous-file') return 'file';
  if (header.type === 'directory') return 'directory';
  throw new PerennialError(
    'archive-unsafe',
    `the code archive's entry ${JSON.stringify(header.name)} has the type ${header.type}, but only regular files and folders are accepted`,
    { path: header.name, type: header.type },
  );
}

/**
 * Returns a stream that fails when the unpacked bytes pass the limit, whatever sizes the headers claim. This stops
 * decompression bombs early.
 */
function limited(limits: CodeLimits): Transform {
  const streamLimit = limits.bytes + limits.files * entryOverhead;
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > streamLimit) done(codeTooLarge(subject, 'bytes', limits));
      else done(null, chunk);
    },
  });
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

function isSystemError(caught: unknown): boolean {
  return caught instanceof Error && 'syscall' in caught;
}
