import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Sha256 } from '../../../contracts/identifiers.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { literal } from '../sql.ts';

export const rowGroupRows = 122_880;

/**
 * Writes a query's rows as Parquet. All settings that affect the bytes are fixed here, so that the same rows in the
 * same order give the same bytes.
 */
export async function writeParquet(database: LockedDatabase, query: string, path: string): Promise<void> {
  await database.run(
    `COPY (${query}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE ${rowGroupRows}, PARQUET_VERSION v1)`,
  );
}

export async function fingerprint(path: string): Promise<{ readonly sha256: Sha256; readonly bytes: number }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return { sha256: hash.digest('hex'), bytes: (await stat(path)).size };
}
