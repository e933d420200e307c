import { pino } from 'pino';
import type { Settings } from '../../contracts/settings.ts';
import type { Logger } from '../../ports/logger.ts';

/** JSON lines on standard error: standard output is for data. Caught errors go under `err`, with their causes. */
export function createLogger({
  name,
  level,
}: {
  readonly name: string;
  readonly level: Settings['PERENNIAL_LOG_LEVEL'];
}): Logger {
  return pino(
    {
      name,
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Synchronous: the last line before a crash is the one that says why.
    pino.destination({ dest: 2, sync: true }),
  );
}
