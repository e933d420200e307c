import type { ColumnBatch, TextColumn } from '../../contracts/data/column-batch.ts';
import { TextColumnWriter } from '../../contracts/data/column-batch.ts';
import type { ErrorFields } from '../../contracts/errors.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { holds } from '../../contracts/data/integer-range.ts';
import type { Signature, SignatureInput, TensorType } from '../../contracts/models/signature.ts';
import type { GivenColumn, NamedColumns } from './given-columns.ts';
import { PlaceInRows } from './given-columns.ts';
import type { Taken } from './taken.ts';

/** Maximum number of rows in one request. */
export const maximumRows = 10_000;

/** The rows of a request. */
export interface Columns {
  /** The features, in the order of the signature's inputs. */
  readonly batch: ColumnBatch;
  /** Columns of the request that the model does not use: their names, of which a large request may lack the last, and their number. */
  readonly ignored: { readonly names: readonly string[]; readonly count: number };
}

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
 * Returns a number as the model expects it, NaN for a missing value, or `undefined` if it does not fit. Booleans and the
 * numbers 0 and 1 are interchangeable, as in training.
 */
function toNumber({ type, integer }: SignatureInput, value: unknown): number | undefined {
  const number = typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number') return undefined;
  if (type === 'BOOL') return number === 0 || number === 1 ? number : undefined;
  if (type === 'INT64') return Number.isSafeInteger(number) && holds(integer, BigInt(number)) ? number : undefined;
  // NaN in a binary tensor is a missing value, as in training.
  if (Number.isNaN(number)) return number;
  return Number.isFinite(type === 'FP32' ? Math.fround(number) : number) ? number : undefined;
}

/** Returns whether the value is missing. The JSON mapping of Protocol Buffers writes NaN as the text "NaN". */
function isMissing(type: TensorType, value: unknown, missingTexts: ReadonlySet<string>): boolean {
  if (typeof value !== 'string') return value === null || value === undefined;
  return (value === 'NaN' && type !== 'BYTES') || missingTexts.has(value);
}

function wrongValue(input: SignatureInput, row: number, value: unknown): PerennialError {
  const { name: feature } = input;
  return refuse(`feature "${feature}", row ${row}: expected ${expectedOf(input)}, got ${show(value)}`, {
    feature,
    row,
  });
}

function refuseMissing(feature: string, row: number, refusal: string | undefined): void {
  if (refusal !== undefined)
    throw refuse(`feature "${feature}", row ${row} has no value: ${refusal}`, { feature, row });
}

/** Reads the values of the input at `at` into `numbers`, beginning at `from`. */
function readNumbers(taken: Taken, at: number, given: GivenColumn, numbers: Float64Array, from: number): void {
  const input = inputAt(taken, at);
  const refusal = taken.refusals[at];
  const isSingle = input.type === 'FP32';
  const isFloat = isSingle || input.type === 'FP64';
  for (let row = 0; row < given.length; row += 1) {
    const value = given.at(row);
    // Most values by far are finite numbers for a feature of numbers.
    if (isFloat && typeof value === 'number' && Number.isFinite(isSingle ? Math.fround(value) : value)) {
      numbers[from + row] = value;
      continue;
    }
    const number = isMissing(input.type, value, taken.missingTexts) ? Number.NaN : toNumber(input, value);
    if (number === undefined) throw wrongValue(input, row, value);
    if (Number.isNaN(number)) refuseMissing(input.name, row, refusal);
    numbers[from + row] = number;
  }
}

function readTexts(taken: Taken, at: number, given: GivenColumn): TextColumn {
  const input = inputAt(taken, at);
  const writer = new TextColumnWriter(given.length);
  for (let row = 0; row < given.length; row += 1) {
    const value = given.at(row);
    if (isMissing(input.type, value, taken.missingTexts)) refuseMissing(input.name, row, taken.refusals[at]);
    // Text with half of a surrogate pair is refused: neither the model nor the log could store it.
    else if (typeof value === 'string' && value.isWellFormed()) writer.set(row, value);
    else throw wrongValue(input, row, value);
  }
  return writer.column;
}

function inputAt({ signature }: Taken, at: number): SignatureInput {
  const input = signature.inputs[at];
  if (input === undefined) throw new PerennialError('internal', `the signature has no input ${at}`);
  return input;
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
  const { signature, layout, places } = taken;
  const ignored = [...others];
  let known = 0;
  for (const name of given.keys())
    if (places.has(name)) known += 1;
    else ignored.push(name);
  const rows = rowsIn(signature, given, ignored);
  checkRows(rows);
  if (known < signature.inputs.length) {
    const absent = signature.inputs.filter(({ name }) => !given.has(name));
    checkAbsent(absent, taken, ignored);
  }
  const numbers = new Float64Array(layout.numbers * rows);
  const texts: TextColumn[] = [];
  for (const [at, { name }] of signature.inputs.entries()) {
    const values = given.get(name);
    const from = (layout.places[at] ?? 0) * rows;
    if (layout.kinds[at] === 'text')
      texts.push(values === undefined ? new TextColumnWriter(rows).column : readTexts(taken, at, values));
    else if (values === undefined) numbers.fill(Number.NaN, from, from + rows);
    else readNumbers(taken, at, values, numbers, from);
  }
  return { batch: { layout, rows, numbers, texts }, ignored: { names: ignored, count: ignored.length } };
}

const noneIgnored: Columns['ignored'] = { names: [], count: 0 };

/**
 * Reads a request that gives all features and nothing else, each at most once, as most requests do. The result is that
 * of `readNamedColumns`, without looking up names.
 *
 * @param columnAt returns the values of the input at an index of the signature; all have the length `rows`.
 */
export function readAllColumns(taken: Taken, rows: number, columnAt: (at: number) => GivenColumn): Columns {
  checkRows(rows);
  const { layout } = taken;
  const numbers = new Float64Array(layout.numbers * rows);
  const texts: TextColumn[] = [];
  for (let at = 0; at < layout.names.length; at += 1)
    if (layout.kinds[at] === 'text') texts.push(readTexts(taken, at, columnAt(at)));
    else readNumbers(taken, at, columnAt(at), numbers, (layout.places[at] ?? 0) * rows);
  return { batch: { layout, rows, numbers, texts }, ignored: noneIgnored };
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
    const refusal = taken.refusals[taken.places.get(feature) ?? -1];
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
  let first: { readonly name: string; readonly rows: number } | undefined;
  for (const { name } of signature.inputs) {
    const rows = given.get(name)?.length;
    if (rows === undefined) continue;
    first ??= { name, rows };
    if (rows !== first.rows)
      throw refuse(
        `feature "${name}" has ${rows} rows and "${first.name}" has ${first.rows}; all features must have the same number of rows`,
        { feature: name },
      );
  }
  if (first === undefined)
    throw refuse(`the request has none of the features${besides(ignored)}; the model takes ${featureList(signature)}`);
  return first.rows;
}

/** Reads columns from rows whose values are in the order of `names`. */
export function readRows(taken: Taken, names: readonly string[], rows: readonly unknown[]): Columns {
  checkRows(rows.length);
  const isInOrder = hasNames(names, taken.layout.names);
  if (!isInOrder) refuseRepeated(names);
  const lists = rows.map((row, index): readonly unknown[] => {
    if (Array.isArray(row) && row.length === names.length) return row;
    throw refuse(`row ${index}: expected a list of ${names.length} values (${listed(names)}), got ${show(row)}`, {
      row: index,
    });
  });
  if (isInOrder) return readAllColumns(taken, lists.length, (at) => new PlaceInRows(lists, at));
  const given = new Map<string, GivenColumn>();
  for (const [place, name] of names.entries()) given.set(name, new PlaceInRows(lists, place));
  return readNamedColumns(taken, given);
}

function hasNames(names: readonly string[], wanted: readonly string[]): boolean {
  return names === wanted || (names.length === wanted.length && names.every((name, at) => name === wanted[at]));
}

function refuseRepeated(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw refuse(`column ${quoted(name)} occurs twice`, { feature: name });
    seen.add(name);
  }
}
