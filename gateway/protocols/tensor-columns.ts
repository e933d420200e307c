import type { Cell } from '../../contracts/data/data-types.ts';
import type { ErrorFields } from '../../contracts/errors.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { holds } from '../../contracts/data/integer-range.ts';
import { refusalOfMissing } from '../../contracts/data/missing-values.ts';
import type { Signature, SignatureInput, TensorType } from '../../contracts/models/signature.ts';
import type { MissingPolicy } from '../../contracts/configuration/serve-section.ts';

/** Maximum number of rows in one request. */
export const maximumRows = 10_000;

/** One array per feature, each of length `rows`, as `LoadedModel.predict` expects them. */
export interface Columns {
  readonly rows: number;
  readonly features: Readonly<Record<string, readonly Cell[]>>;
  /** Columns of the request that the model does not use. */
  readonly ignored: readonly string[];
}

/**
 * How a version's inputs are read: its signature, the policy for missing values in features that never lacked one in
 * training, and the texts that mean missing.
 */
export interface Taken {
  readonly signature: Signature;
  readonly missing: MissingPolicy;
  readonly nulls: readonly string[];
}

/** One value per row for each column that the request names. */
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
  INT64: 'an integer below 2^53 in magnitude',
  BOOL: 'true or false',
  BYTES: 'a string of valid Unicode',
};

function expectedOf({ type, integer }: SignatureInput): string {
  return integer === undefined ? expected[type] : `an integer within the range of ${integer}`;
}

/**
 * Formats a value for a message. Lists and objects are not printed, because a deeply nested one would overflow the
 * stack.
 */
function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isRecord(value)) return 'an object';
  // Parsing the JSON has rounded the number, so its digits may not be the ones that the caller sent.
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return `about ${Number(value).toExponential(3)}`;
  return typeof value === 'string' ? quoted(value) : String(value);
}

/** Quotes and shortens a text of the request for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/**
 * Returns the value as the model expects it, or `undefined` if it does not fit. Booleans and the numbers 0 and 1 are
 * interchangeable, as in training.
 */
function toCell({ type, integer }: SignatureInput, value: unknown): Cell | undefined {
  // Text with half of a surrogate pair is refused: neither the model nor the log could store it.
  if (type === 'BYTES') return typeof value === 'string' && value.isWellFormed() ? value : undefined;
  if (type === 'BOOL') return value === 0 || value === 1 ? value === 1 : typeof value === 'boolean' ? value : undefined;
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number !== 'number') return undefined;
  if (type === 'INT64') return Number.isSafeInteger(number) && holds(integer, BigInt(number)) ? number : undefined;
  return Number.isFinite(type === 'FP32' ? Math.fround(number) : number) ? number : undefined;
}

/** Returns whether the value is missing. The JSON mapping of Protocol Buffers writes NaN as the text "NaN". */
function isMissing(type: TensorType, value: unknown, nulls: readonly string[]): boolean {
  if (typeof value !== 'string') return value === null || value === undefined;
  return (value === 'NaN' && type !== 'BYTES') || nulls.includes(value);
}

export function readCells(
  input: SignatureInput,
  { missing, nulls }: Omit<Taken, 'signature'>,
  values: readonly unknown[],
): Cell[] {
  const { name: feature, type } = input;
  const refusal = refusalOfMissing(input, missing);
  const cells: Cell[] = Array.from({ length: values.length });
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row];
    const cell = isMissing(type, value, nulls) ? null : toCell(input, value);
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
  if (rows > maximumRows) throw tooManyRows(String(rows));
}

export function tooManyRows(rows: string): PerennialError {
  return new PerennialError(
    'too-large',
    `the request has ${rows} rows, but at most ${maximumRows} are accepted per request; send the rows in several requests`,
    { rows },
  );
}

const listedAtMost = 20;

/** Lists names for a message, at most `listedAtMost`, because a model may have thousands of features. */
export function listed(names: readonly string[], shown = (name: string) => name): string {
  const text = names.slice(0, listedAtMost).map(shown).join(', ');
  return names.length <= listedAtMost ? text : `${text} and ${names.length - listedAtMost} more`;
}

export function featureList(signature: Signature): string {
  return listed(signature.inputs.map((input) => input.name));
}

/**
 * Reads columns from one list of values per feature. A feature without a list is missing in every row.
 *
 * @param others further names in the request, besides those in `given`, that the model does not use.
 */
export function readNamedColumns(taken: Taken, given: NamedColumns, others: readonly string[] = []): Columns {
  const { signature } = taken;
  const known = new Set(signature.inputs.map((input) => input.name));
  const ignored = [...[...given.keys()].filter((name) => !known.has(name)), ...others];
  const rows = rowsIn(signature, given, ignored);
  checkRows(rows);
  const absent = signature.inputs.filter(({ name }) => !given.has(name));
  if (absent.length > 0) checkAbsent(absent, taken, ignored);
  const features = signature.inputs.map((input): [string, readonly Cell[]] => {
    const values = given.get(input.name);
    return [input.name, values === undefined ? Array<Cell>(rows).fill(null) : readCells(input, taken, values)];
  });
  // Properties are not assigned one by one, because a feature may be named `__proto__`.
  return { rows, features: Object.fromEntries(features), ignored };
}

/** Throws if an absent feature may not be missing, or if the request has a column with almost the same name. */
function checkAbsent(absent: readonly SignatureInput[], taken: Taken, ignored: readonly string[]): void {
  const spellings = new Map(ignored.map((name) => [plain(name), name]));
  for (const input of absent) {
    const { name: feature } = input;
    const other = spellings.get(plain(feature));
    if (other !== undefined)
      throw refuse(
        `feature "${feature}" is missing; rename the column ${quoted(other)} of the request to "${feature}"`,
        {
          feature,
        },
      );
    const refusal = refusalOfMissing(input, taken.missing);
    if (refusal !== undefined)
      throw refuse(
        `feature "${feature}" is missing${besides(ignored)}; the model takes ${featureList(taken.signature)}. About "${feature}": ${refusal}`,
        { feature },
      );
  }
}

/** Normalises a name, so that names that differ only in case or surrounding whitespace become equal. */
function plain(name: string): string {
  return name.trim().normalize('NFC').toLowerCase();
}

/** Lists the unused columns of the request for a message, so that a misspelt feature is easy to find. */
function besides(ignored: readonly string[]): string {
  return ignored.length === 0 ? '' : `; unknown columns of the request: ${listed(ignored, quoted)}`;
}

/** Returns the number of rows, which must be the same for all features in the request. */
function rowsIn(signature: Signature, given: NamedColumns, ignored: readonly string[]): number {
  const there = signature.inputs.flatMap(({ name }) => {
    const values = given.get(name);
    return values === undefined ? [] : [{ name, rows: values.length }];
  });
  const [first] = there;
  if (first === undefined)
    throw refuse(`the request has none of the features${besides(ignored)}; the model takes ${featureList(signature)}`);
  const other = there.find(({ rows }) => rows !== first.rows);
  if (other === undefined) return first.rows;
  throw refuse(
    `feature "${other.name}" has ${other.rows} rows and "${first.name}" has ${first.rows}; all features must have the same number of rows`,
    { feature: other.name },
  );
}

/** Reads columns from rows whose values are in the order of `names`. */
export function readRows(taken: Taken, names: readonly string[], rows: readonly unknown[]): Columns {
  checkRows(rows.length);
  const given = new Map<string, unknown[]>();
  for (const name of names) {
    if (given.has(name)) throw refuse(`column ${quoted(name)} occurs twice`, { feature: name });
    given.set(name, []);
  }
  const lists = [...given.values()];
  rows.forEach((row, index) => {
    if (!Array.isArray(row) || row.length !== names.length)
      throw refuse(`row ${index}: expected a list of ${names.length} values (${listed(names)}), got ${show(row)}`, {
        row: index,
      });
    row.forEach((value: unknown, column) => lists[column]?.push(value));
  });
  return readNamedColumns(taken, given);
}
