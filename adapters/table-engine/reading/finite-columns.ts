import { PerennialError } from '../../../contracts/errors.ts';
import { leaveOutUnkept } from './left-out.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { columnsPerQuery } from '../comparing/long-form.ts';
import type { ParquetColumn } from './parquet-columns.ts';
import type { LoadOptions, LoadedFile } from './source.ts';
import { identifier, parquetRows } from '../sql.ts';

export interface FiniteColumns {
  readonly columns: readonly ParquetColumn[];
  /** Columns in which some values are NaN. */
  readonly withNaN: ReadonlySet<string>;
}

/**
 * Chooses the columns of a Parquet file that can be kept. NaN counts as a missing value, as in pandas, and a warning of
 * level `guess` reports it. A column with infinite numbers is left out; if something reads it, the file is refused.
 */
export async function finiteColumns(
  database: LockedDatabase,
  file: LoadedFile,
  columns: readonly ParquetColumn[],
  { plan, warn }: LoadOptions,
): Promise<FiniteColumns> {
  const floats = columns.filter(({ type }) => type === 'DOUBLE' || type === 'FLOAT');
  const rows = parquetRows([file.path]);
  const [withNaN, infinite] = [new Set<string>(), new Set<string>()];
  const size = columnsPerQuery(1);
  for (let start = 0; start < floats.length; start += size) {
    const slice = floats.slice(start, start + size);
    const counts = slice.map(({ name }, at) => {
      const column = identifier(name);
      return `count(*) FILTER (isnan(${column})) AS nan${at}, any_value(${column}) FILTER (isinf(${column})) AS inf${at}`;
    });
    const found = await database.row(`SELECT ${counts.join(', ')} FROM ${rows}`);
    for (const [at, { name, type }] of slice.entries()) {
      const [nans, odd] = [Number(found[`nan${at}`]), found[`inf${at}`]];
      if (odd !== null) {
        infinite.add(name);
        if (plan.readerOf(name) !== undefined) await refuseInfinite(database, file, name);
        const wayOut = 'correct its infinite numbers, or write null where there is no value';
        leaveOutUnkept(file, { name, type: `${type} with infinite numbers`, wayOut }, plan, warn);
      } else if (nans > 0) {
        withNaN.add(name);
        const message = `${file.name}: NaN in the column "${name}" (${nans} of its values) counts as missing; null means the same and gives no warning`;
        warn({ level: 'guess', kind: 'not-finite', column: name, count: nans, example: 'NaN', message });
      }
    }
  }
  return { columns: columns.filter(({ name }) => !infinite.has(name)), withNaN };
}

async function refuseInfinite(database: LockedDatabase, file: LoadedFile, name: string): Promise<never> {
  const { row, value } = await database.row(
    `SELECT row, value FROM (SELECT row_number() OVER () AS row, ${identifier(name)} AS value FROM ${parquetRows([file.path])}) WHERE isinf(value) LIMIT 1`,
  );
  throw new PerennialError(
    'data-unreadable',
    `${file.name}, row ${row}: "${name}" is ${value}, which cannot be stored; correct the value, or write null where there is no value`,
    { file: file.name, line: Number(row), column: name },
  );
}
