import { join, resolve } from 'node:path';
import { createSystemClock } from '../adapters/clock/system.ts';
import { createIdMaker } from '../adapters/ids/uuid.ts';
import { createLogger } from '../adapters/logger/pino.ts';
import { createModelFormats } from '../adapters/model-formats/model-formats.ts';
import { createConfiguredObjectStore } from '../adapters/object-store/configured-store.ts';
import { createConfiguredSandbox } from '../adapters/sandbox/configured-sandbox.ts';
import { createDuckDbTableEngine } from '../adapters/table-engine/duckdb.ts';
import { ignoreProxyOfNode } from '../adapters/outbound-hosts/ignore-proxy-of-node.ts';
import { durationMs } from '../contracts/time/duration.ts';
import { PerennialError, reasonOf } from '../contracts/errors.ts';
import { parseSettings, Settings, tableLimitsOf } from '../contracts/settings/settings.ts';
import { createPostgresRepositories } from '../db/postgres-repositories.ts';
import type { Logger } from '../ports/logger.ts';
import { startGateway } from './start-gateway.ts';

/**
 * Time limit for closing after the drain, below the eight seconds that the stack allows. Segments not uploaded by then
 * stay on disk until the next start.
 */
const closeWithinMs = 6_000;

const GatewaySettings = Settings.omit({ PERENNIAL_SECRET: true, PERENNIAL_ADMIN_KEY: true, TEMPORAL_ADDRESS: true });
type GatewaySettings = Omit<Settings, 'PERENNIAL_SECRET' | 'PERENNIAL_ADMIN_KEY' | 'TEMPORAL_ADDRESS'>;

ignoreProxyOfNode();

try {
  await serve(parseSettings(GatewaySettings, process.env));
} catch (caught) {
  // Uses a logger that needs no settings, because the settings may be invalid.
  createLogger({ name: 'gateway', level: 'info' }).error(
    caught instanceof PerennialError ? { code: caught.code } : { err: caught },
    `the gateway cannot start: ${reasonOf(caught)}`,
  );
  process.exit(1);
}

async function serve(settings: GatewaySettings): Promise<void> {
  const logger = createLogger({ name: 'gateway', level: settings.PERENNIAL_LOG_LEVEL });
  const clock = createSystemClock();
  const ids = createIdMaker();
  const home = resolve(settings.PERENNIAL_HOME);
  const folder = join(home, 'gateway');
  const scratchFolder = join(folder, 'scratch');
  const repositories = createPostgresRepositories({ url: settings.DATABASE_URL, clock, ids, logger });
  const sandbox = createConfiguredSandbox(settings, home, process.env.PATH, scratchFolder);
  const tableEngine = createDuckDbTableEngine({
    ...tableLimitsOf(settings),
    sandbox,
    scratchFolder,
    concurrency: 1,
  });
  const gateway = await startGateway({
    folder,
    listen: { host: settings.PERENNIAL_GATEWAY_HOST, port: settings.PERENNIAL_GATEWAY_PORT },
    address: settings.PERENNIAL_GATEWAY_URL,
    repositories,
    objectStore: createConfiguredObjectStore(settings, home, scratchFolder),
    modelFormats: createModelFormats({ sandbox, scratchFolder: join(scratchFolder, 'models') }),
    tableEngine,
    clock,
    ids,
    logger,
    steadyNow: () => performance.now(),
    random: Math.random,
  });
  const drainMs = durationMs(settings.PERENNIAL_GATEWAY_DRAIN);
  stopOnSignals(logger, drainMs, async (hurry) => {
    await gateway.close({ milliseconds: drainMs, hurry });
    await tableEngine.close();
    await repositories.close();
  });
  logger.info({ address: gateway.address }, 'the gateway listens');
}

/**
 * Closes the gateway on a signal. The first signal starts the drain and a second one cuts it short. After the drain,
 * active requests finish and segments are uploaded, within a time limit.
 */
function stopOnSignals(logger: Logger, drainMs: number, close: (hurry: AbortSignal) => Promise<void>): void {
  const hurry = new AbortController();
  const endAfter = (milliseconds: number): NodeJS.Timeout =>
    setTimeout(() => {
      logger.warn({}, 'the gateway did not close in time; predictions that were not uploaded stay on its disk');
      process.exit(0);
    }, milliseconds);
  let late: NodeJS.Timeout | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    if (late !== undefined) {
      clearTimeout(late);
      late = endAfter(closeWithinMs);
      hurry.abort();
      return;
    }
    logger.info({ signal, drainMs }, 'the gateway is stopping');
    late = endAfter(drainMs + closeWithinMs);
    close(hurry.signal).then(
      () => process.exit(0),
      (caught: unknown) => {
        logger.error({ err: caught }, 'the gateway did not close cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
