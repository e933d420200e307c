import { join, resolve } from 'node:path';
import type { StoringDependencies } from '../activities/activity-dependencies.ts';
import { createSystemClock } from '../adapters/clock/system.ts';
import { createTarCodeArchive } from '../adapters/code-archive/tar.ts';
import { createGitCodeSource } from '../adapters/code-source/git.ts';
import { createGithubStatuses } from '../adapters/commit-status/github.ts';
import { createRemoteDataSource } from '../adapters/data-source/remote.ts';
import { createEnvironments } from '../adapters/environments/environments.ts';
import { createHttpGateways } from '../adapters/gateways/http.ts';
import { createIdMaker } from '../adapters/ids/uuid.ts';
import { createLedgerProof } from '../adapters/ledger-proof/ledger-proof.ts';
import { createModelFormats } from '../adapters/model-formats/model-formats.ts';
import { keepFetchedFiles } from '../adapters/object-store/fetched-files.ts';
import { keepDerivedFiles } from '../adapters/object-store/kept-derived-files.ts';
import { createConfiguredObjectStore } from '../adapters/object-store/configured-store.ts';
import { createConfiguredSandbox } from '../adapters/sandbox/configured-sandbox.ts';
import type { Sandbox } from '../adapters/sandbox/sandbox.ts';
import { createDuckDbTableEngine } from '../adapters/table-engine/duckdb.ts';
import { createNotifier } from '../adapters/notifier/create-notifier.ts';
import { createOutboundHosts } from '../adapters/outbound-hosts/checked.ts';
import { createLocalTrainer } from '../adapters/trainers/local/local-trainer.ts';
import type { readTemporalTls } from '../adapters/workflow-client/temporal-tls.ts';
import type { TemporalSettings } from '../adapters/workflow-client/temporal-workflow-client.ts';
import { createTemporalWorkflowClient } from '../adapters/workflow-client/temporal-workflow-client.ts';
import { sha256OfBytes } from '../contracts/digest.ts';
import { proxiesOf } from '../contracts/settings/proxies.ts';
import type { Settings } from '../contracts/settings/settings.ts';
import { codeLimitsOf, pipIndexesOf, tableLimitsOf } from '../contracts/settings/settings.ts';
import { createPostgresRepositories } from '../db/postgres-repositories.ts';
import type { Environments } from '../ports/environments.ts';
import type { Logger } from '../ports/logger.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { cacheFolderOf } from './cache-folder.ts';
import { derivedKey } from './derived-keys.ts';

type TemporalTls = Awaited<ReturnType<typeof readTemporalTls>>;

export interface WorkerProcess {
  /** Folder that only this process uses. */
  readonly scratchFolder: string;
  /** Folder for environments that are being built; on the same file system as the cache. */
  readonly workFolder: string;
  /** Whether the process computes. Then processes for tables and models start ahead, for the steps of a build. */
  readonly computes: boolean;
}

/** Keeps copies of files that come from another machine. The disk store needs none. */
function fetchedOnce(store: ObjectStore, settings: Settings): ObjectStore {
  if (settings.S3_ENDPOINT === undefined) return store;
  const folder = join(cacheFolderOf(settings), 'fetched');
  return keepFetchedFiles(store, { folder, bytesAtMost: settings.PERENNIAL_FETCHED_CACHE });
}

/**
 * Processes that wait beside a computing process: as many as a build needs to commit and evaluate a version. They are
 * replaced when most builds are over.
 */
const refill = { ahead: true, refillAfterMs: 1_500 } as const;
const waiting = { tables: { ...refill, spares: 3 }, models: { ...refill, spares: 1 } } as const;
const lifecyclePrincipal = 'lifecycle';
const workerPrincipal = 'worker';

/**
 * Builds the dependencies of the activities, and creates the worker's own principal, which may have gateways flush
 * their logs.
 */
export async function buildDependencies(
  settings: Settings,
  tls: TemporalTls,
  logger: Logger,
  { scratchFolder, workFolder, computes }: WorkerProcess,
): Promise<StoringDependencies> {
  const home = resolve(settings.PERENNIAL_HOME);
  const hosts = createOutboundHosts({
    allowPrivate: settings.PERENNIAL_ALLOW_PRIVATE_SOURCES,
    proxies: proxiesOf(settings),
  });
  const sandbox = createConfiguredSandbox(settings, home, process.env.PATH, scratchFolder, { ahead: !computes });
  const clock = createSystemClock();
  const ids = createIdMaker();
  const repositories = createPostgresRepositories({
    url: settings.DATABASE_URL,
    clock,
    ids,
    logger,
    secret: settings.PERENNIAL_SECRET,
  });
  const workerKey = derivedKey(settings.PERENNIAL_SECRET, workerPrincipal);
  const worker = await repositories.principals.ensure(workerPrincipal, 'service', [{ role: 'operator' }], null);
  await repositories.principals.addKey(worker.id, sha256OfBytes(workerKey), 'derived', null);
  const objectStore = fetchedOnce(createConfiguredObjectStore(settings, home, scratchFolder), settings);
  const { ledger } = repositories;
  const codeArchive = createTarCodeArchive(codeLimitsOf(settings));
  const environments = environmentsOf(settings, sandbox, workFolder);
  const jobParts = { objectStore, codeArchive, environments, scratchFolder: join(scratchFolder, 'training') };
  return {
    repositories,
    objectStore,
    derivedFiles: keepDerivedFiles({
      folder: join(cacheFolderOf(settings), 'derived'),
      bytesAtMost: settings.PERENNIAL_FETCHED_CACHE / 4,
    }),
    ledgerProof: createLedgerProof({ ledger, objectStore, clock, secret: settings.PERENNIAL_SECRET }),
    tableEngine: createDuckDbTableEngine({
      ...tableLimitsOf(settings),
      sandbox,
      scratchFolder: join(scratchFolder, 'tables'),
      ...(computes ? waiting.tables : {}),
    }),
    modelFormats: createModelFormats({
      sandbox,
      timeLimitMs: settings.PERENNIAL_MODEL_TIMEOUT,
      memoryMebibytes: Math.floor(settings.PERENNIAL_MODEL_MEMORY / 2 ** 20),
      scratchFolder: join(scratchFolder, 'models'),
      ...(computes ? waiting.models : {}),
    }),
    environments,
    trainer: createLocalTrainer({ ...jobParts, path: process.env.PATH, sandbox }),
    codeArchive,
    codeSource: createGitCodeSource({
      sandbox,
      hosts,
      certificates: process.env.NODE_EXTRA_CA_CERTS,
      timeoutMs: settings.PERENNIAL_GIT_TIMEOUT,
      memoryBytes: settings.PERENNIAL_GIT_MEMORY,
      packBytesAtMost: settings.PERENNIAL_GIT_DISK,
      codeLimits: codeLimitsOf(settings),
    }),
    dataSource: createRemoteDataSource({
      hosts,
      bytesAtMost: settings.PERENNIAL_FETCH_SIZE,
      statementTimeoutMs: settings.PERENNIAL_FETCH_TIMEOUT,
    }),
    commitStatuses: createGithubStatuses({ hosts }),
    gateways: createHttpGateways({
      liveGateways: () => repositories.deployments.liveGateways(),
      key: () => workerKey,
      clock,
    }),
    notifier: createNotifier({ clock, hosts }),
    workflowClient: createTemporalWorkflowClient(temporalOf(settings, tls, logger)),
    clock,
    ids,
    logger,
    collectionSchedule: settings.PERENNIAL_GC_SCHEDULE === 'never' ? null : settings.PERENNIAL_GC_SCHEDULE,
    scratchFolder: join(scratchFolder, 'activities'),
    isolation: await sandbox.isolation(),
    lifecyclePrincipal,
    rehearsalKey: (rehearsalId) => derivedKey(settings.PERENNIAL_SECRET, `rehearsal/${rehearsalId}`),
  };
}

function environmentsOf(settings: Settings, sandbox: Sandbox, workFolder: string): Environments {
  return createEnvironments({
    cacheFolder: cacheFolderOf(settings),
    workFolder,
    sandbox,
    environment: process.env,
    pip: pipIndexesOf(settings),
    limits: {
      timeoutMs: settings.PERENNIAL_INSTALL_TIMEOUT,
      diskBytes: settings.PERENNIAL_INSTALL_DISK,
      memoryBytes: settings.PERENNIAL_INSTALL_MEMORY,
    },
  });
}

function temporalOf(settings: Settings, tls: TemporalTls, logger: Logger): TemporalSettings {
  return {
    address: settings.TEMPORAL_ADDRESS,
    namespace: settings.TEMPORAL_NAMESPACE,
    tls,
    apiKey: settings.TEMPORAL_API_KEY,
    logger,
  };
}
