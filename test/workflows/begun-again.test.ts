import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLifecycleKeeper } from '../../api/keeping/lifecycle-keeper.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { lifecycleWorkflowId } from '../../contracts/runs/workflows.ts';
import { configuration } from '../db/database-ground.ts';
import type { LifecycleWorker } from '../support/lifecycle-worker.ts';
import { quiet, startLifecycleWorker } from '../support/lifecycle-worker.ts';

// Executions that older code started and that the current code cannot replay.

const older = fileURLToPath(new URL('../fixtures/older-workflows/index.ts', import.meta.url));
const nobody = '0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10';

let stack: LifecycleWorker;
let by: string;
let models = 0;
beforeAll(async () => {
  stack = await startLifecycleWorker({
    materialiseEnvironment: async () => ({ interpreter: 'none', platform: 'none' }),
    resolveBuild: async () => ({ plan: 'a'.repeat(64), modelVersionId: nobody, unchanged: true, refit: null }),
    evaluateVersion: async () => ({
      kind: 'build',
      decision: 'unchanged',
      modelVersionId: nobody,
      number: 1,
      evaluationId: null,
      reused: true,
      reasons: [],
    }),
    expireRejectedVersions: async () => ({ blobs: 0 }),
  });
  by = (await stack.repositories.principals.ensure('operator', 'person', [{ role: 'operator' }], null)).id;
});
afterAll(() => stack?.stop());

async function model(): Promise<Scope> {
  const own = Configuration.parse({ ...configuration, name: `model-${(models += 1)}` });
  return (await stack.repositories.models.apply('default', 'production', own, by)).scope;
}

async function submitBuild(scope: Scope): Promise<string> {
  const request = { kind: 'build', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z', automated: false } as const;
  const { runId } = await stack.repositories.lifecycle.submit(scope, { kind: 'run', schemaVersion: 1, request }, by);
  return String(runId);
}

const stateOf = async (id: string) => (await stack.repositories.runs.get(id)).state;

/** Creates a build that stopped halfway and cannot continue with the current code. */
async function strandedBuild(scope: Scope): Promise<string> {
  const { repositories, temporal, workflowClient } = stack;
  const id = await submitBuild(scope);
  // The current lifecycle orders the build, and older code runs it.
  await stack.activities.advanceLifecycle({ scope, reconcile: false });
  const { workflowId } = await repositories.runs.get(id);
  await stack.workWith(older);
  await temporal.workflow.start('buildPipeline', {
    workflowId,
    taskQueue: 'perennial',
    args: [{ schemaVersion: 1, runId: id, scope }],
  });
  const execution = temporal.workflow.getHandle(workflowId);
  // The build must reach the older code's sleep, because the current code could continue from before it.
  const sleeps = async () =>
    (await execution.fetchHistory()).events?.some((event) => event.timerStartedEventAttributes);
  await expect.poll(sleeps, { timeout: 20_000 }).toBe(true);
  expect(await stateOf(id)).toBe('running');
  await stack.workWith();
  // The next event must make the execution fail, and not be retried forever.
  await execution.signal('nudge');
  await expect
    .poll(async () => workflowClient.describe(workflowId), { timeout: 20_000 })
    .toEqual({ state: 'closed', status: 'FAILED' });
  return id;
}

test('a run that cannot be replayed is restarted from its row, and succeeds', async () => {
  const scope = await model();
  const id = await strandedBuild(scope);
  await stack.activities.advanceLifecycle({ scope, reconcile: true });
  await stack.workflowClient.advance(scope);
  await expect.poll(() => stateOf(id), { timeout: 20_000 }).toBe('succeeded');
}, 90_000);

test('a run is restarted at most three times, and then fails with the reason', async () => {
  const scope = await model();
  const id = await strandedBuild(scope);
  for (let times = 0; times < 3; times += 1) expect(await stack.repositories.runs.beginAgain(id)).toBe(true);
  await stack.repositories.runs.begin(id);
  await stack.activities.advanceLifecycle({ scope, reconcile: true });
  expect(await stack.repositories.runs.get(id)).toMatchObject({
    state: 'failed',
    failure: { code: 'process-died', fields: { status: 'FAILED' } },
  });
}, 90_000);

test('a run that has ended or awaits cancellation is not restarted', async () => {
  const scope = await model();
  const { repositories } = stack;
  const over = await submitBuild(scope);
  await repositories.runs.cancel(over, 'by hand');
  expect(await repositories.runs.beginAgain(over)).toBe(false);
});

test('a lifecycle that cannot be replayed ends, and the keeper restarts it', async () => {
  const scope = await model();
  const { workflowClient } = stack;
  const workflowId = lifecycleWorkflowId(scope);
  await stack.workWith(older);
  await workflowClient.advance(scope);
  await stack.workWith();
  await stack.temporal.workflow.getHandle(workflowId).signal('nudge');
  await expect
    .poll(() => workflowClient.describe(workflowId), { timeout: 20_000 })
    .toEqual({ state: 'closed', status: 'FAILED' });
  await expect
    .poll(async () => (await workflowClient.runningLifecycles()).has(workflowId), { timeout: 20_000 })
    .toBe(false);
  const { repositories } = stack;
  const clock = { now: () => '2030-01-01T00:00:00.000Z' };
  await createLifecycleKeeper({ repositories, workflowClient, clock, logger: quiet }).catchUp();
  expect(await workflowClient.describe(workflowId)).toEqual({ state: 'running' });
  await expect
    .poll(async () => (await workflowClient.runningLifecycles()).has(workflowId), { timeout: 20_000 })
    .toBe(true);
}, 90_000);
