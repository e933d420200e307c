import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import { createLogger } from '../adapters/logger/pino.ts';
import { ownScratch } from '../adapters/scratch/own-scratch.ts';
import { readTemporalTls } from '../adapters/workflow-client/temporal-tls.ts';
import { registerSearchAttributes } from '../adapters/workflow-client/temporal-workflow-client.ts';
import { ignoreProxyOfNode } from '../adapters/outbound-hosts/ignore-proxy-of-node.ts';
import { reasonOf } from '../contracts/errors.ts';
import { parseSettings, Settings } from '../contracts/settings/settings.ts';
import { migrate } from '../db/connection/migrate.ts';
import type { Logger } from '../ports/logger.ts';
import { identityOf } from '../stack/processes/process-identity.ts';
import { announceWorker } from './announce-worker.ts';
import { buildDependencies } from './worker-dependencies.ts';
import { cacheFolderOf } from './cache-folder.ts';
import { ComputeProcesses } from './computing/compute-processes.ts';
import { startHealthServer } from './health-server.ts';
import { keepUnpinned } from './keep-unpinned.ts';
import { runWorkers } from './run-workers.ts';
import { workflowBundle } from './workflow-bundle.ts';

/**
 * Warnings to suppress: the worker of the workflow queue has no activities, and the workers of activity queues have no
 * workflows.
 */
const byDesign = /^No (workflows|activities) registered/;

ignoreProxyOfNode();

try {
  await main(parseSettings(Settings, process.env));
} catch (caught) {
  // This logger needs no settings, because the settings may be what is wrong.
  createLogger({ name: 'worker', level: 'info' }).error({ err: caught }, `the worker stopped: ${reasonOf(caught)}`);
  process.exitCode = 1;
}

async function main(settings: Settings): Promise<void> {
  const logger = createLogger({ name: 'worker', level: settings.PERENNIAL_LOG_LEVEL });
  const namespace = settings.TEMPORAL_NAMESPACE;
  installRuntime(logger);
  const tls = await readTemporalTls(settings);
  const [bundle, connection] = await Promise.all([
    workflowBundle(cacheFolderOf(settings), logger),
    NativeConnection.connect({ address: settings.TEMPORAL_ADDRESS, apiKey: settings.TEMPORAL_API_KEY, tls }),
    migrate(settings.DATABASE_URL),
  ]);
  await registerSearchAttributes(connection, namespace);
  const scratchFolder = await ownScratch(resolve(settings.PERENNIAL_HOME), 'worker', identityOf, logger);
  // In the cache folder, which may be on another disk, so that finished environments can be moved to their place by a
  // rename.
  const workFolder = await ownScratch(cacheFolderOf(settings), 'worker', identityOf, logger);
  const computing = new ComputeProcesses({
    program: new URL('computing/main.ts', import.meta.url),
    args: [join(scratchFolder, 'computing')],
    memoryBytes: settings.PERENNIAL_COMPUTE_MEMORY,
  });
  const dependencies = {
    ...(await buildDependencies(settings, tls, logger, { scratchFolder, workFolder, computes: false })),
    computing,
  };
  const { workflowClient } = dependencies;
  await workflowClient.scheduleCollections(dependencies.collectionSchedule);
  await workflowClient.scheduleSigning(cronOf(settings.PERENNIAL_LEDGER_SCHEDULE));
  const workers = await runWorkers({
    connection,
    namespace,
    workflowBundle: bundle,
    activities: createActivities(dependencies),
    trainQueues: settings.PERENNIAL_TRAIN_QUEUES,
    buildId: settings.PERENNIAL_BUILD_ID,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, workers.stop);
  const health = await startHealth(settings, async () => {
    await Promise.all([
      dependencies.repositories.check(),
      dependencies.objectStore.check(),
      dependencies.workflowClient.check(),
    ]);
    return workers.isRunning();
  });
  const leave = await announceWorker(dependencies);
  const stopUnpinning =
    settings.PERENNIAL_BUILD_ID === undefined ? undefined : await keepUnpinned({ connection, namespace, logger });
  logger.info({ namespace }, 'worker ready');
  try {
    await workers.stopped;
  } finally {
    await health?.close();
    await stopUnpinning?.();
    await leave();
    await computing.close();
    await connection.close();
    await dependencies.repositories.close();
    for (const folder of [scratchFolder, workFolder]) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function cronOf(schedule: string): string | null {
  return schedule === 'never' ? null : schedule;
}

/** Sends the SDK's warnings and errors to our logger, and leaves signals to this process. */
function installRuntime(logger: Logger): void {
  const ignore = (): void => {};
  Runtime.install({
    shutdownSignals: [],
    logger: {
      log: ignore,
      trace: ignore,
      debug: ignore,
      info: ignore,
      warn: (message, fields) => {
        if (!byDesign.test(message)) logger.warn({ ...fields }, message);
      },
      error: (message, fields) => logger.error({ ...fields }, message),
    },
  });
}

function startHealth(settings: Settings, isReady: () => Promise<boolean>) {
  const { PERENNIAL_WORKER_HOST: host, PERENNIAL_WORKER_PORT: port } = settings;
  return port === undefined ? undefined : startHealthServer({ host, port }, isReady);
}
