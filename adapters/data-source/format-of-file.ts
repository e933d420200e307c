import type { DataFormat } from '../../contracts/data/data-format.ts';
import { dataExtensions, formatOfName } from '../../contracts/data/data-format.ts';
import { PerennialError } from '../../contracts/errors.ts';

const ofContentType: Readonly<Record<string, DataFormat>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/vnd.apache.parquet': 'parquet',
};

/**
 * Returns the declared format, else the format of the name's extension, else that of the content type. Throws
 * `data-unreadable` if none is known.
 */
export function formatOfFile(name: string, said: DataFormat | undefined, contentType: string | null): DataFormat {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const format = said ?? formatOfName(name) ?? (Object.hasOwn(ofContentType, type) ? ofContentType[type] : undefined);
  if (format !== undefined) return format;
  throw new PerennialError(
    'data-unreadable',
    `the format of ${name} cannot be told from its name (${dataExtensions}); add format: csv, ndjson or parquet to data.source`,
    { name },
  );
}
