import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { RolloutFacts } from '../../contracts/pipelines/deploy-runs.ts';
import type { RunConclusion } from '../../contracts/pipelines/lifecycle-steps.ts';
import { nudgeSignal, workflowQueue } from '../../contracts/runs/workflows.ts';
import type { LifecycleWorker } from '../support/lifecycle-worker.ts';
import { startLifecycleWorker } from '../support/lifecycle-worker.ts';

// Workflows that wait for weeks or run thousands of steps, on a smaller scale. An execution counts as long after 60
// events instead of a server's 4,096, and nudges replace timers of hours. A check costs the same number of events after
// a nudge and after a timer.

const longAfter = 60;
const scale = 4_096 / longAfter;
const eventsPerLook = 12;
const daily = 24 * 6;
/**
 * The scaled number of checks during 30 days of approval, one day in the queue, and a bake of 30 days (see
 * until-next-look.test.ts).
 */
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
const ended: (string | null)[] = [];
const cursors: (string | null)[] = [];
/** Enough steps for several executions. */
const manySteps = 40;
let stack: LifecycleWorker;

/** Counts the call, and returns the count. */
function times(name: string): number {
  const calls = (asked.get(name) ?? 0) + 1;
  asked.set(name, calls);
  return calls;
}

/** Counts the call, and returns whether the wait was checked often enough. */
function isOver(name: Waiting): boolean {
  return times(name) > looksWanted[name];
}

function count<Answer>(name: string, answer: Answer): () => Promise<Answer> {
  return async () => {
    times(name);
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
  planRehearsal: count('planRehearsal', { rehearsalId: id, periods: 1, recorded: 0, rows: digest }),
  commandPeriod: async () => ({ commandedRunId: id }),
  lookAtRun: async () => ({ over: times('lookAtRun') > manySteps }),
  settlePeriod: async () => ({ quiet: true }),
  servePeriod: count('servePeriod', { rows: 1, served: {} }),
  recordPeriod: async () => void times('recordPeriod'),
  finishRehearsal: async () => ({
    kind: 'rehearsal',
    rehearsalId: id,
    metricAsServed: 1,
    metricNeverReplaced: 1,
    promoted: 0,
    refused: 0,
    unchanged: 0,
  }),
  beginCollection: count('beginCollection', { collectionId: id }),
  markReachable: async () => void times('markReachable'),
  sweepGarbage: async () => ({ done: times('sweepGarbage') > manySteps }),
  endCollection: async ({ failure }) => void ended.push(failure),
  async signHeads({ cursor }) {
    cursors.push(cursor);
    return { next: cursors.length > manySteps ? null : `after ${cursors.length}`, signed: 1, refused: 0 };
  },
};

beforeAll(async () => {
  stack = await startLifecycleWorker(activities, { 'limit.historyCount.suggestContinueAsNew': longAfter });
});
afterAll(() => stack?.stop());
beforeEach(() => {
  asked.clear();
  concluded.length = 0;
});

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

/** Asserts that the workflow took several executions, and that none was much longer than the limit. */
async function expectShortExecutions(workflowId: string): Promise<void> {
  const executions = await executionsOf(workflowId);
  expect(executions.length).toBeGreaterThan(2);
  expect(executions.filter(({ status }) => status === 'COMPLETED')).toHaveLength(1);
  expect(Math.max(...executions.map(({ events }) => events))).toBeLessThan(longAfter + 3 * eventsPerLook);
}

test('a rehearsal that waits for a run for days keeps its executions short, and repeats no period', async () => {
  const workflowId = 'a-patient-rehearsal';
  const scope = { project: 'default', model: 'rehearsed', modelId: id, environment: 'rehearsal-1' };
  const args = [{ schemaVersion: 1, runId: id, scope }];
  const handle = await stack.temporal.workflow.start('rehearsal', { workflowId, taskQueue: workflowQueue, args });
  const looks = () => asked.get('lookAtRun') ?? 0;
  while (looks() <= manySteps) {
    const before = looks();
    await handle.signal(nudgeSignal);
    await expect.poll(looks, { timeout: 20_000, interval: 2 }).toBeGreaterThan(before);
  }
  await handle.result();
  expect(concluded).toMatchObject([{ state: 'succeeded', outcome: { kind: 'rehearsal' } }]);
  expect(Object.fromEntries(asked)).toMatchObject({ planRehearsal: 1, servePeriod: 1, recordPeriod: 1 });
  await expectShortExecutions(workflowId);
}, 120_000);

test('a garbage collection of many pages keeps its executions short, and marks once', async () => {
  const workflowId = 'a-long-collection';
  const args = [{ schemaVersion: 1, collectionId: id }];
  await stack.temporal.workflow.execute('collectGarbage', { workflowId, taskQueue: workflowQueue, args });
  expect(Object.fromEntries(asked)).toMatchObject({ markReachable: 1, sweepGarbage: manySteps + 1 });
  expect(ended).toEqual([null]);
  await expectShortExecutions(workflowId);
}, 60_000);

test('the signing of many ledgers keeps its executions short, and each continues where the previous one ended', async () => {
  const workflowId = 'a-long-signing';
  const args = [{ schemaVersion: 1 }];
  await stack.temporal.workflow.execute('signLedgerHeads', { workflowId, taskQueue: workflowQueue, args });
  expect(cursors).toEqual([null, ...Array.from({ length: manySteps }, (_, at) => `after ${at + 1}`)]);
  await expectShortExecutions(workflowId);
}, 60_000);
