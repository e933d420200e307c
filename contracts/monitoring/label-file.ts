import { CsvError, parse } from 'csv-parse/sync';
import { PerennialError } from '../errors.ts';

export const labelFormats = ['csv', 'ndjson', 'json'] as const;
export type LabelFormat = (typeof labelFormats)[number];

export interface LabelsInText {
  /** Not checked yet. `place` is for messages: `line 7`, or in a JSON list `label 7`. */
  readonly labels: readonly { readonly place: string; readonly label: unknown }[];
  /** Columns of a CSV that mean nothing for a label. */
  readonly ignored: readonly string[];
}

/** Reads labels out of a text. Throws `invalid-request` that names the place. */
export function labelsIn(format: LabelFormat, text: string): LabelsInText {
  if (format === 'csv') return labelsInCsv(text);
  return { labels: format === 'json' ? labelsInJson(text) : labelsInLines(text), ignored: [] };
}

function labelsInJson(text: string): LabelsInText['labels'] {
  const parsed = parseJson(text, 'the text');
  const list: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return list.map((label, index) => ({ place: `label ${index + 1}`, label }));
}

function labelsInLines(text: string): LabelsInText['labels'] {
  return text.split('\n').flatMap((line, index) => {
    const place = `line ${index + 1}`;
    return line.trim() === '' ? [] : [{ place, label: parseJson(line, place) }];
  });
}

/** Python writes NaN and Infinity, which are no JSON. As texts they reach the check of the value, whose message names the label. */
function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text.replace(/("value"\s*:\s*)(NaN|-?Infinity)\b/g, '$1"$2"'), (key, value: unknown) =>
      key === 'value' && typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
    );
  } catch (caught) {
    throw new PerennialError(
      'invalid-request',
      `${place} is not JSON: a label is {"id": "…", "value": 1}, or {"request": "…", "row": 0, "value": 1}`,
      { place },
      { cause: caught },
    );
  }
}

const columns = ['id', 'request', 'row', 'value', 'at'] as const;
type Column = (typeof columns)[number];
const separators = [',', ';', '\t'] as const;

/** RFC 4180 under a header, also with semicolons or tabs. */
function labelsInCsv(text: string): LabelsInText {
  const firstLine = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/, 1)[0] ?? '';
  const separator = separators.find((candidate) => isHeader(firstLine.split(candidate).map(unquoted)));
  if (separator === undefined) throw noHeader(firstLine);
  const [header, ...rows] = recordsIn(text, separator);
  const names = (header?.cells ?? []).map(nameOf);
  const twice = columns.find((column) => names.indexOf(column) !== names.lastIndexOf(column));
  if (twice !== undefined)
    throw new PerennialError('invalid-request', `the header has the column "${twice}" twice`, { column: twice });
  return {
    labels: rows.map(({ cells, line }) => ({
      place: `line ${line}`,
      label: labelOf((column) => cells[names.indexOf(column)]?.trim()),
    })),
    ignored: names.filter((name) => !columns.some((column) => column === name)),
  };
}

function nameOf(cell: string): string {
  const name = cell.trim();
  return columns.find((column) => column === name.toLowerCase()) ?? name;
}

/** Enough to recognise the names of a header's columns before the separator is known. */
function unquoted(cell: string): string {
  return cell.trim().replace(/^"(.*)"$/, '$1');
}

function isHeader(cells: readonly string[]): boolean {
  const names = cells.map(nameOf);
  return names.includes('value') && (names.includes('id') || names.includes('request'));
}

/** A cell has no type: the server reads the value as the type of the target. An empty value is none, and refused by name. */
function labelOf(cell: (column: Column) => string | undefined): object {
  const [id, request, row, value, at] = columns.map((column) => cell(column) || undefined);
  return {
    ...(id === undefined ? {} : { id }),
    ...(request === undefined ? {} : { request }),
    ...(row === undefined ? {} : { row: Number(row) }),
    value: value ?? null,
    ...(at === undefined ? {} : { at }),
  };
}

interface CsvRecord {
  readonly cells: readonly string[];
  readonly line: number;
}

function recordsIn(text: string, delimiter: string): readonly CsvRecord[] {
  const records: CsvRecord[] = [];
  try {
    parse(text, {
      bom: true,
      delimiter,
      skip_empty_lines: true,
      on_record: (cells: readonly string[], { lines }) => {
        records.push({ cells, line: lines });
        return null;
      },
    });
    return records;
  } catch (caught) {
    if (!(caught instanceof CsvError)) throw caught;
    throw new PerennialError('invalid-request', `the labels are no CSV: ${caught.message}`, {}, { cause: caught });
  }
}

function noHeader(firstLine: string): PerennialError {
  return new PerennialError(
    'invalid-request',
    `a CSV of labels begins with a header that names "value" and "id", or "value" and "request" (besides "row" and "at", in any order), separated by commas, semicolons or tabs; this one begins with ${JSON.stringify(firstLine.slice(0, 100))}`,
    {},
  );
}
