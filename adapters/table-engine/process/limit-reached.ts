import { PerennialError } from '../../../contracts/errors.ts';

type Limited = 'memory' | 'disk' | 'time';

const settings: Readonly<Record<Limited, string>> = {
  memory: 'PERENNIAL_TABLE_MEMORY',
  disk: 'PERENNIAL_TABLE_DISK',
  time: 'PERENNIAL_TABLE_TIMEOUT',
};

/**
 * Returns the error of a call that reached a limit. It is not retryable, because the same call would reach the limit
 * again.
 */
export function limitReached(what: Limited, how: string): PerennialError {
  return new PerennialError(
    'limit-reached',
    `the rows took more ${what} than one step may use: ${how}; raise ${settings[what]} where the step runs, or send the rows in smaller batches`,
    { limit: what, setting: settings[what] },
  );
}
