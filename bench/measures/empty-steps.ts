import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import {
  createAdvanceLifecycle,
  createBeginRun,
  createConcludeRun,
  createRecordScheduleTrigger,
} from '../../activities/lifecycle/lifecycle-activities.ts';
import { instrument } from '../../activities/steps/instrument.ts';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import {
  createTemporalWorkflowClient,
  registerSearchAttributes,
} from '../../adapters/workflow-client/temporal-workflow-client.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { migrate } from '../../db/connection/migrate.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import type { Logger } from '../../ports/logger.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';
import { runWorkers } from '../../worker/run-workers.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import { startBenchPostgres } from '../ground/bench-postgres.ts';
import { benchNamespace, startBenchTemporal } from '../ground/bench-temporal.ts';
import { configurationOfClassifier } from '../ground/served-classifier.ts';
import type { BenchContext } from '../running/bench-context.ts';
import type { BenchMeasure } from '../running/bench-measure.ts';
import { compareInRounds, medianOf } from '../running/compare-in-rounds.ts';
import { versionOfPackage } from '../running/describe-machine.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
/** No step starts a process here; the record of a step names the isolation all the same. */
const isolation = { kind: 'process-group', reason: null, memory: 'polling', publicNetwork: 'host' } as const;
const runsOfRound = 10;
const bareQueue = 'bare';
/** Temporal starts an activity without a round trip if its workflow's queue is its own. Perennial's queues differ. */
const queueOfTheirOwn = 'bare Temporal, activities on another queue';

export const emptySteps: BenchMeasure = {
  name: 'steps',
  summary: 'four steps that do nothing, with proofs, heartbeats and records, beside four bare activities of Temporal',
  takes: '1 min',
  inShortForm: false,
  async run(bench) {
    Runtime.install({ logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} } });
    const home = join(bench.scratch, 'home');
    const [address, url] = await Promise.all([
      startBenchTemporal(bench, home),
      startBenchPostgres(bench, `${home}-postgres`),
    ]);
    const connection = await Connection.connect({ address });
    bench.onEnd(() => connection.close());
    const client = new Client({ connection, namespace: benchNamespace });
    const native = await NativeConnection.connect({ address });
    bench.onEnd(() => native.close());
    const contestants = [
      { name: 'perennial', once: await ownSteps(bench, client, native, url, address) },
      { name: 'bare Temporal', once: await bareSteps(bench, client, native, bareQueue) },
      { name: queueOfTheirOwn, once: await bareSteps(bench, client, native, 'bare-activities') },
    ].map(({ name, once }) => ({ name, once: () => medianOfRuns(once) }));
    const comparison = await compareInRounds(bench, {
      name: 'four steps that do nothing',
      unit: 'ms',
      moreIsBetter: false,
      contestants,
      ratios: [
        {
          name: 'perennial / bare Temporal',
          of: 'perennial',
          over: 'bare Temporal',
          target: { must: 1.25, atMost: true },
        },
        { name: `perennial / ${queueOfTheirOwn}`, of: 'perennial', over: queueOfTheirOwn },
      ],
    });
    const versions = { '@temporalio/worker': await versionOfPackage('@temporalio/worker') };
    return { comparisons: [comparison], figures: [], absent: [], versions, notes: [] };
  },
};

async function medianOfRuns(once: () => Promise<number>) {
  const times: number[] = [];
  for (let run = 0; run < runsOfRound; run += 1) times.push(await once());
  return { value: medianOf(times) };
}

/** Returns a function that runs the pipeline of monitoring, of which all four steps do nothing. */
async function ownSteps(
  bench: BenchContext,
  client: Client,
  connection: NativeConnection,
  url: string,
  address: string,
): Promise<() => Promise<number>> {
  await migrate(url);
  await registerSearchAttributes(connection, benchNamespace);
  const clock = createSystemClock();
  const repositories = createPostgresRepositories({ url, clock, ids: createIdMaker() });
  bench.onEnd(() => repositories.close());
  const workflowClient = createTemporalWorkflowClient({ address, namespace: benchNamespace, logger: silent });
  bench.onEnd(() => workflowClient.close());
  const parts = { repositories, workflowClient, lifecyclePrincipal: 'lifecycle', clock, logger: silent };
  const outcome = { kind: 'monitor', reportId: createIdMaker().next(), opened: 1, closed: 0 } as const;
  const activities = instrument(
    {
      advanceLifecycle: createAdvanceLifecycle(parts),
      recordScheduleTrigger: createRecordScheduleTrigger(parts),
      beginRun: createBeginRun(parts),
      concludeRun: createConcludeRun(parts),
      collectWindow: async () => ({ window: sha256OfBytes('window') }),
      reportWindow: async () => outcome,
      notifyOfReport: async () => ({ told: [], failed: [] }),
      expirePredictions: async () => ({ segments: 0 }),
    },
    { repositories, workflowClient, logger: silent, isolation, collectionSchedule: null },
  );
  const workers = await runWorkers({
    connection,
    namespace: benchNamespace,
    workflowBundle: await workflowBundle(bench.scratch, silent),
    activities,
    trainQueues: ['train'],
    buildId: undefined,
  });
  bench.onEnd(async () => {
    workers.stop();
    await workers.stopped;
  });
  const { id: by } = await repositories.principals.ensure('operator', 'person', [{ role: 'operator' }], null);
  const { scope } = await repositories.models.apply(
    'default',
    'production',
    Configuration.parse(configurationOfClassifier(['a', 'b'])),
    by,
  );
  return async () => {
    const request = { kind: 'monitor', schemaVersion: 1, asOf: new Date().toISOString() } as const;
    const { runId } = await repositories.lifecycle.submit(scope, { kind: 'run', schemaVersion: 1, request }, by);
    if (runId === null) throw new Error('no run was started');
    await workflowClient.advance(scope);
    const { workflowId } = await repositories.runs.get(runId);
    await started(bench, repositories, runId);
    return stepTime(client, workflowId, ['collectWindow', 'expirePredictions']);
  };
}

/** Waits until the lifecycle has started the run, so that its execution exists. */
async function started(bench: BenchContext, { runs }: Repositories, runId: string): Promise<void> {
  while ((await runs.get(runId)).state === 'queued') {
    bench.signal.throwIfAborted();
    await pause(20);
  }
}

async function bareSteps(
  bench: BenchContext,
  client: Client,
  connection: NativeConnection,
  activityQueue: string,
): Promise<() => Promise<number>> {
  const workflowsPath = join(import.meta.dirname, '..', 'ground', 'bare-steps-workflow.ts');
  const bundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const shared = { connection, namespace: benchNamespace } as const;
  const activities = { doNothing: async () => {} };
  // One worker of workflows and activities, or one of each.
  const taskQueue = `${activityQueue}-workflows`;
  const workers = await Promise.all(
    activityQueue === bareQueue
      ? [Worker.create({ ...shared, taskQueue: activityQueue, workflowBundle: bundle, activities })]
      : [
          Worker.create({ ...shared, taskQueue, workflowBundle: bundle }),
          Worker.create({ ...shared, taskQueue: activityQueue, activities }),
        ],
  );
  const running = workers.map((worker) => worker.run());
  bench.onEnd(async () => {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  });
  return async () => {
    const workflowId = randomUUID();
    await client.workflow.execute('bareSteps', {
      taskQueue: activityQueue === bareQueue ? bareQueue : taskQueue,
      workflowId,
      args: [activityQueue],
    });
    return stepTime(client, workflowId, ['doNothing', 'doNothing']);
  };
}

/**
 * Returns the milliseconds from the scheduling of the first step to the completion of the last, as Temporal's own
 * history has them.
 */
async function stepTime(client: Client, workflowId: string, [first, last]: readonly [string, string]): Promise<number> {
  const handle = client.workflow.getHandle(workflowId);
  await handle.result();
  const events = (await handle.fetchHistory()).events ?? [];
  const scheduled = events.filter(({ activityTaskScheduledEventAttributes: attributes }) => attributes);
  const ofType = (name: string) =>
    scheduled.filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === name);
  const [begin, end] = [ofType(first)[0], ofType(last).at(-1)];
  const completed = events.find(
    (event) => String(event.activityTaskCompletedEventAttributes?.scheduledEventId) === String(end?.eventId),
  );
  if (begin === undefined || completed === undefined) throw new Error(`the execution ${workflowId} has no steps`);
  return instantOf(completed) - instantOf(begin);
}

function instantOf({ eventTime }: { eventTime?: { seconds?: unknown; nanos?: number | null } | null }): number {
  return Number(eventTime?.seconds) * 1000 + (eventTime?.nanos ?? 0) / 1e6;
}
