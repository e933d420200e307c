import { PerennialError } from '../contracts/errors.ts';

export const exitCodes = { done: 0, failed: 1, usage: 2, notAllowed: 4 } as const;

/** 2 for what the caller wrote wrongly, 4 for what the caller may not, 1 for everything else. */
export function exitCodeOf(caught: unknown): number {
  if (!(caught instanceof PerennialError)) return exitCodes.failed;
  if (['unauthenticated', 'forbidden', 'vote-refused'].includes(caught.code)) return exitCodes.notAllowed;
  if (['invalid-request', 'invalid-configuration', 'not-implemented'].includes(caught.code)) return exitCodes.usage;
  return exitCodes.failed;
}
