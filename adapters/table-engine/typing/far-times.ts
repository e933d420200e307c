import { PerennialError } from '../../../contracts/errors.ts';
import type { Field } from './fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { columnsPerQuery, longRows } from '../comparing/long-form.ts';
import { countRows, placeInFile, type Source } from '../reading/source.ts';
import { identifier } from '../sql.ts';

/** Returns SQL that is true for a date or time with a four-digit year, which every date format can represent. */
export function isWritable(time: string, type: StoredTime): string {
  const last = type === 'DATE' ? '9999-12-31' : '9999-12-31 23:59:59.999999';
  const zone = type === 'TIMESTAMP WITH TIME ZONE' ? '+00' : '';
  const first = type === 'DATE' ? '0001-01-01' : '0001-01-01 00:00:00';
  return `(${time} BETWEEN ${type} '${first}${zone}' AND ${type} '${last}${zone}')`;
}

/**
 * Throws `data-unreadable` for dates and times in `united` that are infinite or outside the years 1 to 9999. The error
 * names column, place and value.
 */
export async function refuseFarTimes(
  database: LockedDatabase,
  sources: readonly Source[],
  fields: readonly Field[],
): Promise<void> {
  const times = fields.flatMap(({ name, stored }) => (isTime(stored) ? [{ name, stored }] : []));
  if (times.length === 0) return;
  const size = columnsPerQuery(await countRows(database, 'united'));
  for (const [stored, columns] of Map.groupBy(times, (column) => column.stored))
    for (let start = 0; start < columns.length; start += size) {
      const slice = columns.slice(start, start + size).map(({ name }) => name);
      const [found] = await database.rows(
        `SELECT c, count(*) AS n FROM ${longRows('united', slice)} WHERE v IS NOT NULL AND NOT ${isWritable('v', stored)} GROUP BY c ORDER BY c LIMIT 1`,
      );
      const name = slice[Number(found?.c)];
      if (found === undefined || name === undefined) continue;
      const column = identifier(name);
      const condition = `${column} IS NOT NULL AND NOT ${isWritable(column, stored)}`;
      throw await refusalOf(database, sources, { name, column, condition }, Number(found.n));
    }
}

type StoredTime = 'DATE' | 'TIMESTAMP' | 'TIMESTAMP WITH TIME ZONE';

function isTime(stored: Field['stored']): stored is StoredTime {
  return stored === 'DATE' || stored === 'TIMESTAMP' || stored === 'TIMESTAMP WITH TIME ZONE';
}

async function refusalOf(
  database: LockedDatabase,
  sources: readonly Source[],
  { name, column, condition }: { readonly name: string; readonly column: string; readonly condition: string },
  count: number,
): Promise<PerennialError> {
  const row = await database.row(
    `SELECT "_file" AS file, "_line" AS line, CAST(${column} AS VARCHAR) AS value FROM united WHERE ${condition} ORDER BY "_row" LIMIT 1`,
  );
  const source = sources[Number(row.file)];
  const where = source === undefined ? 'the data' : (await placeInFile(source, Number(row.line))).text;
  return new PerennialError(
    'data-unreadable',
    `${where}: column "${name}" has ${String(row.value)}, but times must lie in the years 1 to 9999 (${count} rows do not); correct the values, or leave them empty`,
    { column: name, value: String(row.value), rows: count },
  );
}
