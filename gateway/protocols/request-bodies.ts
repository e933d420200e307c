import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { brotliDecompress, unzip } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import { parseJson } from './parse-json.ts';
import { holdDecompressed } from './body-budget.ts';
import { jsonLengthHeader } from './binary-tensors.ts';
import { refuse } from './tensor-columns.ts';

/** Maximum size of a body, before and after decompression. 10,000 rows of a few hundred features fit. */
export const bodyLimitBytes = 32 * 2 ** 20;

/** The decompressed bytes of a body that is not parsed yet. */
export class RawBody {
  readonly format: 'json' | 'csv';
  readonly bytes: Buffer;
  /** How many of the bytes are the JSON or CSV; binary tensors follow. */
  readonly textBytes: number;

  constructor(format: RawBody['format'], bytes: Buffer, textBytes = bytes.length) {
    this.format = format;
    this.bytes = bytes;
    this.textBytes = textBytes;
  }
}

/**
 * Accepts JSON bodies. A body without a Content-Type, or of type `application/octet-stream`, is read as JSON too,
 * because unmodified clients of the protocol send it that way.
 */
export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  // Registered by name for speed: Fastify searches the parser for any other type again on every request.
  for (const type of ['application/json', 'application/octet-stream'])
    app.addContentTypeParser<Buffer>(type, { parseAs: 'buffer' }, takeJson);
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, sent, done) => {
    if (isJsonType(mediaType(request.headers))) takeJson(request, sent, done);
    else done(notTaken(request.headers['content-type']));
  });
}

/** Accepts CSV bodies besides JSON. */
export function acceptCsvBodies(app: FastifyInstance): void {
  app.addContentTypeParser<Buffer>('text/csv', { parseAs: 'buffer' }, (request, sent, done) => {
    take(request, sent, done, (bytes) => new RawBody('csv', bytes));
  });
}

type Done = (error: Error | null, body?: unknown) => void;

function takeJson(request: FastifyRequest, sent: Buffer, done: Done): void {
  take(request, sent, done, (bytes) => new RawBody('json', bytes, jsonBytesIn(request.headers, bytes)));
}

/** Calls `done` in the same turn if the body is not compressed. */
function take(request: FastifyRequest, sent: Buffer, done: Done, rawBody: (bytes: Buffer) => RawBody): void {
  const { headers } = request;
  const finish = (bytes: Buffer): void => {
    let body: RawBody;
    try {
      refuseOtherCharsets(headers);
      if (bytes !== sent) holdDecompressed(request, bytes.length);
      body = rawBody(bytes);
    } catch (caught) {
      done(asError(caught));
      return;
    }
    done(null, body);
  };
  const encoding = headers['content-encoding'];
  if (encoding === undefined) finish(sent);
  else
    decompressed(encoding, sent, (failure, bytes) => {
      if (failure !== null) done(failure);
      else finish(bytes);
    });
}

function asError(caught: unknown): Error {
  return caught instanceof Error ? caught : new Error(reasonOf(caught));
}

/** Returns the number of bytes of the JSON. Throws `invalid-request` if the header does not fit the body. */
function jsonBytesIn(headers: IncomingHttpHeaders, bytes: Buffer): number {
  const length = headers[jsonLengthHeader];
  if (length === undefined) return bytes.length;
  const count = typeof length === 'string' && /^\d{1,10}$/.test(length) ? Number(length) : Number.NaN;
  if (count <= bytes.length) return count;
  throw refuse(
    `the header Inference-Header-Content-Length must be the number of bytes of the JSON, at most the ${bytes.length} bytes of the body`,
  );
}

/** Parses the JSON of a body. Names such as `__proto__` are accepted, because a feature may have such a name. */
export function jsonIn(body: RawBody): unknown {
  return parseJson(textIn(body));
}

/** Returns the text of a body. Throws `invalid-request` if it is not UTF-8. */
export function textIn({ bytes, textBytes }: RawBody): string {
  const part = textBytes === bytes.length ? bytes : bytes.subarray(0, textBytes);
  if (!isUtf8(part)) throw refuse('the body is not UTF-8; encode it as UTF-8');
  const text = part.toString('utf8');
  // Windows writes a byte order mark at the start of a text.
  return text.codePointAt(0) === 0xfeff ? text.slice(1) : text;
}

/** Returns what follows the JSON: the binary tensors. */
export function bytesBehind({ bytes, textBytes }: RawBody): Uint8Array {
  return bytes.subarray(textBytes);
}

function mediaType(headers: IncomingHttpHeaders): string | undefined {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

function isJsonType(type: string | undefined): boolean {
  return type === undefined || /^application\/(?:json|octet-stream|[\w.-]+\+json)$/.test(type);
}

/**
 * Creates the error for an unsupported Content-Type. `given` is `undefined` if the header is not a valid media type.
 */
export function notTaken(given: string | undefined): PerennialError {
  return new PerennialError(
    'unsupported-media-type',
    `the Content-Type "${given?.slice(0, 100) ?? ''}" is not supported; send JSON as application/json, or CSV as text/csv to /invocations`,
  );
}

type Decompress = (
  sent: Buffer,
  limits: { readonly maxOutputLength: number },
  done: (failure: Error | null, bytes: Buffer) => void,
) => void;

const decompressions = new Map<string, Decompress>([
  ['gzip', unzip],
  ['x-gzip', unzip],
  ['deflate', unzip],
  ['br', brotliDecompress],
]);

function decompressed(given: string, sent: Buffer, done: (failure: Error | null, bytes: Buffer) => void): void {
  const encoding = given.trim().toLowerCase();
  const decompress = decompressions.get(encoding);
  if (encoding === 'identity' || encoding === '') done(null, sent);
  else if (decompress === undefined)
    done(
      new PerennialError(
        'unsupported-media-type',
        `the Content-Encoding "${encoding.slice(0, 100)}" is not supported; compress the body as gzip, deflate or br, or not at all`,
      ),
      sent,
    );
  else
    decompress(sent, { maxOutputLength: bodyLimitBytes }, (failure, bytes) => {
      if (failure === null) done(null, bytes);
      else if (failure instanceof RangeError) done(bodyTooLarge(), sent);
      else done(refuse(`the body cannot be decompressed as ${encoding}: ${reasonOf(failure)}`), sent);
    });
}

export function bodyTooLarge(): PerennialError {
  return new PerennialError(
    'too-large',
    `the body is larger than ${bodyLimitBytes} bytes; send the rows in several requests`,
  );
}

function refuseOtherCharsets({ 'content-type': type = '' }: IncomingHttpHeaders): void {
  if (!type.includes(';')) return;
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1]?.toLowerCase();
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset))
    throw new PerennialError('unsupported-media-type', `the body's charset is "${charset}"; send it as UTF-8`);
}
