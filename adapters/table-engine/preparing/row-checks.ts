import { PerennialError } from '../../../contracts/errors.ts';
import type { Expectation, ExpectationCheck } from '../../../contracts/data/expectation.ts';
import type { ReferencedColumn } from '../../../ports/table-engine.ts';
import { type Field, isStored, storedOf, typeOf } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { saidByDuckDb } from '../process/said-by-duckdb.ts';
import { fits } from '../typing/spellings.ts';
import { identifier, literal, parquetRows } from '../sql.ts';

export interface RowCheck {
  readonly check: ExpectationCheck;
  /** SQL over `fresh` that is true for a row that breaks the check. */
  readonly broken: string;
  readonly observed?: string | number;
}

export interface RowGround {
  readonly key: string | undefined;
  /** Whether there are existing rows. They are in the view `known` and stay unless their key is in `replaced`. */
  readonly hasKnown: boolean;
  readonly references: readonly ReferencedColumn[];
}

export async function rowChecks(
  database: LockedDatabase,
  expectation: Expectation,
  field: Field,
  ground: RowGround,
): Promise<readonly RowCheck[]> {
  const { type, notNull, unique, min, max, range, values, pattern, nullShare, references } = expectation;
  const column = identifier(field.name);
  const checks: RowCheck[] = [];
  const add = (check: ExpectationCheck, broken: string): void => void checks.push({ check, broken });
  if (type !== undefined) add('type', brokenType(type, field));
  if (notNull) add('notNull', `${column} IS NULL`);
  if (unique) add('unique', brokenUnique(column, ground));
  if (min !== undefined) add('min', `${numeric(field, 'min')} < ${number(min)}`);
  if (max !== undefined) add('max', `${numeric(field, 'max')} > ${number(max)}`);
  if (range !== undefined) add('range', brokenRange(field, range));
  if (values !== undefined) add('values', brokenValues(field, values));
  if (pattern !== undefined) add('pattern', await brokenPattern(database, field, pattern));
  if (nullShare !== undefined) checks.push(await nullShareCheck(database, column, nullShare));
  if (references !== undefined) checks.push(await referenceCheck(database, field, references, ground));
  return checks;
}

/**
 * Returns the SQL condition of the rows that break a `type` check. If the column has another type, these are the rows
 * with values that do not fit the expected type. If all values would fit it, every row with a value breaks the check.
 */
function brokenType(expected: Field['type'], field: Field): string {
  if (field.type === expected || (field.type === 'integer' && expected === 'number')) return 'false';
  const column = identifier(field.name);
  const misfit = `${column} IS NOT NULL AND NOT ${fits(`CAST(${column} AS VARCHAR)`, storedOf[expected], 'declared')}`;
  return `${column} IS NOT NULL AND ((${misfit}) OR NOT EXISTS (SELECT 1 FROM fresh WHERE ${misfit}))`;
}

function brokenUnique(column: string, { key, hasKnown }: RowGround): string {
  const twice = `${column} IN (SELECT ${column} FROM fresh WHERE ${column} IS NOT NULL GROUP BY ${column} HAVING count(*) > 1)`;
  if (!hasKnown) return twice;
  const staying = key === undefined ? '' : `AND ${identifier(key)} NOT IN (SELECT "key" FROM replaced)`;
  return `(${twice} OR ${column} IN (SELECT ${column} FROM known WHERE ${column} IS NOT NULL ${staying}))`;
}

function brokenRange(field: Field, [low, high]: NonNullable<Expectation['range']>): string {
  const column = identifier(field.name);
  if (typeof low === 'number' && typeof high === 'number')
    return `NOT (${numeric(field, 'range')} BETWEEN ${number(low)} AND ${number(high)})`;
  if (field.type !== 'date' && field.type !== 'timestamp')
    throw mistyped(field, 'a range of text', 'dates and timestamps');
  const bound = (text: string | number): string => `CAST(${literal(String(text))} AS ${field.stored})`;
  return `NOT (${column} BETWEEN ${bound(low)} AND ${bound(high)})`;
}

/**
 * Returns the SQL condition of the rows that break a `values` check. Allowed values of another kind than the column's
 * never match.
 */
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

/**
 * Returns the SQL condition of the rows that break a `pattern` check. DuckDB uses RE2, whose run time is linear in the
 * text for every pattern.
 */
async function brokenPattern(database: LockedDatabase, field: Field, pattern: string): Promise<string> {
  if (field.type !== 'string') throw mistyped(field, 'a pattern', 'strings');
  try {
    await database.row(`SELECT regexp_matches('', ${literal(pattern)}) AS matches`);
  } catch (caught) {
    throw new PerennialError(
      'invalid-expression',
      `the pattern ${JSON.stringify(pattern)} in an expectation for "${field.name}" is not a valid RE2 expression: ${saidByDuckDb(caught)}`,
      { expression: pattern, column: field.name },
      { cause: caught },
    );
  }
  return `NOT regexp_matches(${identifier(field.name)}, ${literal(pattern)})`;
}

/** Returns the check of the share of nulls. If the share is too large, every row with a null breaks the check. */
async function nullShareCheck(database: LockedDatabase, column: string, most: number): Promise<RowCheck> {
  const { share } = await database.row(
    `SELECT coalesce((count(*) - count(${column})) / nullif(count(*), 0), 0)::DOUBLE AS share FROM fresh`,
  );
  const observed = Number(share);
  return { check: 'nullShare', broken: observed > most ? `${column} IS NULL` : 'false', observed };
}

async function referenceCheck(
  database: LockedDatabase,
  field: Field,
  { model, column }: NonNullable<Expectation['references']>,
  { references }: RowGround,
): Promise<RowCheck> {
  const found = references.find((reference) => reference.model === model && reference.column === column);
  if (found === undefined || found.parts.length === 0)
    throw new PerennialError(
      'no-data',
      `"${field.name}" refers to the column "${column}" of ${model}, which has no rows; ingest the data of ${model} first`,
      { column: field.name, model },
    );
  const rows = parquetRows(found.parts);
  const described = await database.rows(`DESCRIBE SELECT * FROM ${rows}`);
  const type = described.find((row) => row.column_name === column)?.column_type;
  const isNumber = (name: string): boolean => name === 'integer' || name === 'number';
  const there = isStored(type) ? typeOf[type] : undefined;
  if (there === undefined || !(there === field.type || (isNumber(there) && isNumber(field.type))))
    throw new PerennialError(
      'schema-changed',
      `"${field.name}" has type ${field.type} and refers to the column "${column}" of ${found.label}, which ${there === undefined ? 'does not exist' : `has type ${there}`}`,
      { column: field.name, model, expected: field.type, ...(there === undefined ? {} : { found: there }) },
    );
  const name = identifier(field.name);
  return {
    check: 'references',
    broken: `${name} IS NOT NULL AND ${name} NOT IN (SELECT ${identifier(column)} FROM ${rows} WHERE ${identifier(column)} IS NOT NULL)`,
    observed: found.label,
  };
}

function numeric(field: Field, check: string): string {
  if (field.type === 'integer' || field.type === 'number') return identifier(field.name);
  throw mistyped(field, check, 'integers and numbers');
}

function mistyped({ name, type }: Field, check: string, types: string): PerennialError {
  return new PerennialError(
    'schema-changed',
    `an expectation sets ${check} for the column "${name}", which has type ${type}; this check is only for ${types}`,
    { column: name, expected: types, found: type },
  );
}

function number(value: number): string {
  return `CAST(${literal(String(value))} AS DOUBLE)`;
}
