import type { TensorType } from '../../contracts/models/signature.ts';
import type { Columns, Taken } from './tensor-columns.ts';
import { maximumRows, readRows, refuse, tooManyRows } from './tensor-columns.ts';

/** A field of a CSV file; null: an empty field without quotes. Quoted text is text, even if it is empty. */
type Field = string | null;

/** Rows of RFC 4180 under a header of names, each value read as the type that the model takes under its name. */
export function readCsvRows(text: string, taken: Taken): Columns {
  const [names = [], ...rows] = recordsIn(text);
  const types = new Map(taken.signature.inputs.map(({ name, type }) => [name, type]));
  const header = names.map((name) => name ?? '');
  return readRows(
    taken,
    header,
    rows.map((row) => row.map((field, at) => valueOf(types.get(header[at] ?? ''), field))),
  );
}

/** Text that is not a number stays text, so that the column reader refuses it and names feature and row. */
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
    // Reading on would only take time and memory.
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

/** A regular expression over the whole field would exhaust the stack on a field of some megabytes. */
function quotedField(text: string, from: number): Scanned {
  for (let at = from + 1; ; at += 2) {
    at = text.indexOf('"', at);
    // Without its closing quote, the field ends nowhere.
    if (at === -1) return { value: '', after: from };
    if (text[at + 1] !== '"') return { value: text.slice(from + 1, at).replaceAll('""', '"'), after: at + 1 };
  }
}
