import { PerennialError } from '../../contracts/errors.ts';

export interface QueryField {
  readonly name: string;
  /** Object identifier (oid) of the Postgres type. */
  readonly type: number;
}

const boolean = 16;
/** Oids of int8, int2, int4, oid, float4, float8 and numeric. Their digits are copied as the server wrote them. */
const numbers: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 1700]);
const timestampWithZone = 1184;
const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/**
 * Returns the row as one line of NDJSON. Values other than booleans and numbers become strings with the text that
 * Postgres writes.
 */
export function jsonOfRow(fields: readonly QueryField[], row: readonly (string | null)[]): string {
  const members = fields.map((field, at) => `${JSON.stringify(field.name)}:${jsonOfCell(field, row[at] ?? null)}`);
  return `{${members.join(',')}}`;
}

function jsonOfCell({ name, type }: QueryField, text: string | null): string {
  if (text === null) return 'null';
  if (type === boolean) return text === 't' ? 'true' : 'false';
  if (numbers.has(type)) {
    if (jsonNumber.test(text)) return text;
    throw new PerennialError(
      'data-unreadable',
      `the column ${name} has ${text}, which is not a finite number; replace it in the query, for example with nullif(${name}, '${text}')`,
      { column: name, value: text },
    );
  }
  // Postgres writes UTC as "+00", which RFC 3339 does not allow.
  if (type === timestampWithZone) return JSON.stringify(text.replace(' ', 'T').replace(/\+00$/, 'Z'));
  return JSON.stringify(text);
}
