import { PerennialError } from '../../../contracts/errors.ts';
import type { DataFormat } from '../../../contracts/data/data-format.ts';
import { loadCsv } from './csv-source.ts';
import { withoutLeftOut } from './left-out.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { loadNdjson } from './ndjson-source.ts';
import { loadParquet } from './parquet-source.ts';
import type { LoadedFile, LoadOptions, Source } from './source.ts';
import type { Warn } from '../typing/warn.ts';

type Load = (database: LockedDatabase, file: LoadedFile, table: string, options: LoadOptions) => Promise<Source>;
const loaders: Readonly<Record<DataFormat, Load>> = { csv: loadCsv, ndjson: loadNdjson, parquet: loadParquet };

/**
 * Warns of column names with leading or trailing blanks: the configuration, e.g. `features`, must repeat such a name
 * exactly.
 */
export function warnOfNames({ file, names }: Pick<Source, 'file' | 'names'>, warn: Warn): void {
  for (const name of names) {
    if (name.trim() === name) continue;
    const message = `${file.name}: the name of the column ${JSON.stringify(name)} begins or ends with blanks, which are part of the name; if they are not intended, write the name as ${JSON.stringify(name.trim())}`;
    warn({ level: 'warning', kind: 'header', column: name, count: 1, example: name, message });
  }
}

export async function loadSources(
  database: LockedDatabase,
  files: readonly LoadedFile[],
  options: LoadOptions,
): Promise<readonly Source[]> {
  if (files.length === 0) throw new PerennialError('data-empty', 'the batch has no files', {});
  const sources: Source[] = [];
  for (const [at, file] of files.entries()) {
    const source = await loaders[file.format](database, file, `source_${at}`, options);
    if (source.rows === 0)
      throw new PerennialError(
        'data-empty',
        `${file.name} has no rows; it must have at least one${file.format === 'csv' ? ', below its header' : ''}`,
        {
          file: file.name,
        },
      );
    warnOfNames(source, options.warn);
    const kept = await withoutLeftOut(database, source, options.plan, options.warn);
    if (kept.names.length === 0)
      throw new PerennialError(
        'data-unreadable',
        `${file.name} has no column that can be stored; write at least one column of text, numbers, booleans or times`,
        { file: file.name },
      );
    sources.push(kept);
  }
  return sources;
}
