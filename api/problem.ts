import type { FastifyError } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { asDiskFull } from '../contracts/disk-full.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import { errorTable, PerennialError } from '../contracts/errors.ts';

/** Problem document (RFC 9457). It also contains the fields of the error. */
export const ProblemDocument = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    /** Id of the request, as in the log. */
    instance: z.string().optional(),
    /** JSON pointer to the wrong value: into the body, or below `/query`, `/path` or `/headers`. */
    pointer: z.string().optional(),
  })
  .meta({ description: 'RFC 9457 problem document' });
export type ProblemDocument = z.infer<typeof ProblemDocument>;

export function problemOf(error: PerennialError, requestId: string): ProblemDocument {
  const { code } = error;
  // The message of an unexpected error may reveal internals, so it goes only to the log.
  const detail =
    code === 'internal'
      ? `an internal error occurred; the log of the API has the details under request ${requestId}`
      : error.message;
  return {
    ...(code === 'internal' ? {} : error.fields),
    type: `urn:perennial:error:${code}`,
    title: errorTable[code].about,
    status: error.status,
    detail,
    code,
    instance: `urn:uuid:${requestId}`,
  };
}

/**
 * Converts any caught value to the error that the caller gets. `bodyLimit`: the maximum body size of the route, in
 * bytes.
 */
export function perennialErrorOf(caught: unknown, bodyLimit?: number): PerennialError {
  if (caught instanceof PerennialError) return caught;
  const full = asDiskFull(caught);
  if (full instanceof PerennialError) return full;
  if (hasZodFastifySchemaValidationErrors(caught)) return invalidRequest(caught);
  if (isBodyTooLarge(caught)) return bodyTooLarge(bodyLimit);
  const framework = caught instanceof Error ? codeOfFramework(caught) : undefined;
  if (framework && caught instanceof Error) return new PerennialError(framework, caught.message, {}, { cause: caught });
  return new PerennialError('internal', 'unexpected', {}, { cause: caught });
}

/**
 * Maps an error that the framework raises before a route runs to a code. All errors with a status below 500 are the
 * caller's mistake.
 */
function codeOfFramework(caught: Error): ErrorCode | undefined {
  if (!('code' in caught) || typeof caught.code !== 'string' || !caught.code.startsWith('FST_')) return undefined;
  const known = frameworkCodes[caught.code];
  if (known !== undefined) return known;
  const status = 'statusCode' in caught && typeof caught.statusCode === 'number' ? caught.statusCode : 500;
  return status < 500 ? 'invalid-request' : undefined;
}

function isBodyTooLarge(caught: unknown): boolean {
  return caught instanceof Error && 'code' in caught && caught.code === 'FST_ERR_CTP_BODY_TOO_LARGE';
}

function bodyTooLarge(limit: number | undefined): PerennialError {
  const most = limit === undefined ? '' : `; the limit is ${limit} bytes`;
  return new PerennialError(
    'too-large',
    `the body is larger than this route accepts${most}. Send the content in several requests, or upload files with PUT /v1/blobs/{sha256}`,
    limit === undefined ? {} : { limit },
  );
}

const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'invalid-request',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid-request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-request',
  FST_ERR_BAD_URL: 'invalid-request',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
};

const placeOf: Readonly<Record<string, string>> = { querystring: '/query', params: '/path', headers: '/headers' };

type ValidationError = Omit<FastifyError, 'validation'> & { validation: Invalid[] };
interface Invalid {
  readonly instancePath: string;
  readonly message?: string;
  /** `keys`: the unknown keys of an object. */
  readonly params?: { readonly keys?: readonly string[] };
}

function invalidRequest(error: ValidationError): PerennialError {
  const place = placeOf[error.validationContext ?? 'body'] ?? '';
  const problems = error.validation.map((invalid) => ({
    pointer: `${place}${pathTo(invalid)}`,
    message: invalid.message ?? 'is not valid',
  }));
  const said = problems.map(({ pointer, message }) => `${pointer === '' ? 'the body' : pointer}: ${message}`);
  return new PerennialError('invalid-request', said.join('; '), {
    pointer: problems[0]?.pointer ?? place,
    problems: said,
  });
}

function pathTo({ instancePath, params }: Invalid): string {
  const path = instancePath === '/' ? '' : instancePath;
  const [unknown] = params?.keys ?? [];
  return unknown === undefined ? path : `${path}/${unknown.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
