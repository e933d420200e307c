import { platformViewer } from '../../contracts/access/principal.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildWaits } from '../../contracts/models/build-waits.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { lifecycleWorkflowId } from '../../contracts/runs/workflows.ts';
import { configuration } from '../db/database-ground.ts';
import type { LifecycleWorker } from '../support/lifecycle-worker.ts';
import { startLifecycleWorker } from '../support/lifecycle-worker.ts';

const nobody = '0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10';
let stack: LifecycleWorker;
let scope: Scope;
let by: string;
let models = 0;
/** Builds wait until this gate opens. */
let gate = Promise.resolve();
let open = (): void => {};
function shut(): void {
  gate = new Promise((resolve) => {
    open = resolve;
  });
}

beforeAll(async () => {
  stack = await startLifecycleWorker(
    {
      // Builds find nothing changed. The tests only look at how many builds there are, and why.
      materialiseEnvironment: async () => {
        await gate;
        return { interpreter: 'none', platform: 'none' };
      },
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
    },
    // Temporal suggests to continue as new after 4,096 events by default. This lower number makes it happen more than
    // once.
    { 'limit.historyCount.suggestContinueAsNew': 300 },
  );
  by = (await stack.repositories.principals.ensure('operator', 'person', [{ role: 'operator' }], null)).id;
}, 60_000);
afterAll(async () => {
  open();
  await stack?.stop();
});

async function applyModel(retrain: object): Promise<void> {
  const own = Configuration.parse({ ...configuration, name: `model-${(models += 1)}`, retrain });
  scope = (await stack.repositories.models.apply('default', 'production', own, by)).scope;
}

function submitTrigger(fingerprint: string, kind: 'drift' | 'manual' = 'drift') {
  const body = { kind: 'trigger', schemaVersion: 1, trigger: kind, reason: 'it moved', fingerprint } as const;
  return stack.repositories.lifecycle.submit(scope, body, by);
}

async function builds() {
  const filter = { project: 'default', model: scope.model, kind: 'build' } as const;
  return (await stack.repositories.runs.list(platformViewer, filter, { limit: 200 })).items;
}

async function triggersByStatus(): Promise<Readonly<Record<string, number>>> {
  const counted: Record<string, number> = {};
  for (let cursor: string | undefined; ;) {
    const page = await stack.repositories.lifecycle.triggers(scope, { limit: 5_000, ...(cursor && { cursor }) });
    for (const { status } of page.items) counted[status] = (counted[status] ?? 0) + 1;
    if (page.next === undefined) return counted;
    cursor = page.next;
  }
}

async function continuedAsNew(): Promise<number> {
  let times = 0;
  const query = `WorkflowId = '${lifecycleWorkflowId(scope)}' and ExecutionStatus = 'ContinuedAsNew'`;
  for await (const execution of stack.temporal.workflow.list({ query })) times += execution.runId === '' ? 0 : 1;
  return times;
}

test('under 4,000 triggers and 200 updates the lifecycle continues as new, loses none, answers every update, and builds a few times', async () => {
  await applyModel({ on: ['drift'], debounce: '2s', cooldown: '0s', budget: '1000 per day' });
  const total = 4_000;
  const processes = Array.from({ length: 8 }, () => stack.anotherClient());
  let sent = 0;
  let answered = 0;
  await Promise.all(
    processes.map(async (process) => {
      for (;;) {
        const first = sent;
        sent += 20;
        if (first >= total) return;
        for (let index = first; index < first + 20; index += 1) await submitTrigger(`trigger ${index}`);
        // Rejects if the update is lost between one execution and the next.
        await process.advance(scope);
        answered += 1;
      }
    }),
  );
  expect(answered).toBe(total / 20);
  await expect
    .poll(async () => (await stack.repositories.lifecycle.snapshot(scope)).triggers.length, {
      timeout: 30_000,
      interval: 250,
    })
    .toBe(0);
  expect(await triggersByStatus()).toEqual({ consumed: total });
  expect(await continuedAsNew()).toBeGreaterThanOrEqual(2);
  await expect
    .poll(async () => (await builds()).every((run) => run.state === 'succeeded'), { timeout: 20_000 })
    .toBe(true);
  expect((await builds()).length).toBeLessThanOrEqual(10);
}, 120_000);

/** Creates a build that runs until `open` is called, and one that waits for its slot and has no workflow yet. */
async function oneRunsAndOneWaits() {
  await applyModel({ on: ['drift'], debounce: '0s', cooldown: '0s', budget: '1000 per day' });
  const { repositories, workflowClient } = stack;
  shut();
  await submitTrigger('first', 'manual');
  await workflowClient.advance(scope);
  const [running] = await builds();
  if (running === undefined) throw new Error('no build was begun');
  const stateOf = async (id: string) => (await repositories.runs.get(id)).state;
  await expect.poll(() => stateOf(running.id), { timeout: 20_000 }).toBe('running');
  const request = { kind: 'build', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z', automated: false } as const;
  const { runId } = await repositories.lifecycle.submit(scope, { kind: 'run', schemaVersion: 1, request }, by);
  const waiting = String(runId);
  return { running, waiting, states: async () => [await stateOf(running.id), await stateOf(waiting)] };
}

test('a run whose workflow was terminated by hand fails and frees its slot, and other runs are unaffected', async () => {
  const { running, waiting, states } = await oneRunsAndOneWaits();
  const { repositories, workflowClient, activities, temporal } = stack;
  await activities.advanceLifecycle({ scope, reconcile: true });
  expect(await states()).toEqual(['running', 'queued']);
  await temporal.workflow.getHandle(running.workflowId).terminate('by hand');
  // A requested check does not ask Temporal about every run; only the timer's check does.
  await activities.advanceLifecycle({ scope, reconcile: false });
  expect(await states()).toEqual(['running', 'queued']);
  const { start } = await activities.advanceLifecycle({ scope, reconcile: true });
  expect(await repositories.runs.get(running.id)).toMatchObject({
    state: 'failed',
    failure: { code: 'process-died', fields: { workflowId: running.workflowId, status: 'TERMINATED' } },
  });
  expect(start.map((order) => order.runId)).toEqual([waiting]);
  open();
  await workflowClient.advance(scope);
  await expect.poll(states, { timeout: 20_000 }).toEqual(['failed', 'succeeded']);
});

test('a run whose workflow Temporal has lost fails, and a run without a workflow yet does not', async () => {
  const { running, states } = await oneRunsAndOneWaits();
  const { repositories, workflowClient, activities, temporal } = stack;
  await temporal.workflowService.deleteWorkflowExecution({
    namespace: temporal.options.namespace,
    workflowExecution: { workflowId: running.workflowId },
  });
  await expect
    .poll(async () => (await workflowClient.describe(running.workflowId)).state, { timeout: 20_000 })
    .toBe('absent');
  await activities.advanceLifecycle({ scope, reconcile: true });
  expect(await repositories.runs.get(running.id)).toMatchObject({
    state: 'failed',
    failure: { code: 'process-died', fields: { workflowId: running.workflowId, status: 'ABSENT' } },
  });
  expect(await states()).toEqual(['failed', 'queued']);
  open();
  await workflowClient.advance(scope);
  await expect.poll(states, { timeout: 20_000 }).toEqual(['failed', 'succeeded']);
});

test('a changed configuration takes effect at the next check, and waiting triggers get their build', async () => {
  await applyModel({ on: ['drift'], debounce: '1h', cooldown: '24h', budget: '10 per day' });
  const { repositories, workflowClient } = stack;
  await submitTrigger('a finding');
  await workflowClient.advance(scope);
  expect(await builds()).toEqual([]);
  expect(buildWaits(await repositories.lifecycle.snapshot(scope))).toMatchObject([{ for: 'debounce' }]);
  const retrain = { on: ['drift'], debounce: '0s', cooldown: '24h', budget: '10 per day' };
  const own = Configuration.parse({ ...configuration, name: scope.model, retrain });
  await repositories.models.apply('default', 'production', own, by);
  await workflowClient.advance(scope);
  await expect.poll(async () => (await builds()).map((run) => run.state), { timeout: 20_000 }).toEqual(['succeeded']);
  // The reason why the next trigger waits is reported.
  await submitTrigger('another finding');
  await workflowClient.advance(scope);
  expect(buildWaits(await repositories.lifecycle.snapshot(scope))).toMatchObject([{ for: 'cooldown' }]);
});

test('the lifecycle of an archived model ends, and that of a restored model begins again', async () => {
  await applyModel({ on: ['drift'], debounce: '0s', cooldown: '0s', budget: '10 per day' });
  const { repositories, workflowClient } = stack;
  const state = async () => (await workflowClient.describe(lifecycleWorkflowId(scope))).state;
  await workflowClient.advance(scope);
  expect(await state()).toBe('running');
  await repositories.models.archive(scope.modelId, { reason: 'closed', by });
  await workflowClient.advance(scope);
  await expect.poll(state, { timeout: 20_000 }).toBe('closed');
  await repositories.models.restore(scope.modelId, { reason: 'open', by });
  await submitTrigger('after', 'manual');
  await workflowClient.advance(scope);
  expect(await state()).toBe('running');
  await expect.poll(async () => (await builds()).map((run) => run.state), { timeout: 20_000 }).toEqual(['succeeded']);
});
