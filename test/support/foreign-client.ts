import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { bundleWorkflowCode, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createComputations } from '../../activities/computations.ts';
import type { StoringDependencies } from '../../activities/activity-dependencies.ts';
import { createActivities } from '../../activities/index.ts';
import { registerSearchAttributes } from '../../adapters/workflow-client/temporal-workflow-client.ts';
import { parseSettings, Settings } from '../../contracts/settings/settings.ts';
import { connect } from '../../db/connection/connect.ts';
import type { RepositoryContext } from '../../db/connection/repository-context.ts';
import type { Computing } from '../../ports/computing.ts';
import { buildDependencies } from '../../worker/worker-dependencies.ts';
import { runWorkers } from '../../worker/run-workers.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import { quiet } from './lifecycle-worker.ts';
import { createTestDatabase } from './postgres-of-tests.ts';
import { startTemporal, temporalCli } from './temporal-of-tests.ts';

export interface AskedWorkflow {
  readonly activity: string;
  readonly taskQueue: string;
  readonly input: unknown;
}

/** The outcome of an activity: its result, or its failure with code and message. */
export type Came = { readonly answer: unknown } | { readonly code: string; readonly message: string };

/** A platform with its real worker, and a client that can reach only the platform's Temporal server. */
export interface ForeignClient {
  readonly context: RepositoryContext;
  readonly deps: StoringDependencies;
  /** Names of the activities that the worker has registered. */
  readonly activities: readonly string[];
  /** Runs the activity from a workflow of the client's own, under a workflow id of the client's choice. */
  ask(asked: AskedWorkflow, workflowId?: string): Promise<Came>;
  /** Runs the activity, continues as new, and runs it again. Returns the second outcome. */
  askTwice(asked: AskedWorkflow, workflowId: string): Promise<Came>;
  /** Resets the newest execution under the workflow id to its beginning. Returns the outcome. */
  reset(workflowId: string): Promise<Came>;
  /** Returns the whole database and the names of all stored objects, for a comparison before and after an attack. */
  everything(): Promise<unknown>;
  stop(): Promise<void>;
}

const taskQueue = 'foreign';
const noLog = { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} };

export async function startForeignClient(): Promise<ForeignClient> {
  Runtime.install({ logger: noLog });
  const [server, database, home] = await Promise.all([
    startTemporal(),
    createTestDatabase(),
    mkdtemp(join(tmpdir(), 'perennial-foreign-')),
  ]);
  const { address, namespace } = server;
  const settings = parseSettings(Settings, {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: address,
    PERENNIAL_HOME: home,
    PERENNIAL_SECRET: 'a-secret-of-the-tests-0123456789abcdef',
  });
  const deps = await buildDependencies(settings, undefined, quiet, {
    scratchFolder: join(home, 'scratch'),
    workFolder: join(home, 'work'),
    computes: false,
  });
  const native = await NativeConnection.connect({ address });
  await registerSearchAttributes(native, namespace);
  const computations = createComputations(deps);
  const computing: Computing = {
    // Computes in this process: refusals are the same, and no process has to start.
    run: async (name, input) => Reflect.apply(Reflect.get(computations, name), undefined, [input]),
    prepare: () => undefined,
  };
  const activities = createActivities({ ...deps, computing });
  const workers = await runWorkers({
    connection: native,
    namespace,
    workflowBundle: await workflowBundle(join(home, 'cache'), quiet),
    activities,
    trainQueues: ['train'],
    buildId: undefined,
  });
  const workflowsPath = new URL('foreign-workflow.ts', import.meta.url).pathname;
  const own = await Worker.create({
    connection: native,
    namespace,
    taskQueue,
    workflowBundle: await bundleWorkflowCode({ workflowsPath, logger: noLog }),
  });
  const running = own.run();
  const temporal = new Client({ connection: await Connection.connect({ address }), namespace });
  const context: RepositoryContext = { db: connect(database.url), clock: deps.clock, ids: deps.ids };
  return {
    context,
    deps,
    activities: Object.keys(activities),
    ask: (asked, workflowId = `foreign-${randomUUID()}`) => ask(temporal, 'foreign', asked, workflowId),
    askTwice: (asked, workflowId) => ask(temporal, 'continued', asked, workflowId),
    reset: (workflowId) => reset(temporal, address, workflowId),
    everything: async () => ({
      rows: await allRows(context),
      stored: (await deps.objectStore.list(null, 100_000)).map((blob) => blob.sha256),
    }),
    async stop() {
      own.shutdown();
      workers.stop();
      await Promise.all([running, workers.stopped]);
      await temporal.connection.close();
      await native.close();
      await server.stop();
      await deps.repositories.close();
      await context.db.$client.end();
      await database.drop();
      await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

function ask(
  temporal: Client,
  workflowType: 'foreign' | 'continued',
  asked: AskedWorkflow,
  workflowId: string,
): Promise<Came> {
  return cameOf(() =>
    temporal.workflow.execute(workflowType, {
      workflowId,
      taskQueue,
      args: [asked],
      workflowExecutionTimeout: '90s',
    }),
  );
}

/** Resets the workflow to its first task with Temporal's command-line tool, as a person would. */
async function reset(temporal: Client, address: string, workflowId: string): Promise<Came> {
  const args = ['workflow', 'reset', '--workflow-id', workflowId, '--type', 'FirstWorkflowTask', '--reason', 'by hand'];
  await promisify(execFile)(await temporalCli(), [...args, '--address', address]);
  return cameOf(() => temporal.workflow.getHandle(workflowId).result());
}

async function cameOf(asking: () => Promise<unknown>): Promise<Came> {
  try {
    return { answer: await asking() };
  } catch (caught) {
    if (!(caught instanceof WorkflowFailedError)) throw caught;
    const cause = caught.cause?.cause;
    if (!(cause instanceof ApplicationFailure)) return { code: 'none', message: String(cause) };
    return { code: cause.type ?? 'none', message: cause.message };
  }
}

async function allRows({ db }: RepositoryContext): Promise<Readonly<Record<string, unknown>>> {
  const { rows: tables } = await db.execute<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  );
  const all: Record<string, unknown> = {};
  for (const { name } of tables) {
    const { rows } = await db.execute<{ rows: unknown }>(
      `select coalesce(jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text), '[]') as rows from "${name}" t`,
    );
    all[name] = rows[0]?.rows;
  }
  return all;
}
