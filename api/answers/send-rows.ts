import type { FastifyReply } from 'fastify';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { RouteContext } from '../route-context.ts';

const contentTypes = { csv: 'text/csv; charset=utf-8', parquet: 'application/vnd.apache.parquet' } as const;

/**
 * Formats for downloading rows. An ingestion reads the CSV back as the same rows, unless it was made for spreadsheets.
 */
export const RowFormat = z.object({
  format: z.enum(['parquet', 'csv']).default('parquet'),
  forSpreadsheets: z
    .stringbool()
    .default(false)
    .describe('For CSV: put an apostrophe before each cell that a spreadsheet would run as a formula'),
});

interface SentRows {
  readonly parts: readonly Sha256[];
  /** Columns to send; all if absent. */
  readonly columns?: readonly string[];
  readonly rowFormat: z.infer<typeof RowFormat>;
  /** Name of the file without its extension. */
  readonly name: string;
}

/** Sends the rows of Parquet blobs as one file. The temporary file is removed afterwards. */
export async function sendRows(context: RouteContext, reply: FastifyReply, rows: SentRows): Promise<FastifyReply> {
  const { name, columns, rowFormat } = rows;
  const { format, forSpreadsheets } = rowFormat;
  if (forSpreadsheets && format !== 'csv')
    throw new PerennialError(
      'invalid-request',
      'forSpreadsheets applies only to format=csv; leave it out for Parquet, which needs no protection',
      {
        pointer: '/forSpreadsheets',
      },
    );
  const { folder, discard } = await makeFolder(context, 'rows');
  const path = join(folder, `rows.${format}`);
  try {
    const parts = await fetchParts(context, rows.parts, folder);
    await readStored(() => context.tableEngine.exportRows({ parts, columns, format, forSpreadsheets, path }));
  } catch (caught) {
    await discard();
    throw caught;
  }
  const file = createReadStream(path);
  file.once('close', () => void discard());
  return reply
    .header('content-disposition', `attachment; filename="${name}.${format}"`)
    .type(contentTypes[format])
    .send(file);
}

/**
 * Runs `read` and reports stored rows that cannot be read as `blob-corrupt`, because the caller is not at fault. Errors
 * about a reached limit stay unchanged.
 */
export async function readStored<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (caught) {
    const ofCaller = ['no-data', 'too-large', 'limit-reached'];
    if (!(caught instanceof PerennialError) || caught.status >= 500 || ofCaller.includes(caught.code)) throw caught;
    throw new PerennialError(
      'blob-corrupt',
      `the stored rows are damaged: ${caught.message}; restore them from a backup, or ingest them again`,
      { reason: caught.code },
      { cause: caught },
    );
  }
}

export async function makeFolder(
  { scratchFolder }: RouteContext,
  name: string,
): Promise<{ readonly folder: string; discard(): Promise<void> }> {
  const folder = await mkdtemp(join(scratchFolder, `${name}-`));
  return { folder, discard: () => rm(folder, { recursive: true, force: true }) };
}

/** Downloads blobs into a folder and returns the paths of the files, in the order of `parts`. */
export async function fetchParts(
  { objectStore }: RouteContext,
  parts: readonly Sha256[],
  folder: string,
): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const sha256 of parts) {
    const path = join(folder, `${paths.length}-${sha256}.parquet`);
    await objectStore.getFile(sha256, path);
    paths.push(path);
  }
  return paths;
}
