import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scheduledTriggerWorkflow, workflowQueue } from '../../contracts/runs/workflows.ts';
import { findWorkingProgram, programs } from '../../setup/find-program.mjs';
import type { RunningWorkers } from '../../worker/run-workers.ts';
import { runWorkers } from '../../worker/run-workers.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import type { TestTemporal } from '../support/temporal-of-tests.ts';
import { startTemporal } from '../support/temporal-of-tests.ts';

// Workers with a build id: a pipeline stays on the version of the code on which it began.

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
  workers = await runWorkers({
    connection: native,
    namespace,
    workflowBundle: await workflowBundle(cache, quiet),
    activities: { recordScheduleTrigger: () => Promise.resolve() },
    trainQueues: ['train'],
    buildId: 'one',
  });
});
afterAll(async () => {
  workers?.stop();
  await workers?.stopped;
  await client?.connection.close();
  await native?.close();
  await temporal?.stop();
  await rm(cache, { recursive: true, force: true });
});

test('executions wait until a version is current, and a pipeline is then pinned to it', async () => {
  const handle = await client.workflow.start(scheduledTriggerWorkflow, {
    workflowId: 'versioned',
    taskQueue: workflowQueue,
    args: [
      { schemaVersion: 1, scope: { project: 'default', model: 'm', modelId: 'x', environment: 'e' }, schedule: 's' },
    ],
  });
  const temporalCli = await findWorkingProgram(programs.temporal, process.env);
  if (temporalCli === undefined) throw new Error('the Temporal CLI is not there: npm test sets it up');
  const args = ['worker', 'deployment', 'set-current-version', '--deployment-name', 'perennial', '--build-id', 'one'];
  await expect
    .poll(
      () =>
        promisify(execFile)(temporalCli, [...args, '--yes', '--address', temporal.address]).then(
          () => 'set',
          (failure: Error) => failure.message,
        ),
      { timeout: 20_000 },
    )
    .toBe('set');
  await expect
    .poll(async () => (await handle.describe()).raw.workflowExecutionInfo?.versioningInfo, { timeout: 20_000 })
    .toMatchObject({ behavior: 1, deploymentVersion: { deploymentName: 'perennial', buildId: 'one' } });
  await handle.result();
});
