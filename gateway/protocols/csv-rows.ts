import type { TensorType } from '../../contracts/models/signature.ts';
import type { Taken } from './taken.ts';
import type { Columns } from './tensor-columns.ts';
import { maximumRows, readRows, refuse, tooManyRows } from './tensor-columns.ts';

/** A field of a CSV file; null for an unquoted empty field. A quoted field is text, even if it is empty. */
type Field = string | null;

/** Reads CSV (RFC 4180) with a header row. Each value is read as the type of the model input with its column's name. */
export function readCsvRows(text: string, taken: Taken): Columns {
  const [names = [], ...rows] = recordsIn(text);
  const header = names.map((name) => name ?? '');
  const types = header.map((name) => taken.signature.inputs[taken.places.get(name) ?? -1]?.type);
  return readRows(
    taken,
    header,
    rows.map((row) => row.map((field, at) => valueOf(types[at], field))),
  );
}

/**
 * Converts a field to the input's type. Text that is not a number stays text, so that the column reader refuses it and
 * names the feature and row.
 */
function valueOf(type: TensorType | undefined, field: Field): unknown {
  if (field === null || type === undefined || type === 'BYTES') return field;
  const text = field.trim();
  if (text === '' || /^nan$/i.test(text)) return null;
  const truth = { true: true, false: false }[text.toLowerCase()];
  if (truth !== undefined) return truth;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : field;
}

const bare = /[^",\r\n]*/y;
const ending = /,|\r\n|\n|\r|$/y;

function recordsIn(text: string): Field[][] {
  const records: Field[][] = [];
  let record: Field[] = [];
  let end = 0;
  while (end < text.length || record.length > 0) {
    const { value, after } = text[end] === '"' ? quotedField(text, end) : bareField(text, end);
    ending.lastIndex = after;
    const ended = ending.exec(text)?.[0];
    if (ended === undefined)
      throw refuse(`line ${records.length + 1} of the CSV has a quote that does not begin or end a field`);
    record.push(value);
    end = ending.lastIndex;
    if (ended === ',') continue;
    // A blank line is not a row.
    if (record.length > 1 || record[0] !== null) records.push(record);
    // Reading further would only cost time and memory.
    if (records.length > maximumRows + 1) throw tooManyRows(`more than ${maximumRows}`);
    record = [];
    if (ended === '') break;
  }
  return records;
}

interface Scanned {
  readonly value: Field;
  /** Index of the first character after the field. */
  readonly after: number;
}

function bareField(text: string, from: number): Scanned {
  bare.lastIndex = from;
  const [value] = bare.exec(text) ?? [''];
  return { value: value || null, after: from + value.length };
}

/** Scans a quoted field. A single regular expression would overflow the stack on a field of several megabytes. */
function quotedField(text: string, from: number): Scanned {
  for (let at = from + 1; ; at += 2) {
    at = text.indexOf('"', at);
    // The closing quote is missing. `after` points at the opening quote, which the caller refuses.
    if (at === -1) return { value: '', after: from };
    if (text[at + 1] !== '"') return { value: text.slice(from + 1, at).replaceAll('""', '"'), after: at + 1 };
  }
}
