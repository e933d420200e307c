import { PerennialError, reasonOf } from '../../contracts/errors.ts';

/** The gRPC status codes that Perennial distinguishes. */
export const grpcStatus = { invalidArgument: 3, notFound: 5, alreadyExists: 6, failedPrecondition: 9 } as const;

/** Returns the gRPC status of an error or of its cause, or undefined if there is none. */
export function grpcStatusOf(caught: unknown): number | undefined {
  let error = caught;
  for (let depth = 0; depth < 5 && error instanceof Error; depth += 1) {
    if ('code' in error && typeof error.code === 'number') return error.code;
    error = error.cause;
  }
  return undefined;
}

/** Returns Temporal's own message without the errors that wrap it. */
function innermostReason(caught: unknown): string {
  let error = caught;
  for (let depth = 0; depth < 5 && error instanceof Error && error.cause instanceof Error; depth += 1)
    error = error.cause;
  if (error instanceof Error && 'details' in error && typeof error.details === 'string' && error.details !== '')
    return error.details;
  return reasonOf(error);
}

export function temporalUnavailable(doing: string, address: string, caught: unknown): PerennialError {
  return new PerennialError(
    'temporal-unavailable',
    `Temporal at ${address} did not ${doing}: ${innermostReason(caught)}. The request is stored in the database; check that Temporal and a worker are running`,
    { address },
    { cause: caught },
  );
}

export function refusedByTemporal(what: string, caught: unknown): PerennialError {
  return new PerennialError(
    'invalid-request',
    `${what} is not accepted by Temporal: ${innermostReason(caught)}`,
    {},
    { cause: caught },
  );
}
