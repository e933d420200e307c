import { PerennialError } from '../contracts/errors.ts';

/**
 * Exit codes of the program. `interrupted` follows the convention of shells: 128 plus the signal number of Ctrl-C
 * (SIGINT).
 */
export const exitCodes = { done: 0, failed: 1, usage: 2, notAllowed: 4, interrupted: 130 } as const;

/**
 * Returns 2 for mistakes in the caller's input, 4 for missing permission, 130 for an interruption, and 1 for everything
 * else.
 */
export function exitCodeOf(caught: unknown): number {
  if (!(caught instanceof PerennialError)) return exitCodes.failed;
  if (caught.fields['interrupted'] === true) return exitCodes.interrupted;
  if (['unauthenticated', 'forbidden', 'vote-refused'].includes(caught.code)) return exitCodes.notAllowed;
  if (['invalid-request', 'invalid-configuration'].includes(caught.code)) return exitCodes.usage;
  return exitCodes.failed;
}
