import { PerennialError } from '../../../contracts/errors.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { saidByDuckDb } from '../process/said-by-duckdb.ts';
import { identifier, literal } from '../sql.ts';

/**
 * Checks that `data.timestamp` is one scalar expression over the columns, and returns it as SQL. The expression is
 * parsed before it runs. Throws `invalid-expression` for subqueries, stars, aggregates, windows, lambdas, parameters,
 * table functions, and functions whose result may differ between runs.
 */
export async function scalarExpression(
  database: LockedDatabase,
  text: string,
  columns: readonly string[],
): Promise<string> {
  // A text that equals a column's name is that column, even if SQL would read it differently.
  if (columns.includes(text)) return identifier(text);
  const expression = await parse(database, text);
  const functions = new Set<string>();
  inspect(expression, text, columns, functions);
  await checkFunctions(database, text, [...functions]);
  // Without the line break, a comment at the end of the expression would hide what follows.
  return `(${text}\n)`;
}

const leaves = new Set([
  'CONSTANT',
  'COLUMN_REF',
  'FUNCTION',
  'CAST',
  'OPERATOR',
  'COMPARISON',
  'CONJUNCTION',
  'CASE',
  'BETWEEN',
]);
/** DuckDB's own macros that are scalar and deterministic. */
const macros = new Set(['date_add', 'nullif', 'split_part', 'fdiv', 'fmod', 'round_even', 'days_in_month']);
/** Functions that DuckDB lists as consistent although they read the clock or the session. */
const unsteady = /^(current_|get_?current|getvariable|age$|version$|json_serialize|json_deserialize|write_log)/;

async function parse(database: LockedDatabase, text: string): Promise<unknown> {
  const { tree } = await database.row(`SELECT json_serialize_sql(${literal(`SELECT (${text}\n)`)}) AS tree`);
  const parsed: unknown = JSON.parse(String(tree));
  if (property(parsed, 'error') === true)
    throw invalid(text, `it is not a SQL expression: ${String(property(parsed, 'error_message'))}`);
  const [statement, more] = list(property(parsed, 'statements'));
  const node = property(statement, 'node');
  const [expression, second] = list(property(node, 'select_list'));
  const bare =
    more === undefined &&
    property(node, 'type') === 'SELECT_NODE' &&
    expression !== undefined &&
    second === undefined &&
    property(property(node, 'from_table'), 'type') === 'EMPTY' &&
    list(property(node, 'modifiers')).length === 0 &&
    list(property(property(node, 'cte_map'), 'map')).length === 0 &&
    list(property(node, 'group_expressions')).length === 0 &&
    ['where_clause', 'having', 'qualify', 'sample'].every((clause) => property(node, clause) === null) &&
    property(expression, 'alias') === '';
  if (!bare) throw invalid(text, 'it is more than one expression');
  return expression;
}

/**
 * Walks the syntax tree and collects the names of functions. Refuses every kind of node that is not known to be
 * harmless.
 */
function inspect(node: unknown, text: string, columns: readonly string[], functions: Set<string>): void {
  if (Array.isArray(node)) {
    for (const child of node) inspect(child, text, columns, functions);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const kind = property(node, 'class');
  if (typeof kind === 'string') {
    if (!leaves.has(kind)) throw invalid(text, `it contains a ${kind.toLowerCase().replaceAll('_', ' ')}`);
    if (kind === 'COLUMN_REF') checkColumn(node, text, columns);
    if (kind === 'FUNCTION') functions.add(String(property(node, 'function_name')).toLowerCase());
  }
  for (const [name, child] of Object.entries(node)) if (name !== 'value') inspect(child, text, columns, functions);
}

function checkColumn(node: unknown, text: string, columns: readonly string[]): void {
  const path = list(property(node, 'column_names')).map(String);
  const [name = ''] = path;
  if (path.length !== 1 || !columns.some((column) => column.toLowerCase() === name.toLowerCase()))
    throw invalid(text, `there is no column "${path.join('.')}"; the columns are ${columns.join(', ')}`);
}

async function checkFunctions(database: LockedDatabase, text: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const known = await database.rows(
    `SELECT DISTINCT lower(function_name) AS name, function_type AS kind, stability FROM duckdb_functions() WHERE lower(function_name) IN (${names.map(literal).join(', ')})`,
  );
  for (const name of names) {
    const kinds = known.filter((found) => found.name === name);
    const scalar = kinds.filter(({ kind }) => kind === 'scalar');
    if (kinds.length === 0) throw invalid(text, `there is no function "${name}"`);
    if (macros.has(name)) continue;
    if (scalar.length === 0 || kinds.some(({ kind }) => kind === 'aggregate'))
      throw invalid(text, `"${name}" is not a scalar function`);
    if (unsteady.test(name) || scalar.some(({ stability }) => stability !== 'CONSISTENT'))
      throw invalid(text, `"${name}" does not always return the same value`);
  }
}

/** Returns whether the expression gives naive local times or instants over the rows of a table. */
export async function timeKind(
  database: LockedDatabase,
  text: string,
  sql: string,
  table: string,
): Promise<'naive' | 'instant'> {
  let type: string;
  try {
    type = String((await database.row(`DESCRIBE SELECT ${sql} AS t FROM ${table}`)).column_type);
  } catch (caught) {
    throw invalid(text, saidByDuckDb(caught), caught);
  }
  if (type === 'TIMESTAMP WITH TIME ZONE') return 'instant';
  if (type === 'DATE' || /^TIMESTAMP(_S|_MS|_NS)?$/.test(type)) return 'naive';
  throw invalid(
    text,
    `it returns ${type}, not a time; use for example CAST(… AS TIMESTAMP), strptime(…) or to_timestamp(…)`,
  );
}

function invalid(text: string, reason: string, cause?: unknown): PerennialError {
  return new PerennialError(
    'invalid-expression',
    `data.timestamp, ${JSON.stringify(text)}, must be a column or one scalar expression over the columns: ${reason}`,
    { expression: text },
    { cause },
  );
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
