import type { ExpectationResult } from '../../../contracts/data/dataset-version.ts';
import { shiftInstant } from '../../../contracts/time/shift-instant.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Expectation } from '../../../contracts/data/expectation.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { identifier } from '../sql.ts';

interface Ground {
  readonly hasKnown: boolean;
  readonly timed: boolean;
}

/**
 * Checks one expectation on the dataset as it would be after the batch: the known rows that stay, and the rows of
 * `fresh`.
 */
export async function datasetResults(
  database: LockedDatabase,
  { rowCount, freshness, severity }: Expectation,
  request: PrepareBatch,
  ground: Ground,
): Promise<readonly ExpectationResult[]> {
  const results: ExpectationResult[] = [];
  const add = (check: 'rowCount' | 'freshness', isBroken: boolean, observed: string | number | null): void =>
    void results.push({ column: null, check, severity, violations: isBroken ? 1 : 0, observed, examples: [] });
  if (rowCount !== undefined) {
    const rows = await rowsToCome(database, request, ground);
    const { min = 0, max = Number.POSITIVE_INFINITY } = rowCount;
    add('rowCount', rows < min || rows > max, rows);
  }
  if (freshness !== undefined) {
    const newest = await newestToCome(database, request, ground);
    add(
      'freshness',
      newest === null || newest < shiftInstant(asOfOf(request), freshness, -1, request.timezone),
      newest,
    );
  }
  return results;
}

async function rowsToCome(database: LockedDatabase, { known }: PrepareBatch, { hasKnown }: Ground): Promise<number> {
  const { staying } = await database.row(
    'SELECT (SELECT count(*) FROM fresh) - (SELECT count(*) FROM replaced) AS staying',
  );
  const before = hasKnown ? known.reduce((sum, { part }) => sum + part.rows, 0) : 0;
  return before + Number(staying);
}

async function newestToCome(
  database: LockedDatabase,
  { key }: PrepareBatch,
  { hasKnown, timed }: Ground,
): Promise<string | null> {
  if (!timed)
    throw new PerennialError(
      'invalid-expression',
      'an expectation checks freshness, but the time of a row is not known; set data.timestamp, or remove the expectation',
      {},
    );
  const staying = hasKnown ? `UNION ALL SELECT max("_at") AS newest FROM known ${leaving(key)}` : '';
  const { newest } = await database.row(
    `SELECT timezone('UTC', max(newest)) AS newest FROM (SELECT max("_at") AS newest FROM fresh ${staying})`,
  );
  return typeof newest === 'string' ? newest : null;
}

function leaving(key: string | undefined): string {
  return key === undefined ? '' : `WHERE ${identifier(key)} NOT IN (SELECT "key" FROM replaced)`;
}

function asOfOf({ asOf }: PrepareBatch): string {
  if (asOf === undefined)
    throw new PerennialError(
      'internal',
      'an expectation checks freshness, but the request has no instant to compare with',
      {},
    );
  return asOf;
}
