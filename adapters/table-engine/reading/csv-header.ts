import { open } from 'node:fs/promises';
import { PerennialError } from '../../../contracts/errors.ts';

export interface CsvHeader {
  readonly delimiter: string;
  readonly names: readonly string[];
}

const headerLimit = 2 ** 20;
const delimiters = [',', ';', '\t', '|'];

/**
 * Reads the column names of a CSV file from its first line, which is required. The delimiter is whichever of comma,
 * semicolon, tab and bar occurs most often in that line. Only the header decides it, so that no data row can change it.
 */
export async function readCsvHeader(path: string, file: string): Promise<CsvHeader> {
  const line = await firstRecord(path, file);
  if (/^"?sep=.?"?$/i.test(line))
    throw unreadable(
      file,
      `the first line is ${JSON.stringify(line)}, which only tells spreadsheets the delimiter; remove this line`,
    );
  const pieces = splitQuotes(line);
  if (pieces === undefined) throw unreadable(file, 'a quote in the header is not closed');
  const count = (delimiter: string): number =>
    pieces.reduce((sum, piece) => sum + (piece.quoted ? 0 : piece.text.split(delimiter).length - 1), 0);
  const delimiter = delimiters.toSorted((a, b) => count(b) - count(a))[0] ?? ',';
  const names = splitCells(pieces, delimiter);
  if (names.length > 0 && names.every(looksLikeData))
    throw unreadable(file, 'the first line holds values, not names: a header is required');
  return { delimiter, names };
}

/** Refuses a first line that looks like a comment. Called only if a row has more or fewer values than that line. */
export async function refuseComment({ path, name }: { readonly path: string; readonly name: string }): Promise<void> {
  const line = await firstRecord(path, name);
  if (/^\s*(#|\/\/|%|--)/.test(line))
    throw unreadable(
      name,
      `${JSON.stringify(line.slice(0, 60))} looks like a comment; remove it: the first line must name the columns`,
    );
}

interface Piece {
  readonly quoted: boolean;
  readonly text: string;
}

/** Splits a record into its quoted and unquoted pieces. Returns undefined if a quote is not closed. */
function splitQuotes(line: string): readonly Piece[] | undefined {
  const parts = line.split('"');
  if (parts.length % 2 === 0) return undefined;
  return parts.map((text, at) => ({ quoted: at % 2 === 1, text }));
}

function splitCells(pieces: readonly Piece[], delimiter: string): readonly string[] {
  const cells = [''];
  for (const [at, { quoted, text }] of pieces.entries()) {
    // Two adjacent quotes within a quoted cell stand for one quote.
    if (!quoted && text === '' && at > 0 && at < pieces.length - 1) cells.push(`${cells.pop() ?? ''}"`);
    else if (quoted) cells.push((cells.pop() ?? '') + text);
    else
      for (const [index, cell] of text.split(delimiter).entries())
        cells.push(index === 0 ? (cells.pop() ?? '') + cell : cell);
  }
  return cells;
}

function looksLikeData(name: string): boolean {
  return (
    name === '' || (name.trim() !== '' && Number.isFinite(Number(name))) || /^\d{4}-\d{2}-\d{2}([ T].*)?$/.test(name)
  );
}

async function firstRecord(path: string, file: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headerLimit), 0, headerLimit, 0);
    if (bytesRead === 0)
      throw new PerennialError('data-empty', `${file} is empty; it must have a header and at least one row`, { file });
    if ((buffer[0] === 0xff && buffer[1] === 0xfe) || (buffer[0] === 0xfe && buffer[1] === 0xff))
      throw unreadable(file, 'it is UTF-16; save it as UTF-8');
    const format = formatSeen(buffer.subarray(0, Math.min(bytesRead, 1_000)));
    if (format !== undefined) throw unreadable(file, `it is not CSV, but looks like ${format}`);
    const end = endOfRecord(buffer.subarray(0, bytesRead));
    if (end === undefined && bytesRead === headerLimit)
      throw unreadable(file, `the header is longer than ${headerLimit} bytes, or a quote in it is not closed`);
    const line = decode(buffer.subarray(0, end ?? bytesRead), file);
    if (line.trim() === '') throw unreadable(file, 'the first line is blank: a header is required');
    return line;
  } finally {
    await handle.close();
  }
}

const otherFormats: readonly (readonly [RegExp, string])[] = [
  [/^PK[^ -~\s]/, 'a zip archive or a spreadsheet workbook; unpack the archive, or save the sheet as CSV'],
  [/^%PDF-/, 'a PDF; write its rows as CSV'],
  [/^PAR1/, 'Parquet; give it a name that ends with .parquet'],
  [
    /^\s*<(!doctype|html|head|body|\?xml)\b/i,
    'an HTML or XML page, perhaps an error page or a sign-in page; fetch the file again',
  ],
  [/^\s*\[\s*([[{"]|$)/, 'JSON; write it as CSV, or as NDJSON with one object per line'],
  [
    /^\s*\{\s*("|$)/,
    'JSON; if it has one object per line, give it a name that ends with .ndjson; otherwise write it as CSV',
  ],
];

/**
 * Returns which other format the first bytes of a file suggest and what to do about it, or undefined if the file may be
 * CSV.
 */
function formatSeen(start: Buffer): string | undefined {
  const text = start.toString('latin1').replace(/^\xef\xbb\xbf/, '');
  return otherFormats.find(([pattern]) => pattern.test(text))?.[1];
}

function decode(bytes: Buffer, file: string): string {
  try {
    // TextDecoder removes a byte order mark.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable(file, 'the header is not UTF-8; save the file as UTF-8');
  }
}

function endOfRecord(bytes: Buffer): number | undefined {
  let quoted = false;
  for (const [at, byte] of bytes.entries()) {
    if (byte === 0x22) quoted = !quoted;
    else if ((byte === 0x0a || byte === 0x0d) && !quoted) return at;
  }
  return undefined;
}

function unreadable(file: string, reason: string): PerennialError {
  return new PerennialError('data-unreadable', `${file}, line 1: ${reason}`, { file, line: 1 });
}
