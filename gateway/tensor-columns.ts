import type { Cell } from '../contracts/data-types.ts';
import type { ErrorFields } from '../contracts/errors.ts';
import { PerennialError } from '../contracts/errors.ts';
import type { Signature, TensorType } from '../contracts/model-version.ts';

/** Rows that one request may bring; more belong in several requests. */
export const maximumRows = 10_000;

/** One array a feature, all of length `rows`, as `LoadedModel.predict` takes them. */
export interface Columns {
  readonly rows: number;
  readonly features: Readonly<Record<string, readonly Cell[]>>;
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
  INT64: 'an integer',
  BOOL: 'true or false',
  BYTES: 'a string',
};

function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** The value as the model takes it, or undefined. Truth values count as 0 and 1 where a number is wanted, as they did in training. */
function toCell(type: TensorType, value: unknown): Cell | undefined {
  if (type === 'BYTES') return typeof value === 'string' ? value : undefined;
  if (type === 'BOOL') return typeof value === 'boolean' ? value : undefined;
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number !== 'number') return undefined;
  if (type === 'INT64') return Number.isSafeInteger(number) ? number : undefined;
  return Number.isFinite(type === 'FP32' ? Math.fround(number) : number) ? number : undefined;
}

export function readCells(feature: string, type: TensorType, values: readonly unknown[]): Cell[] {
  const cells: Cell[] = Array.from({ length: values.length });
  for (let row = 0; row < values.length; row += 1) {
    const cell = toCell(type, values[row]);
    if (cell === undefined)
      throw refuse(`feature "${feature}", row ${row}: expected ${expected[type]}, got ${show(values[row])}`, {
        feature,
        row,
      });
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

/** Columns from one list of values a feature; every feature of the signature must be there, and nothing else. */
export function readNamedColumns(signature: Signature, given: ReadonlyMap<string, readonly unknown[]>): Columns {
  const features: Record<string, Cell[]> = {};
  let rows = -1;
  for (const input of signature.inputs) {
    const values = given.get(input.name);
    if (values === undefined)
      throw refuse(`feature "${input.name}" is missing; the model takes ${featureList(signature)}`, {
        feature: input.name,
      });
    if (rows === -1) checkRows((rows = values.length));
    if (values.length !== rows)
      throw refuse(
        `feature "${input.name}" has ${values.length} rows and "${signature.inputs[0]?.name}" has ${rows}; all must have as many`,
        { feature: input.name },
      );
    features[input.name] = readCells(input.name, input.type, values);
  }
  if (given.size > signature.inputs.length) {
    const known = new Set(signature.inputs.map((input) => input.name));
    for (const name of given.keys()) if (!known.has(name)) throw unknownInput(name, signature);
  }
  return { rows, features };
}

/** Columns from rows whose values stand in the order of `names`. */
export function readRows(signature: Signature, names: readonly string[], rows: readonly unknown[]): Columns {
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
  return readNamedColumns(signature, given);
}
