import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Activities, RolloutFacts, RunConclusion } from '../../activities/activity-types.ts';
import { nudgeSignal, workflowQueue } from '../../contracts/workflows.ts';
import type { LifecycleWorker } from '../support/lifecycle-worker.ts';
import { startLifecycleWorker } from '../support/lifecycle-worker.ts';

// A deployment that waits for weeks, told in small: an execution is long after 60 events, where a server says 4,096, and
// nudges stand for the timers of hours. A look costs the same number of events after either.

const longAfter = 60;
const scale = 4_096 / longAfter;
const eventsPerLook = 12;
const daily = 24 * 6;
/** How often each wait is looked at in 30 days of approval, one day of queue, and a bake of 30 days (until-next-look.test.ts). */
const looksWanted = {
  tallyApproval: Math.ceil((30 * daily) / scale),
  beginRollout: Math.ceil((daily + 10) / scale),
  judgeCanary: Math.ceil((30 * 2 * daily) / scale),
};
type Waiting = keyof typeof looksWanted;

const digest = 'a'.repeat(64);
const id = '0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10';
const facts: RolloutFacts = {
  approvalId: id,
  releaseId: id,
  releaseDigest: digest,
  championDigest: 'b'.repeat(64),
  shadow: null,
  steps: [10, 100],
  bakeMs: 1_000,
  onInsufficient: 'extend',
  virtual: false,
  notify: true,
  again: false,
};

const asked = new Map<string, number>();
const concluded: RunConclusion[] = [];
let stack: LifecycleWorker;

/** Counts the call, and returns whether the wait was checked often enough. */
function isOver(name: Waiting): boolean {
  asked.set(name, (asked.get(name) ?? 0) + 1);
  return (asked.get(name) ?? 0) > looksWanted[name];
}

function count<Answer>(name: string, answer: Answer): () => Promise<Answer> {
  return async () => {
    asked.set(name, (asked.get(name) ?? 0) + 1);
    return answer;
  };
}

const activities: Partial<Activities> = {
  beginRun: count('beginRun', { alreadyFinal: false }),
  concludeRun: async ({ conclusion }) => void concluded.push(conclusion),
  queueOfConfirmation: async () => ({ queue: null }),
  requestApproval: count('requestApproval', facts),
  tallyApproval: async () => ({
    status: isOver('tallyApproval') ? 'approved' : 'pending',
    expiresInMs: null,
    remindInMs: null,
  }),
  notifyOfApproval: count('notifyOfApproval', { told: [], failed: [] }),
  beginRollout: async () => (isOver('beginRollout') ? 'begun' : 'taken'),
  raiseGeneration: count('raiseGeneration', { generation: 2 }),
  awaitGateways: count('awaitGateways', { loaded: true }),
  judgeCanary: async () => ({
    verdict: isOver('judgeCanary') ? 'pass' : 'insufficient',
    requests: 0,
    reason: 'nobody asks',
  }),
  endRollout: async () => undefined,
};

beforeAll(async () => {
  stack = await startLifecycleWorker(activities, { 'limit.historyCount.suggestContinueAsNew': longAfter });
});
afterAll(() => stack?.stop());

/** Waits until the workflow has checked its wait once more. */
async function anotherLook(looks: number): Promise<void> {
  await expect.poll(() => lookCount(), { timeout: 20_000, interval: 2 }).toBeGreaterThan(looks);
}

function lookCount(): number {
  return Object.keys(looksWanted).reduce((sum, name) => sum + (asked.get(name) ?? 0), 0);
}

async function executionsOf(workflowId: string) {
  const executions: { readonly status: string; readonly events: number }[] = [];
  for await (const { runId } of stack.temporal.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const { status, historyLength } = await stack.temporal.workflow.getHandle(workflowId, runId).describe();
    executions.push({ status: status.name, events: historyLength });
  }
  return executions;
}

test('a deployment with 30 days of approval, a day in the queue and a bake of 30 days keeps its executions short', async () => {
  const workflowId = 'a-patient-deployment';
  const scope = { project: 'default', model: 'patient', modelId: id, environment: 'production' };
  const handle = await stack.temporal.workflow.start('deployPipeline', {
    workflowId,
    taskQueue: workflowQueue,
    args: [{ schemaVersion: 1, runId: id, scope }],
  });
  // The last check is the one that ends the bake of the canary.
  while (asked.get('judgeCanary') !== looksWanted.judgeCanary + 1) {
    const looks = lookCount();
    await handle.signal(nudgeSignal);
    await anotherLook(looks);
  }
  await handle.result();

  expect(concluded).toMatchObject([{ state: 'succeeded', outcome: { decision: 'promoted', reasons: [] } }]);
  // Continued executions do not repeat completed steps.
  expect(Object.fromEntries(asked)).toMatchObject({
    requestApproval: 1,
    notifyOfApproval: 1,
    raiseGeneration: 2,
    awaitGateways: 2,
  });
  const wanted = Object.entries(looksWanted).map(([name, looks]) => [name, looks + 1]);
  expect(Object.fromEntries(asked)).toMatchObject(Object.fromEntries(wanted));

  const executions = await executionsOf(workflowId);
  expect(executions.filter(({ status }) => status === 'COMPLETED')).toHaveLength(1);
  expect(asked.get('beginRun')).toBe(executions.length);
  const events = executions.reduce((sum, execution) => sum + execution.events, 0);
  expect(Math.max(...executions.map((execution) => execution.events))).toBeLessThan(longAfter + 3 * eventsPerLook);
  // Besides the checks, each execution has initial events, and some steps run once.
  expect(events).toBeLessThan(lookCount() * eventsPerLook + executions.length * 20 + 50);
}, 120_000);
