import { CsvError, parse } from 'csv-parse/sync';
import { PerennialError } from '../errors.ts';

export const labelFormats = ['csv', 'ndjson', 'json'] as const;
export type LabelFormat = (typeof labelFormats)[number];

export interface LabelsInText {
  /** The labels, not yet validated. `place` is their position for messages: `line 7`, or `label 7` in a JSON array. */
  readonly labels: readonly { readonly place: string; readonly label: unknown }[];
  /** Columns of a CSV file that labels do not have. */
  readonly ignored: readonly string[];
}

/** Reads the labels in a text. Throws `invalid-request`, which names the place of the error. */
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

/**
 * Python writes NaN and Infinity, which are not JSON. They are parsed as texts, so that the later check of the value
 * refuses them with a message that names the label.
 */
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

/** Reads CSV (RFC 4180) with a header; semicolons and tabs are also accepted as separators. */
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

/** Removes quotes well enough to recognise the column names of a header before the separator is known. */
function unquoted(cell: string): string {
  return cell.trim().replace(/^"(.*)"$/, '$1');
}

function isHeader(cells: readonly string[]): boolean {
  const names = cells.map(nameOf);
  return names.includes('value') && (names.includes('id') || names.includes('request'));
}

/**
 * Cells have no type: the server converts the value to the type of the target. An empty cell counts as a missing value,
 * which the server refuses with a message that names the label.
 */
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
    throw new PerennialError(
      'invalid-request',
      `the labels are not valid CSV: ${caught.message}`,
      {},
      { cause: caught },
    );
  }
}

function noHeader(firstLine: string): PerennialError {
  return new PerennialError(
    'invalid-request',
    `a CSV file of labels must begin with a header that names "value" and either "id" or "request" (and optionally "row" and "at", in any order), separated by commas, semicolons or tabs; this file begins with ${JSON.stringify(firstLine.slice(0, 100))}`,
    {},
  );
}
