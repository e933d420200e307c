import { open } from 'node:fs/promises';

/** Sending a page takes well below a millisecond of this thread. */
const defaultPageBytes = 64 * 2 ** 10;
const lineFeed = 10;
const comma = 44;

/**
 * Reads the index of a segment, which has one JSON object per line, as pages: each is the text of a JSON list of about
 * `pageBytes`. Only one page is in memory at a time, and no row is parsed or copied by itself, because this is the thread
 * that answers requests. It can be read again from the beginning.
 */
export function indexPages(path: string, pageBytes = defaultPageBytes): AsyncIterable<string> {
  return { [Symbol.asyncIterator]: () => pagesOf(path, pageBytes) };
}

async function* pagesOf(path: string, pageBytes: number): AsyncGenerator<string> {
  await using file = await open(path);
  let bytes = Buffer.allocUnsafe(pageBytes);
  let kept = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, kept, bytes.length - kept, null);
    const end = kept + bytesRead;
    const last = end === 0 ? -1 : bytes.lastIndexOf(lineFeed, end - 1);
    if (last !== -1) yield listOf(bytes, last);
    bytes.copyWithin(0, last + 1, end);
    kept = end - (last + 1);
    if (bytesRead === 0) return;
    // A line that is longer than the buffer.
    if (kept === bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2);
  }
}

/** Returns the lines before the line feed at `end` as a JSON list. */
function listOf(bytes: Buffer, end: number): string {
  for (let at = bytes.indexOf(lineFeed); at !== -1 && at < end; at = bytes.indexOf(lineFeed, at + 1)) bytes[at] = comma;
  return `[${bytes.toString('utf8', 0, end)}]`;
}
