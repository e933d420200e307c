import type { GivenColumn, NamedColumns } from './given-columns.ts';
import { ListedColumn, NameInRecords } from './given-columns.ts';
import { parametersIn } from './request-parameters.ts';
import type { Taken } from './taken.ts';
import type { Columns } from './tensor-columns.ts';
import { checkRows, isRecord, quoted, readNamedColumns, readRows, refuse } from './tensor-columns.ts';

/** A parsed MLflow scoring body: rows in exactly one of its forms, and optional `params`. */
export interface InvocationBody {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly columns: (taken: Taken) => Columns;
}

const forms = ['inputs', 'dataframe_split', 'dataframe_records', 'instances'] as const;
/**
 * Keys allowed beside the rows. TensorFlow Serving's clients send `signature_name`, which is ignored because a model
 * has only one signature.
 */
const others = new Set(['params', 'signature_name']);

function listsByName(value: Readonly<Record<string, unknown>>): NamedColumns {
  return new Map(
    Object.entries(value).map(([name, values]) => {
      if (!Array.isArray(values))
        throw refuse(`inputs: expected ${quoted(name)} to be a list with one value per row`, { feature: name });
      // A column of shape [rows, 1] is read like one of shape [rows].
      const isNested = values.every((cell) => Array.isArray(cell) && cell.length === 1);
      return [name, new ListedColumn(isNested ? values.flat() : values)];
    }),
  );
}

function fromInputs(value: unknown, taken: Taken): Columns {
  if (isRecord(value)) return readNamedColumns(taken, listsByName(value));
  return fromList('inputs', value, taken);
}

function fromInstances(value: unknown, taken: Taken): Columns {
  return fromList('instances', value, taken);
}

/**
 * Reads a list of objects, or a list of lists in the order of the features. A mixture is refused with the number of the
 * first wrong row.
 */
function fromList(form: string, value: unknown, taken: Taken): Columns {
  if (!Array.isArray(value))
    throw refuse(
      `"${form}" must be a list of objects, one per row, or a list of rows with values in the order of the features`,
    );
  if (value.some(isRecord)) return readRecords(form, value, taken);
  return readRows(taken, taken.layout.names, value);
}

function fromSplit(value: unknown, taken: Taken): Columns {
  if (!isRecord(value) || !Array.isArray(value.columns) || !Array.isArray(value.data))
    throw refuse('"dataframe_split" must be {"columns": […], "data": [[…], …]}');
  const names = value.columns.map((name: unknown) => {
    // pandas numbers columns that have no names.
    if (typeof name === 'number') return String(name);
    if (typeof name !== 'string') throw refuse('"dataframe_split.columns" must be a list of names');
    return name;
  });
  return readRows(taken, names, value.data);
}

function fromRecords(value: unknown, taken: Taken): Columns {
  if (!Array.isArray(value)) throw refuse('"dataframe_records" must be a list of objects, one per row');
  return readRecords('dataframe_records', value, taken);
}

/**
 * Reads objects into columns. A name that a row lacks is a missing value there. Only features become columns: each row
 * may use different other names, and a column for each of them would take memory quadratic in the size of the request.
 */
function readRecords(form: string, value: readonly unknown[], taken: Taken): Columns {
  checkRows(value.length);
  const records = value.map((record, row) => {
    if (isRecord(record)) return record;
    throw refuse(`${form}[${row}]: expected an object with one value per feature`, { row });
  });
  const names = namesIn(records);
  const given = new Map<string, GivenColumn>();
  for (const { name } of taken.signature.inputs)
    if (names.delete(name)) given.set(name, new NameInRecords(records, name));
  return readNamedColumns(taken, given, [...names]);
}

function namesIn(records: readonly Readonly<Record<string, unknown>>[]): Set<string> {
  const names = new Set<string>();
  for (const record of records) for (const name of Object.keys(record)) names.add(name);
  return names;
}

/** Parses an MLflow scoring body. A key with the value null counts as absent. Throws `invalid-request`. */
export function parseInvocationBody(body: unknown): InvocationBody {
  const wanted = `expected exactly one of ${forms.join(', ')}`;
  if (!isRecord(body)) throw refuse(`the body must be a JSON object: ${wanted}`);
  const keys = Object.keys(body).filter((key) => body[key] !== null);
  const unknown = keys.find((key) => !others.has(key) && !forms.some((form) => form === key));
  if (unknown !== undefined) throw refuse(`unknown key ${quoted(unknown)}: ${wanted}, and optionally params`);
  const given = forms.filter((form) => keys.includes(form));
  const [form] = given;
  if (form === undefined || given.length > 1) throw refuse(`the body gives rows in ${given.length} forms: ${wanted}`);
  const parameters = parametersIn(body.params ?? {}, 'params');
  const read = {
    inputs: fromInputs,
    instances: fromInstances,
    dataframe_split: fromSplit,
    dataframe_records: fromRecords,
  }[form];
  return { parameters, columns: (taken) => read(body[form], taken) };
}
