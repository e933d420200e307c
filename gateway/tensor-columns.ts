import type { Cell } from '../contracts/data-types.ts';
import type { ErrorFields } from '../contracts/errors.ts';
import { PerennialError } from '../contracts/errors.ts';
import { holds } from '../contracts/integer-kind.ts';
import { refusalOfMissing } from '../contracts/missing-values.ts';
import type { Signature, SignatureInput, TensorType } from '../contracts/model-version.ts';
import type { MissingPolicy } from '../contracts/configuration.ts';

/** Rows that one request may bring; more belong in several requests. */
export const maximumRows = 10_000;

/** One array a feature, all of length `rows`, as `LoadedModel.predict` takes them. */
export interface Columns {
  readonly rows: number;
  readonly features: Readonly<Record<string, readonly Cell[]>>;
  /** Columns of the request that the model does not use. */
  readonly ignored: readonly string[];
}

/** A version's inputs, and whether a request may lack values that were never missing in training. */
export interface Taken {
  readonly signature: Signature;
  readonly missing: MissingPolicy;
}

/** A value for every row of each column that the request names. */
export type NamedColumns = ReadonlyMap<string, readonly unknown[]>;

export function refuse(message: string, fields: ErrorFields = {}): PerennialError {
  return new PerennialError('invalid-request', message, fields);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const expected: Record<TensorType, string> = {
  FP32: 'a finite number within 32-bit range',
  FP64: 'a finite number',
  INT64: 'an integer',
  BOOL: 'true or false',
  BYTES: 'a string',
};

function expectedOf({ type, integer }: SignatureInput): string {
  return integer === undefined ? expected[type] : `an integer that ${integer} holds`;
}

function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The value as the model takes it, or undefined. Truth values count as 0 and 1 where a number is wanted, as they did in training. */
function toCell({ type, integer }: SignatureInput, value: unknown): Cell | undefined {
  if (type === 'BYTES') return typeof value === 'string' ? value : undefined;
  if (type === 'BOOL') return typeof value === 'boolean' ? value : undefined;
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number !== 'number') return undefined;
  if (type === 'INT64') return Number.isSafeInteger(number) && holds(integer, BigInt(number)) ? number : undefined;
  return Number.isFinite(type === 'FP32' ? Math.fround(number) : number) ? number : undefined;
}

/** The JSON mapping of Protocol Buffers writes NaN as this text. */
function isMissing(type: TensorType, value: unknown): boolean {
  return value === null || value === undefined || (value === 'NaN' && type !== 'BYTES');
}

export function readCells(input: SignatureInput, policy: MissingPolicy, values: readonly unknown[]): Cell[] {
  const { name: feature, type } = input;
  const refusal = refusalOfMissing(input, policy);
  const cells: Cell[] = Array.from({ length: values.length });
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row];
    const cell = isMissing(type, value) ? null : toCell(input, value);
    if (cell === undefined)
      throw refuse(`feature "${feature}", row ${row}: expected ${expectedOf(input)}, got ${show(value)}`, {
        feature,
        row,
      });
    if (cell === null && refusal !== undefined)
      throw refuse(`feature "${feature}", row ${row} has no value: ${refusal}`, { feature, row });
    cells[row] = cell;
  }
  return cells;
}

export function checkRows(rows: number): void {
  if (rows < 1) throw refuse('the request has no rows; send at least one');
  if (rows > maximumRows)
    throw new PerennialError(
      'too-large',
      `the request has ${rows} rows and at most ${maximumRows} are taken at once; send them in several requests`,
      { rows },
    );
}

function featureList(signature: Signature): string {
  return signature.inputs.map((input) => input.name).join(', ');
}

export function unknownInput(name: string, signature: Signature): PerennialError {
  return refuse(`unknown input "${name}"; the model takes ${featureList(signature)}`, { input: name });
}

/** Reads columns from one list of values for each feature. An absent feature is missing in every row. */
export function readNamedColumns({ signature, missing }: Taken, given: NamedColumns): Columns {
  const rows = rowsIn(signature, given);
  checkRows(rows);
  const features = signature.inputs.map((input): [string, readonly Cell[]] => {
    const values = given.get(input.name);
    if (values !== undefined) return [input.name, readCells(input, missing, values)];
    const refusal = refusalOfMissing(input, missing);
    if (refusal === undefined) return [input.name, Array<Cell>(rows).fill(null)];
    throw refuse(
      `feature "${input.name}" is missing; the model takes ${featureList(signature)}. Of "${input.name}": ${refusal}`,
      { feature: input.name },
    );
  });
  const known = new Set(signature.inputs.map((input) => input.name));
  const ignored = [...given.keys()].filter((name) => !known.has(name));
  // Not assigned one by one: a feature may be named __proto__.
  return { rows, features: Object.fromEntries(features), ignored };
}

/** The number of rows, which must be the same for all features in the request. */
function rowsIn(signature: Signature, given: NamedColumns): number {
  const there = signature.inputs.flatMap(({ name }) => {
    const values = given.get(name);
    return values === undefined ? [] : [{ name, rows: values.length }];
  });
  const [first] = there;
  if (first === undefined)
    throw refuse(`the request has none of the features; the model takes ${featureList(signature)}`);
  const other = there.find(({ rows }) => rows !== first.rows);
  if (other === undefined) return first.rows;
  throw refuse(
    `feature "${other.name}" has ${other.rows} rows and "${first.name}" has ${first.rows}; all must have as many`,
    { feature: other.name },
  );
}

/** Columns from rows whose values stand in the order of `names`. */
export function readRows(taken: Taken, names: readonly string[], rows: readonly unknown[]): Columns {
  checkRows(rows.length);
  const given = new Map<string, unknown[]>();
  for (const name of names) {
    if (given.has(name)) throw refuse(`column "${name}" is there twice`, { feature: name });
    given.set(name, []);
  }
  const lists = [...given.values()];
  rows.forEach((row, index) => {
    if (!Array.isArray(row) || row.length !== names.length)
      throw refuse(`row ${index}: expected a list of ${names.length} values (${names.join(', ')}), got ${show(row)}`, {
        row: index,
      });
    row.forEach((value: unknown, column) => lists[column]?.push(value));
  });
  return readNamedColumns(taken, given);
}
