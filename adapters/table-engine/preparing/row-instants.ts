import { PerennialError } from '../../../contracts/errors.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import { isWritable } from '../typing/far-times.ts';
import type { Field } from '../typing/fields.ts';
import { instantOfLocal } from '../typing/local-instants.ts';
import { warnOfLocalTimes } from '../typing/local-time-warnings.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { type Source, placeInFile } from '../reading/source.ts';
import { scalarExpression, timeKind } from './timestamp-expression.ts';
import type { Warn } from '../typing/warn.ts';

/**
 * Creates `timed` from `united`, with each row's instant in `_at`. Without `timestamp`, creates nothing and returns
 * false.
 */
export async function addInstants(
  database: LockedDatabase,
  { timestamp, timezone, from, before }: PrepareBatch,
  sources: readonly Source[],
  fields: readonly Field[],
  warn: Warn,
): Promise<boolean> {
  if (timestamp === undefined) {
    if (from !== undefined || before !== undefined)
      throw new PerennialError(
        'invalid-expression',
        'the request limits the time of rows, but the time of a row is not known; set data.timestamp',
        {},
      );
    return false;
  }
  const instants = await instantsOf(database, { timestamp, timezone }, fields, 'united');
  await database.run(`CREATE TABLE timed AS ${instants.rowsWithInstants('SELECT * FROM united')}`);
  await checkInstants(database, sources, { timestamp, timezone, ...instants }, warn);
  await database.run('DROP TABLE united');
  return true;
}

export interface Instants {
  readonly kind: 'naive' | 'instant';
  /** SQL of the expression that gives the time. */
  readonly expression: string;
  /** Returns SQL that selects the rows of a query with their instants in `_at`. */
  rowsWithInstants(query: string): string;
}

/** Returns how `data.timestamp` gives instants for the rows of a table. */
export async function instantsOf(
  database: LockedDatabase,
  { timestamp, timezone }: { readonly timestamp: string; readonly timezone: string },
  fields: readonly Field[],
  table: string,
): Promise<Instants> {
  const names = fields.map(({ name }) => name);
  const expression = await scalarExpression(database, timestamp, names);
  const kind = await timeKind(database, timestamp, expression, table);
  const local = kind === 'naive' ? `TRY(CAST(${expression} AS TIMESTAMP))` : `TRY(timezone('UTC', ${expression}))`;
  const instant = kind === 'naive' ? instantOfLocal('"_local"', timezone) : '"_local"';
  return {
    kind,
    expression,
    // Arithmetic on an out-of-range time would fail the whole statement.
    rowsWithInstants: (query) =>
      `SELECT * EXCLUDE ("_local"), CASE WHEN ${isWritable('"_local"', 'TIMESTAMP')} THEN ${instant} END AS "_at" FROM (SELECT *, ${local} AS "_local" FROM (${query}))`,
  };
}

/** Throws for a row of `timed` without an instant, and warns of local times. */
export async function checkInstants(
  database: LockedDatabase,
  sources: readonly Source[],
  { timestamp, timezone, kind, expression }: Instants & { readonly timestamp: string; readonly timezone: string },
  warn: Warn,
): Promise<void> {
  await refuseTimeless(database, timestamp, sources);
  if (kind === 'naive') await warnOfLocalTimes(database, { timestamp, expression, timezone }, warn);
}

async function refuseTimeless(database: LockedDatabase, timestamp: string, sources: readonly Source[]): Promise<void> {
  const [found] = await database.rows(
    'SELECT "_file" AS file, "_line" AS line FROM timed WHERE "_at" IS NULL OR NOT isfinite("_at") ORDER BY "_row" LIMIT 1',
  );
  const source = sources[Number(found?.file)];
  if (!found || !source) return;
  const place = await placeInFile(source, Number(found.line));
  throw new PerennialError(
    'data-unreadable',
    `${place.text}: data.timestamp, ${JSON.stringify(timestamp)}, gives no time in the years 1 to 9999 for this row; correct the row or the expression`,
    { file: source.file.name, line: place.line },
  );
}
