import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { lifecycleSteps } from '../../contracts/pipelines/lifecycle-steps.ts';
import type { ActivitiesOf } from '../../contracts/pipelines/step.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import { createQueueOfBuild } from '../../activities/build/training/queue-of-build.ts';
import {
  createAdvanceLifecycle,
  createBeginRun,
  createConcludeRun,
  createRecordScheduleTrigger,
} from '../../activities/lifecycle/lifecycle-activities.ts';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import type { TemporalWorkflowClient } from '../../adapters/workflow-client/temporal-workflow-client.ts';
import {
  createTemporalWorkflowClient,
  registerSearchAttributes,
} from '../../adapters/workflow-client/temporal-workflow-client.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';
import type { RunningWorkers } from '../../worker/run-workers.ts';
import { runWorkers } from '../../worker/run-workers.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import { createTestDatabase } from './postgres-of-tests.ts';
import { startTemporal } from './temporal-of-tests.ts';

export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Real Postgres, real Temporal and a real worker with the lifecycle's activities and those that a test supplies. */
export interface LifecycleWorker {
  readonly repositories: Repositories;
  readonly workflowClient: TemporalWorkflowClient;
  /** The lifecycle's own activities, which tests may call directly. */
  readonly activities: ActivitiesOf<typeof lifecycleSteps.steps>;
  readonly temporal: Client;
  /** Replaces the workers by new ones, with the current workflows or with those at the given path. */
  workWith(workflowsPath?: string): Promise<void>;
  /** Creates another client with a connection of its own, as another process would have. */
  anotherClient(): TemporalWorkflowClient;
  stop(): Promise<void>;
}

export async function startLifecycleWorker(
  others: Partial<Activities>,
  config: Readonly<Record<string, number>> = {},
): Promise<LifecycleWorker> {
  Runtime.install({ logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} } });
  const [server, database, cache] = await Promise.all([
    startTemporal(config),
    createTestDatabase(),
    mkdtemp(join(tmpdir(), 'perennial-lifecycle-')),
  ]);
  const { address, namespace } = server;
  const native = await NativeConnection.connect({ address });
  await registerSearchAttributes(native, namespace);
  const repositories = createPostgresRepositories({
    url: database.url,
    clock: createSystemClock(),
    ids: createIdMaker(),
  });
  const clients: TemporalWorkflowClient[] = [];
  const anotherClient = (): TemporalWorkflowClient => {
    const made = createTemporalWorkflowClient({ address, namespace, logger: quiet });
    clients.push(made);
    return made;
  };
  const workflowClient = anotherClient();
  const parts = {
    repositories,
    workflowClient,
    lifecyclePrincipal: 'lifecycle',
    clock: createSystemClock(),
    logger: quiet,
  };
  const activities = {
    advanceLifecycle: createAdvanceLifecycle(parts),
    recordScheduleTrigger: createRecordScheduleTrigger(parts),
    beginRun: createBeginRun(parts),
    concludeRun: createConcludeRun(parts),
  };
  const work = async (workflowsPath?: string): Promise<RunningWorkers> =>
    runWorkers({
      connection: native,
      namespace,
      workflowBundle: await (workflowsPath === undefined
        ? workflowBundle(cache, quiet)
        : bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') })),
      // The models' code does not come from git, so there is no commit status to report.
      activities: {
        ...activities,
        reportCommitStatus: async () => undefined,
        queueOfBuild: createQueueOfBuild(parts),
        ...others,
      },
      trainQueues: ['train'],
      buildId: undefined,
    });
  let workers = await work();
  const temporal = new Client({ connection: await Connection.connect({ address }), namespace });
  return {
    repositories,
    workflowClient,
    activities,
    temporal,
    anotherClient,
    async workWith(workflowsPath) {
      workers.stop();
      await workers.stopped;
      workers = await work(workflowsPath);
    },
    async stop() {
      workers.stop();
      await workers.stopped;
      await Promise.all([temporal.connection.close(), ...clients.map((client) => client.close())]);
      await native.close();
      await server.stop();
      await repositories.close();
      await database.drop();
      await rm(cache, { recursive: true, force: true });
    },
  };
}
