import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createSystemClock } from '../adapters/clock/system.ts';
import { createHttpGateways } from '../adapters/gateways/http.ts';
import { createIdMaker } from '../adapters/ids/uuid.ts';
import { createDiskSpace } from '../adapters/disk-space/disk-space.ts';
import { createLogger } from '../adapters/logger/pino.ts';
import { createLedgerProof } from '../adapters/ledger-proof/ledger-proof.ts';
import { createConfiguredObjectStore } from '../adapters/object-store/configured-store.ts';
import { createConfiguredSandbox } from '../adapters/sandbox/configured-sandbox.ts';
import { createScratch } from '../adapters/scratch/claimed-scratch.ts';
import { ownScratch } from '../adapters/scratch/own-scratch.ts';
import { createDuckDbTableEngine } from '../adapters/table-engine/duckdb.ts';
import { readTemporalTls } from '../adapters/workflow-client/temporal-tls.ts';
import { createTemporalWorkflowClient } from '../adapters/workflow-client/temporal-workflow-client.ts';
import { ignoreProxyOfNode } from '../adapters/outbound-hosts/ignore-proxy-of-node.ts';
import { sha256OfBytes } from '../contracts/digest.ts';
import { PerennialError, reasonOf } from '../contracts/errors.ts';
import { parseSettings, Settings, tableLimitsOf } from '../contracts/settings/settings.ts';
import { migrate } from '../db/connection/migrate.ts';
import { createPostgresRepositories } from '../db/postgres-repositories.ts';
import type { Logger } from '../ports/logger.ts';
import type { Repositories } from '../ports/repositories/repositories.ts';
import { derivedKey } from '../worker/derived-keys.ts';
import { identityOf } from '../stack/processes/process-identity.ts';
import { buildApi } from './build-api.ts';

const closeWithinMs = 5_000;
const uploadIdleMs = 120_000;
const ownPrincipal = 'api';
/** Retry interval for flushing gateways. It is short, because a request with labels waits for the flush. */
const flushRetryMs = 2_000;

ignoreProxyOfNode();

try {
  await serve(parseSettings(Settings, process.env));
} catch (caught) {
  // Uses a logger that needs no settings, because the settings may be invalid.
  createLogger({ name: 'api', level: 'info' }).error(
    caught instanceof PerennialError ? { code: caught.code } : { err: caught },
    `the API cannot start: ${reasonOf(caught)}`,
  );
  process.exit(1);
}

async function serve(settings: Settings): Promise<void> {
  const logger = createLogger({ name: 'api', level: settings.PERENNIAL_LOG_LEVEL });
  const clock = createSystemClock();
  const ids = createIdMaker();
  const home = resolve(settings.PERENNIAL_HOME);
  const scratchFolder = await ownScratch(home, 'api', identityOf, logger);

  await migrate(settings.DATABASE_URL);
  const repositories = createPostgresRepositories({
    url: settings.DATABASE_URL,
    clock,
    ids,
    logger,
    secret: settings.PERENNIAL_SECRET,
  });
  await ensureAdministrator(repositories, settings.PERENNIAL_ADMIN_KEY);
  const apiKey = await ensureOwnKey(repositories, settings.PERENNIAL_SECRET);
  const workflowClient = createTemporalWorkflowClient({
    address: settings.TEMPORAL_ADDRESS,
    namespace: settings.TEMPORAL_NAMESPACE,
    tls: await readTemporalTls(settings),
    apiKey: settings.TEMPORAL_API_KEY,
    logger,
  });
  const sandbox = createConfiguredSandbox(settings, home, process.env.PATH, scratchFolder);
  const tableEngine = createDuckDbTableEngine({
    ...tableLimitsOf(settings),
    sandbox,
    scratchFolder: join(scratchFolder, 'tables'),
  });
  const objectStore = createConfiguredObjectStore(settings, home, scratchFolder);
  const { ledger } = repositories;
  const api = await buildApi({
    repositories,
    objectStore,
    scratch: createScratch(home, identityOf),
    diskSpace: createDiskSpace(home),
    ledgerProof: createLedgerProof({ ledger, objectStore, clock, secret: settings.PERENNIAL_SECRET }),
    tableEngine,
    workflowClient,
    gateways: createHttpGateways({
      liveGateways: () => repositories.deployments.liveGateways(),
      key: () => apiKey,
      clock,
      retryForMs: flushRetryMs,
    }),
    clock,
    ids,
    logger,
    addresses: {
      gateway:
        settings.PERENNIAL_GATEWAY_URL ??
        `http://${settings.PERENNIAL_GATEWAY_HOST}:${settings.PERENNIAL_GATEWAY_PORT}`,
      temporalUi: settings.PERENNIAL_TEMPORAL_UI_URL,
    },
    scratchFolder,
    uploads: { bytes: settings.PERENNIAL_UPLOAD_SIZE, idleMs: uploadIdleMs },
  });
  stopOnSignals(logger, async () => {
    await api.close();
    await Promise.all([workflowClient.close(), tableEngine.close()]);
    await repositories.close();
    await rm(scratchFolder, { recursive: true, force: true });
  });
  const address = await api.listen({ host: settings.PERENNIAL_API_HOST, port: settings.PERENNIAL_API_PORT });
  logger.info({ address, docs: `${address}/docs` }, 'the API is ready');
}

async function ensureAdministrator(repositories: Repositories, key: string | undefined): Promise<void> {
  if (key === undefined) return;
  const admin = await repositories.principals.ensure('admin', 'person', [{ role: 'admin' }], null);
  await repositories.principals.addKey(admin.id, sha256OfBytes(key), 'PERENNIAL_ADMIN_KEY', null);
}

/** Creates the key of the API's own principal, which makes gateways upload the predictions that labels refer to. */
async function ensureOwnKey(repositories: Repositories, secret: string): Promise<string> {
  const key = derivedKey(secret, ownPrincipal);
  const own = await repositories.principals.ensure(ownPrincipal, 'service', [{ role: 'operator' }], null);
  await repositories.principals.addKey(own.id, sha256OfBytes(key), 'derived', null);
  return key;
}

/** Closes the API on a signal and lets active requests end, for less than five seconds. */
function stopOnSignals(logger: Logger, close: () => Promise<void>): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'the API is stopping');
    const late = setTimeout(() => {
      logger.warn({}, 'the API did not close in time; its open requests are dropped');
      process.exit(0);
    }, closeWithinMs - 500);
    close().then(
      () => process.exit(0),
      (caught: unknown) => {
        clearTimeout(late);
        logger.error({ err: caught }, 'the API did not close cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
