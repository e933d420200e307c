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
    standardError(),
  );
}

/** Lines that wait for room on a full disk, together; more are dropped. */
const waitingBytes = 2 ** 20;

/** Synchronous: the last line before a crash is the one that says why. A line that cannot be written ends nothing. */
function standardError(): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ dest: 2, sync: true, maxLength: waitingBytes });
  destination.on('error', () => undefined);
  return destination;
}
