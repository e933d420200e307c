import { z } from 'zod';

/** The format of a file of rows. Gzip compression is not part of it, because it is detected from the file's bytes. */
export const DataFormat = z.enum(['csv', 'parquet', 'ndjson']);
export type DataFormat = z.infer<typeof DataFormat>;

const byExtension: Readonly<Record<string, DataFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  parquet: 'parquet',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
};

/** The file extensions that `formatOfName` recognises, for messages. */
export const dataExtensions = '.csv, .tsv, .ndjson, .jsonl (each also with .gz) or .parquet';

/** Returns the format that a file name such as `hours.csv.gz` indicates, or `undefined` if it indicates none. */
export function formatOfName(name: string): DataFormat | undefined {
  const [, extension = '', gzip] = /\.([a-z]+)(\.gz)?$/.exec(name.toLowerCase()) ?? [];
  const format = Object.hasOwn(byExtension, extension) ? byExtension[extension] : undefined;
  return format === 'parquet' && gzip !== undefined ? undefined : format;
}
