import type { TensorType } from '../contracts/model-version.ts';
import type { Columns, Taken } from './tensor-columns.ts';
import { readRows, refuse } from './tensor-columns.ts';

/** A field of a CSV file; null: nothing stands there. Text in quotes is text, also an empty one. */
type Field = string | null;

/** Rows of RFC 4180 under a header of names, each value read as the type that the model takes under its name. */
export function readCsvRows(text: string, taken: Taken): Columns {
  const [names = [], ...rows] = recordsIn(text.replace(/^\uFEFF/, ''));
  const types = new Map(taken.signature.inputs.map(({ name, type }) => [name, type]));
  const header = names.map((name) => name ?? '');
  return readRows(
    taken,
    header,
    rows.map((row) => row.map((field, at) => valueOf(types.get(header[at] ?? ''), field))),
  );
}

/** What is no number is left as it is, for the reader of columns to refuse by feature and row. */
function valueOf(type: TensorType | undefined, field: Field): unknown {
  if (field === null || type === undefined || type === 'BYTES') return field;
  const text = field.trim();
  if (text === '') return null;
  const truth = { true: true, false: false }[text.toLowerCase()];
  if (truth !== undefined) return truth;
  return type !== 'BOOL' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : field;
}

/** One field of its record, with what ends it: a comma, the end of the line, or the end of the text. */
const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/gy;

function recordsIn(text: string): Field[][] {
  const records: Field[][] = [];
  let record: Field[] = [];
  let end = 0;
  while (end < text.length || record.length > 0) {
    field.lastIndex = end;
    const found = field.exec(text);
    if (found === null)
      throw refuse(`line ${records.length + 1} of the CSV has a quote that does not begin or end a field`);
    const [, quoted, bare = '', ending] = found;
    record.push(quoted === undefined ? bare || null : quoted.replaceAll('""', '"'));
    end = field.lastIndex;
    if (ending === ',') continue;
    // A blank line is no row.
    if (record.length > 1 || record[0] !== null) records.push(record);
    record = [];
    if (ending === '') break;
  }
  return records;
}
