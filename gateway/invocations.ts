import type { Signature } from '../contracts/model-version.ts';
import type { Columns } from './tensor-columns.ts';
import { isRecord, readNamedColumns, readRows, refuse } from './tensor-columns.ts';

/** MLflow's scoring body: exactly one of its forms, and optional `params`. */
export interface InvocationBody {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly columns: (signature: Signature) => Columns;
}

const forms = ['inputs', 'dataframe_split', 'dataframe_records'] as const;

function listsByName(value: Readonly<Record<string, unknown>>): ReadonlyMap<string, readonly unknown[]> {
  return new Map(
    Object.entries(value).map(([name, values]) => {
      if (!Array.isArray(values))
        throw refuse(`inputs.${name}: expected a list with one value a row`, { feature: name });
      // A column of [rows, 1] is the same column.
      return [name, values.every((cell) => Array.isArray(cell) && cell.length === 1) ? values.flat() : values];
    }),
  );
}

function fromInputs(value: unknown, signature: Signature): Columns {
  if (isRecord(value)) return readNamedColumns(signature, listsByName(value));
  if (Array.isArray(value))
    return readRows(
      signature,
      signature.inputs.map((input) => input.name),
      value,
    );
  throw refuse('"inputs" must be an object with one list a feature, or a list of rows in the order of the features');
}

function fromSplit(value: unknown, signature: Signature): Columns {
  if (!isRecord(value) || !Array.isArray(value.columns) || !Array.isArray(value.data))
    throw refuse('"dataframe_split" must be {"columns": […], "data": [[…], …]}');
  const names = value.columns.map((name: unknown) => {
    if (typeof name !== 'string') throw refuse('"dataframe_split.columns" must be a list of names');
    return name;
  });
  return readRows(signature, names, value.data);
}

function fromRecords(value: unknown, signature: Signature): Columns {
  if (!Array.isArray(value)) throw refuse('"dataframe_records" must be a list of objects, one a row');
  const first: unknown = value[0];
  const names = isRecord(first) ? Object.keys(first) : [];
  const rows = value.map((record: unknown, row) => {
    if (!isRecord(record))
      throw refuse(`dataframe_records[${row}]: expected an object with one value a feature`, { row });
    for (const name of names)
      if (!Object.hasOwn(record, name))
        throw refuse(`dataframe_records[${row}]: feature "${name}" is missing`, { row, feature: name });
    const extra = Object.keys(record).find((name) => !names.includes(name));
    if (extra !== undefined)
      throw refuse(`dataframe_records[${row}]: "${extra}" is not in the rows before it`, { row, feature: extra });
    return names.map((name) => record[name]);
  });
  return readRows(signature, names, rows);
}

/** Throws `invalid-request`, also for `instances`, which asks for another answer than MLflow's. */
export function parseInvocationBody(body: unknown): InvocationBody {
  const wanted = `expected exactly one of ${forms.join(', ')}`;
  if (!isRecord(body)) throw refuse(`the body must be a JSON object: ${wanted}`);
  const given = forms.filter((form) => Object.hasOwn(body, form));
  const unknown = Object.keys(body).find((key) => key !== 'params' && !forms.some((form) => form === key));
  if (unknown !== undefined) throw refuse(`unknown key "${unknown}": ${wanted}, and optionally params`);
  const [form] = given;
  if (form === undefined || given.length > 1) throw refuse(`${given.length} forms of rows are given: ${wanted}`);
  const parameters = body.params ?? {};
  if (!isRecord(parameters)) throw refuse('"params" must be an object');
  const read = { inputs: fromInputs, dataframe_split: fromSplit, dataframe_records: fromRecords }[form];
  return { parameters, columns: (signature) => read(body[form], signature) };
}
