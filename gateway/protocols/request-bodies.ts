import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, unzip } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import { parseJson } from './parse-json.ts';
import { refuse } from './tensor-columns.ts';

/** Maximum size of a body, before and after decompression. 10,000 rows of a few hundred features fit. */
export const bodyLimitBytes = 32 * 2 ** 20;

/** A CSV body. The class distinguishes it from a JSON body that is a string. */
export class CsvBody {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Accepts JSON bodies. A body without a Content-Type, or of type `application/octet-stream`, is read as JSON too,
 * because unmodified clients of the protocol send it that way. Names such as `__proto__` are accepted, because a
 * feature may have such a name.
 */
export function acceptJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  // Registered by name for speed: Fastify searches the parser for any other type again on every request.
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, readJson);
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, sent: Buffer) => {
    if (!isJsonType(mediaType(request.headers))) throw notTaken(request.headers['content-type']);
    return readJson(request, sent);
  });
}

async function readJson({ headers }: FastifyRequest, sent: Buffer): Promise<unknown> {
  const bytes = await decompressed(headers, sent);
  refuseBinaryTensors(headers, bytes);
  return parseJson(textOf(headers, bytes));
}

/** Accepts CSV bodies besides JSON. */
export function acceptCsvBodies(app: FastifyInstance): void {
  app.addContentTypeParser('text/csv', { parseAs: 'buffer' }, async ({ headers }: FastifyRequest, sent: Buffer) => {
    return new CsvBody(textOf(headers, await decompressed(headers, sent)));
  });
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

const decompressions = new Map([
  ['gzip', promisify(unzip)],
  ['x-gzip', promisify(unzip)],
  ['deflate', promisify(unzip)],
  ['br', promisify(brotliDecompress)],
]);

async function decompressed(headers: IncomingHttpHeaders, sent: Buffer): Promise<Buffer> {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return sent;
  const decompress = decompressions.get(encoding);
  if (decompress === undefined)
    throw new PerennialError(
      'unsupported-media-type',
      `the Content-Encoding "${encoding.slice(0, 100)}" is not supported; compress the body as gzip, deflate or br, or not at all`,
    );
  try {
    return await decompress(sent, { maxOutputLength: bodyLimitBytes });
  } catch (caught) {
    if (caught instanceof RangeError) throw bodyTooLarge();
    throw refuse(`the body cannot be decompressed as ${encoding}: ${reasonOf(caught)}`);
  }
}

export function bodyTooLarge(): PerennialError {
  return new PerennialError(
    'too-large',
    `the body is larger than ${bodyLimitBytes} bytes; send the rows in several requests`,
  );
}

/**
 * Refuses a body with binary tensors. They follow the JSON, so the JSON length in the header differs from the body's
 * length.
 */
function refuseBinaryTensors(headers: IncomingHttpHeaders, bytes: Buffer): void {
  const length = headers['inference-header-content-length'];
  if (length !== undefined && Number(length) !== bytes.length) throw refuse(binaryTensors);
}

export const binaryTensors =
  'binary tensors are not supported; send the values as JSON. With tritonclient: input.set_data_from_numpy(values, binary_data=False) and InferRequestedOutput(name, binary_data=False)';

function textOf({ 'content-type': type = '' }: IncomingHttpHeaders, bytes: Buffer): string {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1]?.toLowerCase();
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset))
    throw new PerennialError('unsupported-media-type', `the body's charset is "${charset}"; send it as UTF-8`);
  if (!isUtf8(bytes)) throw refuse('the body is not UTF-8; encode it as UTF-8');
  const text = bytes.toString('utf8');
  // Windows writes a byte order mark at the start of a text.
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}
