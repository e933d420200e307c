import type { Expectation } from '../../contracts/configuration.ts';
import type { ExpectationResult } from '../../contracts/dataset.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { PrepareBatch, PreparedBatch } from '../../ports/table-engine.ts';
import { type Field, fits, storedOf } from './fields.ts';
import type { Database } from './lockedDatabase.ts';
import { writeParquet } from './parquetFile.ts';
import type { Source } from './sources.ts';
import { identifier, identifiers, literal, parquetRows } from './sql.ts';

interface Check {
  readonly expectation: Expectation;
  readonly check: ExpectationResult['check'];
  /** SQL over `fresh` that is true for a row that breaks it. */
  readonly broken: string;
}

export interface Judged extends Check {
  readonly result: ExpectationResult;
}

/** Judges every check of every expectation over the rows of `fresh`; nulls break `notNull` alone. */
export async function checkExpectations(
  database: Database,
  { expectations, known }: PrepareBatch,
  fields: readonly Field[],
): Promise<readonly Judged[]> {
  const judged: Judged[] = [];
  for (const check of expectations.flatMap((expectation) =>
    checksOf(
      expectation,
      fields,
      known.map(({ path }) => path),
    ),
  ))
    judged.push({ ...check, result: await judge(database, check) });
  return judged;
}

/** Writes the rows that broke a check of severity error, with `_file`, `_row` (within the batch) and `_broke`, which says what. */
export async function writeQuarantine(
  database: Database,
  judged: readonly Judged[],
  sources: readonly Source[],
  fields: readonly Field[],
  path: string,
): Promise<PreparedBatch['quarantine']> {
  const serious = judged.filter(({ expectation, result }) => expectation.severity === 'error' && result.violations > 0);
  if (serious.length === 0) return null;
  const reasons = serious.map(
    ({ expectation, check, broken }) => `CASE WHEN ${broken} THEN ${literal(`${expectation.column}: ${check}`)} END`,
  );
  const files = sources.map((source, at) => `WHEN ${at} THEN ${literal(source.file.name)}`).join(' ');
  const anyBroken = serious.map(({ broken }) => `(${broken})`).join(' OR ');
  await writeParquet(
    database,
    `SELECT CASE "_file" ${files} END AS "_file", "_row", concat_ws('; ', ${reasons.join(', ')}) AS "_broke", ${identifiers(fields.map(({ name }) => name))} FROM fresh WHERE ${anyBroken} ORDER BY "_row"`,
    path,
  );
  const { rows } = await database.row(`SELECT count(*) AS rows FROM fresh WHERE ${anyBroken}`);
  return { path, rows: Number(rows) };
}

async function judge(database: Database, { expectation, check, broken }: Check): Promise<ExpectationResult> {
  const { violations } = await database.row(`SELECT count(*) AS violations FROM fresh WHERE ${broken}`);
  const examples =
    violations === 0
      ? []
      : await database.rows(
          `SELECT "_row" AS row, ${identifier(expectation.column)} AS value FROM fresh WHERE ${broken} ORDER BY "_row" LIMIT 10`,
        );
  return {
    column: expectation.column,
    check,
    severity: expectation.severity,
    violations: Number(violations),
    examples: examples.map(({ row, value }) => ({ row: Number(row), value: value ?? null })),
  };
}

function checksOf(expectation: Expectation, fields: readonly Field[], known: readonly string[]): readonly Check[] {
  const field = fields.find(({ name }) => name === expectation.column);
  if (field === undefined) return [];
  const { type, notNull, unique, min, max, values } = expectation;
  const column = identifier(field.name);
  const checks: Check[] = [];
  const add = (check: Check['check'], broken: string): void => void checks.push({ expectation, check, broken });
  if (type !== undefined) add('type', brokenType(type, field));
  if (notNull) add('notNull', `${column} IS NULL`);
  if (unique) add('unique', brokenUnique(column, known));
  if (min !== undefined) add('min', `${numeric(field, 'min')} < ${number(min)}`);
  if (max !== undefined) add('max', `${numeric(field, 'max')} > ${number(max)}`);
  if (values !== undefined) add('values', brokenValues(field, values));
  return checks;
}

/** A column of another type is broken by the values that are not of the one expected, or by all if each of them could be. */
function brokenType(expected: Field['type'], field: Field): string {
  if (field.type === expected || (field.type === 'integer' && expected === 'number')) return 'false';
  const column = identifier(field.name);
  const misfit = `${column} IS NOT NULL AND NOT ${fits(`CAST(${column} AS VARCHAR)`, storedOf[expected])}`;
  return `${column} IS NOT NULL AND ((${misfit}) OR NOT EXISTS (SELECT 1 FROM fresh WHERE ${misfit}))`;
}

function brokenUnique(column: string, known: readonly string[]): string {
  const twice = `${column} IN (SELECT ${column} FROM fresh WHERE ${column} IS NOT NULL GROUP BY ${column} HAVING count(*) > 1)`;
  return known.length === 0
    ? twice
    : `(${twice} OR ${column} IN (SELECT ${column} FROM ${parquetRows(known)} WHERE ${column} IS NOT NULL))`;
}

/** Values of another kind than the column's never match. */
function brokenValues({ name, type, stored }: Field, values: readonly (string | number | boolean)[]): string {
  const column = identifier(name);
  const allowed = values.flatMap((value) => {
    if (typeof value === 'number') return type === 'integer' || type === 'number' ? [number(value)] : [];
    if (typeof value === 'boolean') return type === 'boolean' ? [String(value)] : [];
    return type === 'string' || type === 'date' || type === 'timestamp'
      ? [`TRY_CAST(${literal(value)} AS ${stored})`]
      : [];
  });
  return allowed.length === 0
    ? `${column} IS NOT NULL`
    : `${column} IS NOT NULL AND NOT coalesce(${column} IN (${allowed.join(', ')}), false)`;
}

function numeric({ name, type }: Field, check: string): string {
  if (type === 'integer' || type === 'number') return identifier(name);
  throw new PerennialError(
    'schema-changed',
    `an expectation names ${check} for the column "${name}", which is ${type}; min and max are for integers and numbers`,
    { column: name, expected: 'number', found: type },
  );
}

function number(value: number): string {
  return `CAST(${literal(String(value))} AS DOUBLE)`;
}
