import { constants } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';

/**
 * Bytes in the footer of a Parquet file that mark a column as instants in nanoseconds: the logical type TIMESTAMP {
 * isAdjustedToUTC: true, unit: NANOS } in Thrift's compact encoding. In the second byte, 0x11 is true and 0x12 is
 * false.
 */
const instant = Buffer.from([0x8c, 0x11, 0x1c, 0x3c, 0x00, 0x00, 0x00, 0x00]);
const isFalse = 0x12;

/**
 * Copies a Parquet file and turns its instants in nanoseconds into naive times in UTC. DuckDB silently truncates the
 * former to microseconds, but reads the latter in full.
 */
export async function withNaiveNanoseconds(path: string, copy: string): Promise<void> {
  await copyFile(path, copy, constants.COPYFILE_FICLONE);
  const file = await open(copy, 'r+');
  try {
    const { size } = await file.stat();
    const { buffer: tail } = await file.read(Buffer.alloc(8), 0, 8, size - 8);
    const length = Math.min(tail.readUInt32LE(0), size - 8);
    const start = size - 8 - length;
    const { buffer: footer } = await file.read(Buffer.alloc(length), 0, length, start);
    for (let at = footer.indexOf(instant); at !== -1; at = footer.indexOf(instant, at + 1))
      await file.write(Buffer.from([isFalse]), 0, 1, start + at + 1);
  } finally {
    await file.close();
  }
}
