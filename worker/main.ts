import { NativeConnection, Runtime } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import { createLogger } from '../adapters/logger/pino.ts';
import { registerSearchAttributes } from '../adapters/workflow-client/temporal.ts';
import { reasonOf } from '../contracts/errors.ts';
import { parseSettings, Settings } from '../contracts/settings.ts';
import { migrate } from '../db/migrate.ts';
import { buildDependencies } from './build-dependencies.ts';
import { runWorkers } from './run-workers.ts';

const settings = parseSettings(Settings, process.env);
const logger = createLogger({ name: 'worker', level: settings.PERENNIAL_LOG_LEVEL });

try {
  await main();
} catch (caught) {
  logger.error({ err: caught }, `the worker stopped: ${reasonOf(caught)}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  Runtime.install({
    logger: {
      log: () => undefined,
      trace: () => undefined,
      debug: () => undefined,
      info: () => undefined,
      warn: (message, fields) => logger.warn({ ...fields }, message),
      error: (message, fields) => logger.error({ ...fields }, message),
    },
    shutdownSignals: [],
  });
  await migrate(settings.DATABASE_URL);
  const connection = await NativeConnection.connect({
    address: settings.TEMPORAL_ADDRESS,
    apiKey: settings.TEMPORAL_API_KEY,
  });
  await registerSearchAttributes(connection, settings.TEMPORAL_NAMESPACE);
  const dependencies = await buildDependencies(settings, logger);
  const { stopped, stop } = await runWorkers(connection, settings.TEMPORAL_NAMESPACE, createActivities(dependencies));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  logger.info({ namespace: settings.TEMPORAL_NAMESPACE }, 'worker ready');
  try {
    await stopped;
  } finally {
    await connection.close();
    await dependencies.repositories.close();
  }
}
