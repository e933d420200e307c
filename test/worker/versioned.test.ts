import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { WorkflowStartOptions } from '@temporalio/client';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scheduledTriggerWorkflow, workflowQueue } from '../../contracts/runs/workflows.ts';
import { keepUnpinned } from '../../worker/keep-unpinned.ts';
import type { RunningWorkers } from '../../worker/run-workers.ts';
import { runWorkers } from '../../worker/run-workers.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import type { TestTemporal } from '../support/temporal-of-tests.ts';
import { startTemporal, temporalCli } from '../support/temporal-of-tests.ts';
import { until } from '../support/until.ts';

// Workers with a build id: executions run on the current version of the code, and continue there when it changes.

/** VERSIONING_BEHAVIOR_AUTO_UPGRADE of temporal.api.enums.v1. */
const autoUpgrade = 2;
/** While true, the only step of these executions fails and is tried again. */
let refusing = true;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
let temporal: TestTemporal;
let cache: string;
let workers: RunningWorkers;
let native: NativeConnection;
let client: Client;
beforeAll(async () => {
  Runtime.install({ logger: { log() {}, trace() {}, ...quiet } });
  [temporal, cache] = await Promise.all([startTemporal(), mkdtemp(join(tmpdir(), 'perennial-versioned-'))]);
  const { address, namespace } = temporal;
  native = await NativeConnection.connect({ address });
  client = new Client({ connection: await Connection.connect({ address }), namespace });
  await startWorkers('one');
});

async function startWorkers(buildId: string): Promise<void> {
  workers = await runWorkers({
    connection: native,
    namespace: temporal.namespace,
    workflowBundle: await workflowBundle(cache, quiet),
    activities: {
      recordScheduleTrigger: () => (refusing ? Promise.reject(new Error('not yet')) : Promise.resolve()),
    },
    trainQueues: ['train'],
    buildId,
  });
}

async function replaceWorkers(buildId: string): Promise<void> {
  workers.stop();
  await workers.stopped;
  await startWorkers(buildId);
}

afterAll(async () => {
  workers?.stop();
  await workers?.stopped;
  await client?.connection.close();
  await native?.close();
  await temporal?.stop();
  await rm(cache, { recursive: true, force: true });
});

const scope = { project: 'default', model: 'm', modelId: 'x', environment: 'e' };

function start(workflowId: string, options: Partial<WorkflowStartOptions> = {}) {
  return client.workflow.start(scheduledTriggerWorkflow, {
    workflowId,
    taskQueue: workflowQueue,
    args: [{ schemaVersion: 1, scope, schedule: 's' }],
    ...options,
  });
}

async function makeCurrent(buildId: string): Promise<void> {
  const cli = await temporalCli();
  const args = ['worker', 'deployment', 'set-current-version', '--deployment-name', 'perennial', '--build-id', buildId];
  // The version exists once its worker has polled.
  await until(`${buildId} is current`, () =>
    promisify(execFile)(cli, [...args, '--yes', '--address', temporal.address]).then(
      () => true,
      () => false,
    ),
  );
}

async function versioningOf(workflowId: string) {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo?.versioningInfo;
}

test('executions wait until a version is current, and move to the next one that becomes current', async () => {
  const handle = await start('moves');
  await makeCurrent('one');
  await expect
    .poll(() => versioningOf('moves'), { timeout: 20_000 })
    .toMatchObject({ behavior: autoUpgrade, deploymentVersion: { deploymentName: 'perennial', buildId: 'one' } });
  await replaceWorkers('two');
  await makeCurrent('two');
  refusing = false;
  await handle.result();
  expect(await versioningOf('moves')).toMatchObject({ deploymentVersion: { buildId: 'two' } });
});

test('an execution that is pinned after the new worker has started continues when the old workers are gone', async () => {
  const stopUnpinning = await keepUnpinned({ connection: native, namespace: temporal.namespace, logger: quiet }, 200);
  refusing = true;
  const pinnedTo = { deploymentName: 'perennial', buildId: 'two' };
  const handle = await start('pinned', { versioningOverride: { pinnedTo } });
  await until('it runs', async () => (await versioningOf('pinned'))?.deploymentVersion?.buildId === 'two');
  await replaceWorkers('three');
  await makeCurrent('three');
  refusing = false;
  await handle.result();
  await stopUnpinning();
  expect(await versioningOf('pinned')).toMatchObject({ deploymentVersion: { buildId: 'three' } });
});
