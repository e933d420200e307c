import { DatabaseError } from 'pg';
import { diskFullSentence, isAboutFullDisk } from '../../contracts/disk-full.ts';
import { PerennialError } from '../../contracts/errors.ts';

const systemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTFOUND',
  'ENOENT',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
/**
 * SQLSTATEs of connection failures, server shutdown and start, too many connections, timeouts, and a login or database
 * that does not exist.
 */
const unavailable = /^(08...|57P0.|57014|53300|25P03|28...|3D000)$/;
const diskFullCode = '53100';
/** Messages of driver errors that have no code. */
const driverSays =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|connection error and is not queryable|cannot use a pool after calling end|client was closed/i;

/** Returns the chain of causes, because Drizzle wraps the driver's error. */
function causes(caught: unknown): readonly Error[] {
  const found: Error[] = [];
  for (let error = caught; error instanceof Error && found.length < 10; error = error.cause) found.push(error);
  return found;
}

/**
 * Returns the SQLSTATE or system code of an error, such as `40001` or `ECONNREFUSED`, or `undefined` if it has none.
 */
export function databaseErrorCode(caught: unknown): string | undefined {
  for (const error of causes(caught)) {
    if ('code' in error && typeof error.code === 'string') return error.code;
  }
  return undefined;
}

/** Returns whether the error is a serialization failure or deadlock, so that a repeated transaction may succeed. */
export function isWorthRepeating(caught: unknown): boolean {
  const code = databaseErrorCode(caught);
  return code === '40001' || code === '40P01';
}

/**
 * Converts a database failure to a PerennialError. An unexpected error, which points to a defect, is returned
 * unchanged.
 */
export function asPerennialError(caught: unknown): unknown {
  if (caught instanceof PerennialError) return caught;
  const chain = causes(caught);
  const code = databaseErrorCode(caught);
  const root = chain.at(-1);
  const reason = root?.message === '' || root === undefined ? (code ?? 'no reason given') : root.message;
  if (
    (code !== undefined && (systemCodes.has(code) || unavailable.test(code))) ||
    chain.some((error) => driverSays.test(error.message))
  ) {
    return new PerennialError(
      'database-unavailable',
      `Postgres does not answer: ${reason}; try again, and check that DATABASE_URL names a running server`,
      { reason },
      { cause: caught },
    );
  }
  if (code === diskFullCode || isAboutFullDisk(root)) {
    return new PerennialError(
      'disk-full',
      `${diskFullSentence('Postgres', root)} (${reason})`,
      { reason },
      { cause: caught },
    );
  }
  if (isWorthRepeating(caught)) {
    return new PerennialError(
      'database-unavailable',
      `Postgres could not finish a transaction because of concurrent ones: ${reason}; try again`,
      { reason },
      { cause: caught },
    );
  }
  if (code === '23503') {
    const detail = chain.find((error) => error instanceof DatabaseError)?.detail ?? reason;
    return new PerennialError(
      'not-found',
      `a row cannot refer to a row that does not exist: ${detail}; name one that exists`,
      { detail },
      { cause: caught },
    );
  }
  return caught;
}
