import { pino } from 'pino';
import type { Settings } from '../../contracts/settings/settings.ts';
import type { Logger } from '../../ports/logger.ts';

/**
 * Creates a logger that writes JSON lines to standard error, because standard output is for data. Caught errors are
 * logged under `err`, with their causes.
 */
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

/** Most bytes of log lines that are kept while the disk is full. Further lines are dropped. */
const waitingBytes = 2 ** 20;

/**
 * Returns a synchronous destination, so that the last line before a crash is not lost. A failed write does not end the
 * process.
 */
function standardError(): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ dest: 2, sync: true, maxLength: waitingBytes });
  destination.on('error', () => undefined);
  return destination;
}
