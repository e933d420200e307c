import { z } from 'zod';

/** What a file of rows is, gzip aside: that is seen from its bytes. */
export const DataFormat = z.enum(['csv', 'parquet', 'ndjson']);
export type DataFormat = z.infer<typeof DataFormat>;

const byExtension: Readonly<Record<string, DataFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  parquet: 'parquet',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
};

/** The endings of names that `formatOfName` knows, for messages. */
export const dataExtensions = '.csv, .tsv, .ndjson, .jsonl (each also with .gz) or .parquet';

/** The format that a file's name says, e.g. of `hours.csv.gz`; undefined if it says none. */
export function formatOfName(name: string): DataFormat | undefined {
  const [, extension = '', gzip] = /\.([a-z]+)(\.gz)?$/.exec(name.toLowerCase()) ?? [];
  const format = Object.hasOwn(byExtension, extension) ? byExtension[extension] : undefined;
  return format === 'parquet' && gzip !== undefined ? undefined : format;
}
