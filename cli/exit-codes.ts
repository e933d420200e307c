import { PerennialError } from '../contracts/errors.ts';

/** `interrupted` is the shells' own: 128 and the number of the signal that Ctrl-C sends. */
export const exitCodes = { done: 0, failed: 1, usage: 2, notAllowed: 4, interrupted: 130 } as const;

/** 2 for what the caller wrote wrongly, 4 for what the caller may not, 1 for everything else. */
export function exitCodeOf(caught: unknown): number {
  if (!(caught instanceof PerennialError)) return exitCodes.failed;
  if (caught.fields['interrupted'] === true) return exitCodes.interrupted;
  if (['unauthenticated', 'forbidden', 'vote-refused'].includes(caught.code)) return exitCodes.notAllowed;
  if (['invalid-request', 'invalid-configuration'].includes(caught.code)) return exitCodes.usage;
  return exitCodes.failed;
}
