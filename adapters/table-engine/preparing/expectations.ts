import type { ExpectationResult } from '../../../contracts/data/dataset-version.ts';
import type { Expectation } from '../../../contracts/data/expectation.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import { type RowCheck, type RowGround, rowChecks } from './row-checks.ts';
import { datasetResults } from './dataset-checks.ts';
import type { Field } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { identifier } from '../sql.ts';

export interface Judged {
  readonly result: ExpectationResult;
  /** SQL over `fresh` that is true for a row that breaks the check. Absent for a check of the whole dataset. */
  readonly broken?: string;
}

/**
 * Evaluates every check of every expectation, over the rows of `fresh` and over the dataset as it would be with them.
 * In the rows, nulls break only `notNull` and `nullShare`.
 */
export async function checkExpectations(
  database: LockedDatabase,
  request: PrepareBatch,
  fields: readonly Field[],
  timed: boolean,
): Promise<readonly Judged[]> {
  const hasKnown = request.known.length > 0 && request.mode !== 'snapshot';
  const ground: RowGround = { key: request.key, hasKnown, references: request.references ?? [] };
  const judged: Judged[] = [];
  for (const expectation of request.expectations) {
    const field = fields.find(({ name }) => name === expectation.column);
    if (field !== undefined)
      for (const check of await rowChecks(database, expectation, field, ground))
        judged.push({ broken: check.broken, result: await judge(database, expectation, field, check) });
    for (const result of await datasetResults(database, expectation, request, { hasKnown, timed }))
      judged.push({ result });
  }
  return judged;
}

async function judge(
  database: LockedDatabase,
  { severity }: Expectation,
  { name }: Field,
  { check, broken, observed }: RowCheck,
): Promise<ExpectationResult> {
  const { violations } = await database.row(`SELECT count(*) AS violations FROM fresh WHERE ${broken}`);
  const examples =
    violations === 0
      ? []
      : await database.rows(
          `SELECT "_row" AS row, ${identifier(name)} AS value FROM fresh WHERE ${broken} ORDER BY "_row" LIMIT 10`,
        );
  return {
    column: name,
    check,
    severity,
    violations: Number(violations),
    ...(observed === undefined ? {} : { observed }),
    examples: examples.map(({ row, value }) => ({ row: Number(row), value: value ?? null })),
  };
}
